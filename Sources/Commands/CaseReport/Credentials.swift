// SPDX-License-Identifier: Apache-2.0

/// What lets somebody in, in texts that are handed on: passwords, keys and tokens by the words before them, and the user of
/// an address (RFC 3986, userinfo).
enum Credentials {
    private static let mask = Array("***".utf8)
    private static let names = [
        "password", "passwd", "passphrase", "psk", "secret", "token", "api_key", "api-key", "apikey", "credential",
    ].map { Array($0.utf8) }
    private static let schemes = ["bearer ", "basic "].map { Array($0.utf8) }
    private static let leastToken = 6
    private static let quotes = ["\\\"", "\\'", "\"", "'", "&quot;"].map { Array($0.utf8) }

    /// The text with `***` in their places.
    static func masked(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let lower = bytes.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            guard let secret = secret(in: lower, at: position) else {
                result.append(bytes[position])
                position += 1
                continue
            }
            result += bytes[position..<secret.lowerBound] + mask
            position = secret.upperBound
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Where a secret is whose mark begins here.
    private static func secret(in bytes: [UInt8], at position: Int) -> Range<Int>? {
        switch bytes[position] {
        case UInt8(ascii: ":"): return user(in: bytes, at: position)
        case UInt8(ascii: "b"):
            guard let scheme = schemes.first(where: { bytes[position...].starts(with: $0) }) else { return nil }
            let value = value(in: bytes, from: position + scheme.count)
            return value.count >= leastToken ? value : nil
        default:
            guard let name = names.first(where: { bytes[position...].starts(with: $0) }) else { return nil }
            var start = position + name.count
            // the rest of the word, and quotes of JSON, TOML and HTML
            while start < bytes.count, isLetter(bytes[start]) { start += 1 }
            start = skipQuotes(in: bytes, from: start)
            guard start < bytes.count, [UInt8(ascii: "="), UInt8(ascii: ":")].contains(bytes[start]) else { return nil }
            let value = assigned(in: bytes, from: start + 1)
            return value.isEmpty ? nil : value
        }
    }

    /// `://alice:secret@`
    private static func user(in bytes: [UInt8], at position: Int) -> Range<Int>? {
        guard bytes[position...].starts(with: Array("://".utf8)) else { return nil }
        let value = value(in: bytes, from: position + 3)
        guard let end = bytes[value].lastIndex(of: UInt8(ascii: "@")),
            !bytes[value.lowerBound..<end].contains(UInt8(ascii: "/"))
        else { return nil }
        return value.lowerBound..<end
    }

    /// What follows `=` or `:`, in quotes up to the same quote or the line's end, else one word.
    private static func assigned(in bytes: [UInt8], from start: Int) -> Range<Int> {
        var start = start
        while start < bytes.count, bytes[start] == UInt8(ascii: " ") { start += 1 }
        let quote = quotes.first { bytes[start...].starts(with: $0) }
        start += quote?.count ?? 0
        start += schemes.first { bytes[start...].starts(with: $0) }?.count ?? 0
        guard let quote else { return value(in: bytes, from: start) }
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), !bytes[end...].starts(with: quote) {
            // a quote behind a backslash is one of the value
            end += quote == [UInt8(ascii: "\"")] && bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        return start..<min(end, bytes.count)
    }

    private static func value(in bytes: [UInt8], from start: Int) -> Range<Int> {
        let ends = Array("\"'<>&,; \t\r\n\\".utf8)
        var end = start
        while end < bytes.count, !ends.contains(bytes[end]) { end += 1 }
        return start..<end
    }

    private static func skipQuotes(in bytes: [UInt8], from start: Int) -> Int {
        var position = start
        let entity = Array("&quot;".utf8)
        while position < bytes.count {
            if bytes[position...].starts(with: entity) {
                position += entity.count
            } else if Array("\"'\\ ".utf8).contains(bytes[position]) {
                position += 1
            } else {
                break
            }
        }
        return position
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_") }
}
