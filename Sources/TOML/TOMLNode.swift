// SPDX-License-Identifier: Apache-2.0

/// A value of a TOML text and its position.
package struct TOMLNode {
    package enum Content {
        case table(TOMLTable)
        /// Made by `[[…]]`, to which more may be added.
        case tables([TOMLTable])
        case list([TOMLNode])
        case string(String)
        case integer(Int64)
        case boolean(Bool)
        /// What no key here takes, by its kind: `a fraction`, `a date or time`.
        case other(String)
    }

    package var content: Content
    /// Byte offset in the text.
    package var offset: Int
}

/// A table while it is being read and afterwards.
package final class TOMLTable {
    /// How it came to be, which decides what may still be added to it.
    enum Origin {
        /// By its own header, or the file itself.
        case header
        /// By the header of a table within it.
        case implicit
        /// By a dotted key.
        case dotted
        /// `{ … }`: complete.
        case inline
    }

    var origin: Origin
    package var members: [String: TOMLNode] = [:]
    /// Of each key.
    package var keyOffsets: [String: Int] = [:]
    package let offset: Int

    init(_ origin: Origin, offset: Int) {
        self.origin = origin
        self.offset = offset
    }

    func insert(_ content: TOMLNode.Content, _ key: String, keyOffset: Int, valueOffset: Int) {
        members[key] = TOMLNode(content: content, offset: valueOffset)
        keyOffsets[key] = keyOffset
    }
}

/// Turns byte offsets of a text into lines and columns.
package struct LineTable {
    private let bytes: [UInt8]
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        starts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    /// From 1, the column in characters (Unicode scalars).
    package func position(of offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[starts[low]..<max(starts[low], min(offset, bytes.count))]
        return (low + 1, before.count { $0 & 0xc0 != 0x80 } + 1)
    }
}
