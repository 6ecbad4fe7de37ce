// SPDX-License-Identifier: Apache-2.0

/// Finds out fast whether a line has one of some words: most lines of a console or a journal have none.
package struct WordFilter: Sendable {
    /// By their first byte.
    private let words: [[[UInt8]]]

    package init(_ words: [String]) {
        var table = [[[UInt8]]](repeating: [], count: 256)
        for word in words.map({ Array($0.utf8) }) { if let first = word.first { table[Int(first)].append(word) } }
        self.words = table
    }

    package func isOne(in line: [UInt8]) -> Bool {
        line.withUnsafeBufferPointer { line in
            words.withUnsafeBufferPointer { words in
                for start in line.indices {
                    for word in words[Int(line[start])] where line.count - start >= word.count {
                        if line[start..<start + word.count].elementsEqual(word) { return true }
                    }
                }
                return false
            }
        }
    }
}
