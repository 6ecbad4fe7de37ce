// SPDX-License-Identifier: Apache-2.0

import FailureReports
import FoundationEssentials

/// A console's text as it comes out of mails, web pages and terminals' logs.
enum MailText {
    /// Without what these add: UTF-16, quoted-printable, HTML's entities, curly quotes, blanks that do not break, colours.
    static func plain(_ bytes: [UInt8]) -> String {
        var bytes = Array(decoded(unpacked(bytes)).utf8)
        if quotedMarks.isOne(in: bytes) { bytes = unquoted(bytes) }
        if pageMarks.isOne(in: bytes) { bytes = Array(withoutTags(String(decoding: bytes, as: UTF8.self)).utf8) }
        if bytes.contains(0x1b) { bytes = Array(withoutEscapes(String(decoding: bytes, as: UTF8.self)).utf8) }
        return String(decoding: replaced(bytes), as: UTF8.self)
    }

    /// What only quoted-printable has.
    private static let quotedMarks = WordFilter([
        "=3D", "=C2=A0", "=E2=80", "=\n", "=\r\n", "=0D\n", "=0D\r\n", "=20\n", "=20\r\n", "(Cell: =22",
    ])

    /// What only a page of HTML has.
    private static let pageMarks = WordFilter(["<br", "<BR", "</p>", "</P>", "</div>", "</pre>", "</span>"])

    /// The text of a page of HTML: what ends a line there ends it here. Other things in angle brackets stay: the hypervisor
    /// prints some.
    private static func withoutTags(_ text: String) -> String {
        let blocks: Set<Substring> = ["br", "p", "div", "pre", "li", "tr", "blockquote"]
        let inline: Set<Substring> = ["span", "code", "tt", "font", "b", "i", "em", "strong", "a", "html", "body"]
        var result = ""
        var rest = text[...]
        while let start = rest.firstIndex(of: "<") {
            result += rest[..<start]
            rest = rest[start...]
            let name = rest.dropFirst().drop { $0 == "/" }.prefix { $0.isLetter }
            let word = Substring(name.lowercased())
            let after = rest[name.endIndex...].first
            guard blocks.contains(word) || inline.contains(word), after == ">" || after == "/" || after == " ",
                // no tag has another one in it
                let end = rest.dropFirst().firstIndex(where: { $0 == ">" || $0 == "<" }), rest[end] == ">"
            else {
                result.append("<")
                rest = rest.dropFirst()
                continue
            }
            if blocks.contains(word) { result += "\n" }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// By the first byte.
    private static let replacements: [[(from: [UInt8], to: [UInt8])]] = {
        var table = [[(from: [UInt8], to: [UInt8])]](repeating: [], count: 256)
        let pairs = [
            ("\u{a0}", " "), ("\t", " "), ("\u{202f}", " "), ("\u{200b}", ""), ("\u{feff}", ""), ("\u{201c}", "\""),
            ("\u{201d}", "\""),
            ("\u{201e}", "\""), ("&quot;", "\""), ("&#34;", "\""), ("&nbsp;", " "), ("&gt;", ">"), ("&lt;", "<"),
            ("&ldquo;", "\""), ("&rdquo;", "\""), ("&bdquo;", "\""), ("&#x22;", "\""), ("&#8220;", "\""),
            ("&#8221;", "\""),
            ("&#160;", " "), ("&#xa0;", " "), ("&#xA0;", " "), ("&amp;", "&"),
        ]
        for (from, to) in pairs {
            if let first = from.utf8.first { table[Int(first)].append((Array(from.utf8), Array(to.utf8))) }
        }
        return table
    }()

    /// In one pass: what comes out of a replacement is not replaced again, so that `&amp;lt;` is `&lt;`.
    private static func replaced(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let rest = bytes[index...]
            if let pair = replacements[Int(bytes[index])].first(where: { rest.starts(with: $0.from) }) {
                result += pair.to
                index += pair.from.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    /// UTF-16 has a mark at its beginning, or a NUL in every other byte.
    private static func decoded(_ bytes: [UInt8]) -> String {
        let isLittle =
            bytes.starts(with: [0xff, 0xfe]) || bytes.count > 3 && bytes[1] == 0 && bytes[3] == 0 && bytes[0] != 0
        let isBig =
            bytes.starts(with: [0xfe, 0xff]) || bytes.count > 3 && bytes[0] == 0 && bytes[2] == 0 && bytes[1] != 0
        guard isLittle || isBig else {
            // bytes that are no UTF-8: Windows-1252, of which only quotes and blanks matter here
            return String(validating: bytes, as: UTF8.self)
                ?? String(String.UnicodeScalarView(bytes.map(westernScalar)))
        }
        let units = stride(from: 0, to: bytes.count - 1, by: 2).map { index -> UInt16 in
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            return isLittle ? second << 8 | first : first << 8 | second
        }
        return String(decoding: units, as: UTF16.self)
    }

    private static func westernScalar(_ byte: UInt8) -> Unicode.Scalar {
        switch byte {
        case 0x84, 0x93, 0x94: "\""
        case 0x91, 0x92: "'"
        case 0x85: "…"
        default: Unicode.Scalar(byte)
        }
    }

    /// In lower case; the digits of "64" have that bit in any case.
    private static let base64 = WordFilter(["base64"])

    /// The bodies of a mail whose `Content-Transfer-Encoding` is base64 (RFC 2045, 6.8) as the text that they are; all else,
    /// and what is no text, as it is.
    private static func unpacked(_ bytes: [UInt8]) -> [UInt8] {
        guard base64.isOne(in: bytes.map { $0 | 0x20 }) else { return bytes }
        let mark = "content-transfer-encoding:base64"
        let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
        var (result, rest, isFound) = ([UInt8](), lines[...], false)
        while let line = rest.popFirst() {
            result += Array(line.utf8) + [UInt8(ascii: "\n")]
            guard line.utf8.count < 80, line.lowercased().filter({ !$0.isWhitespace }) == mark else { continue }
            let body = rest.drop { !$0.isEmpty }.drop { $0.isEmpty }.prefix { !$0.isEmpty && !$0.hasPrefix("--") }
            guard let data = Data(base64Encoded: body.joined()), !data.isEmpty,
                let text = String(validating: data, as: UTF8.self)
            else { continue }
            (isFound, rest) = (true, lines[body.endIndex...])
            result += Array(text.utf8) + [UInt8(ascii: "\n")]
        }
        return isFound ? result : bytes
    }

    /// RFC 2045, 6.7: `=3D` is a byte, `=` at a line's end joins it with the next one.
    private static func unquoted(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text[...]
        let line: [UInt8] = [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                bytes.append(byte)
                continue
            }
            if rest.starts(with: line) {
                rest = rest.dropFirst(2)
            } else if rest.first == line[1] {
                rest = rest.dropFirst()
            } else if rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// ECMA-48's control sequences: `ESC [`, parameters, and a letter.
    private static func withoutEscapes(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\u{1b}" else {
                result.append(scalar)
                continue
            }
            guard rest.first == "[" else { continue }
            rest = rest.dropFirst().drop { (0x20...0x3f).contains($0.value) }.dropFirst()
        }
        return String(result)
    }
}
