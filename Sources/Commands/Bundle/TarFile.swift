// SPDX-License-Identifier: Apache-2.0

/// A tar archive of plain files (POSIX.1-1988 ustar), without owners and times: equal files make equal archives.
struct TarFile: Hashable {
    struct Entry: Hashable {
        /// Relative, at most 99 bytes.
        var path: String
        var contents: [UInt8]
    }

    /// An archive that is none of ours, or was cut off.
    struct Malformed: Error, Hashable {
        let message: String
    }

    private static let block = 512

    var entries: [Entry]

    init(_ entries: [Entry]) {
        self.entries = entries
    }

    var bytes: [UInt8] {
        var result: [UInt8] = []
        for entry in entries {
            result += Self.header(entry) + entry.contents
            result += [UInt8](repeating: 0, count: (Self.block - entry.contents.count % Self.block) % Self.block)
        }
        return result + [UInt8](repeating: 0, count: 2 * Self.block)
    }

    /// Anything but plain files (links, devices, long names) is refused.
    init(bytes: [UInt8]) throws(Malformed) {
        entries = []
        // an archive may have a million of them
        var paths: Set<String> = []
        var position = 0
        while true {
            guard position + Self.block <= bytes.count else { throw Malformed(message: "the archive is cut off") }
            let header = bytes[position..<position + Self.block]
            if header.allSatisfy({ $0 == 0 }) {
                // archivers fill the last record with zeros: POSIX.1-2017, pax, "ustar Interchange Format"
                guard bytes[position...].allSatisfy({ $0 == 0 }) else {
                    throw Malformed(message: "there are bytes behind its end")
                }
                return
            }
            position += Self.block
            func field(_ range: Range<Int>) -> String {
                let start = header.startIndex
                return String(
                    decoding: header[start + range.lowerBound..<start + range.upperBound].prefix { $0 != 0 },
                    as: UTF8.self)
            }
            let path = field(0..<100)
            let kind = field(156..<157)
            guard kind == "0" || kind == "", field(345..<500).isEmpty, !path.isEmpty else {
                throw Malformed(message: "'\(path)' is no plain file")
            }
            guard let size = Int(field(124..<136).filter { $0 != " " }, radix: 8), size >= 0,
                let sum = Int(field(148..<156).filter { $0 != " " }, radix: 8), sum == Self.sum(header)
            else { throw Malformed(message: "the header of '\(path)' is damaged") }
            guard size <= bytes.count - position else { throw Malformed(message: "'\(path)' is cut off") }
            guard paths.insert(path).inserted else {
                throw Malformed(message: "'\(path)' is in it twice")
            }
            entries.append(Entry(path: path, contents: Array(bytes[position..<position + size])))
            position += (size + Self.block - 1) / Self.block * Self.block
        }
    }

    private static func header(_ entry: Entry) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ number: Int, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(entry.path, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(entry.contents.count, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(sum(header[...]), digits: 6) + "\0 ", at: 148)
        return header
    }

    /// Of all bytes of a header, with blanks for the sum itself.
    private static func sum(_ header: ArraySlice<UInt8>) -> Int {
        header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    }
}
