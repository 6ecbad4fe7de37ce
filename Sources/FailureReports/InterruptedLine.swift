// SPDX-License-Identifier: Apache-2.0

/// Reasons whose line other text interrupted: the kernel's own line on the same serial port, or a mail that was wrapped.
enum InterruptedLine {
    /// The same lines, and a reason that goes on in the next one as one line.
    static func mended(_ lines: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var index = lines.startIndex
        while index < lines.endIndex {
            let line = lines[index]
            let next = index + 1 < lines.endIndex ? lines[index + 1] : nil
            if let whole = joined(line, with: next) {
                result.append(whole)
                index += 2
            } else {
                result.append(line)
                index += 1
            }
        }
        return result
    }

    private static let beginnings = WordFilter(["FATAL: ", "Unhandled ", "Invalid "])

    /// Nil where both are lines of their own.
    private static func joined(_ line: [UInt8], with next: [UInt8]?) -> [UInt8]? {
        guard let next, beginnings.isOne(in: line) else { return nil }
        let head = kernelText(in: line).map { Array(line[..<$0]) } ?? line
        guard !ConsoleGrammar.isKnown(head), ConsoleGrammar.reason(in: next) == nil else { return nil }
        return [head + next, head + [UInt8(ascii: " ")] + next].first(where: ConsoleGrammar.isKnown)
    }

    /// Where the kernel's line begins, by its time: `[   77.123456] `; nil: it does not, or only at the beginning.
    private static func kernelText(in line: [UInt8]) -> Int? {
        for start in line.indices.dropFirst() where line[start] == UInt8(ascii: "[") {
            let time = line[(start + 1)...].drop { $0 == UInt8(ascii: " ") }
            let digits = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
            let seconds = time.prefix(while: digits)
            let rest = time.dropFirst(seconds.count)
            guard !seconds.isEmpty, rest.first == UInt8(ascii: ".") else { continue }
            let end = rest.dropFirst().drop(while: digits)
            if end.first == UInt8(ascii: "]") { return start }
        }
        return nil
    }
}
