// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A console's text as it comes out of mails, web pages and terminals' logs.
enum MailText {
    /// Without what these add: UTF-16, quoted-printable, HTML's entities, curly quotes, blanks that do not break, colours.
    static func plain(_ bytes: [UInt8]) -> String {
        var text = decoded(unpacked(bytes))
        if quotedMarks.contains(where: text.contains) { text = unquoted(text) }
        if pageMarks.contains(where: text.contains) { text = withoutTags(text) }
        if text.contains("\u{1b}") { text = withoutEscapes(text) }
        for (from, to) in replacements where text.contains(from) { text = text.replacing(from, with: to) }
        return text
    }

    /// What only quoted-printable has.
    private static let quotedMarks = [
        "=3D", "=C2=A0", "=E2=80", "=\n", "=\r\n", "=0D\n", "=0D\r\n", "=20\n", "=20\r\n", "(Cell: =22",
    ]

    /// What only a page of HTML has.
    private static let pageMarks = ["<br", "<BR", "</p>", "</P>", "</div>", "</pre>", "</span>"]

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
                let end = rest.firstIndex(of: ">")
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

    private static let replacements = [
        ("\u{a0}", " "), ("\t", " "), ("\u{202f}", " "), ("\u{200b}", ""), ("\u{feff}", ""), ("\u{201c}", "\""),
        ("\u{201d}", "\""),
        ("\u{201e}", "\""), ("&quot;", "\""), ("&#34;", "\""), ("&nbsp;", " "), ("&gt;", ">"), ("&lt;", "<"),
        ("&ldquo;", "\""), ("&rdquo;", "\""), ("&bdquo;", "\""), ("&#x22;", "\""), ("&#8220;", "\""), ("&#8221;", "\""),
        ("&#160;", " "), ("&#xa0;", " "), ("&#xA0;", " "), ("&amp;", "&"),
    ]

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

    /// The bodies of a mail whose `Content-Transfer-Encoding` is base64 (RFC 2045, 6.8) as the text that they are; all else,
    /// and what is no text, as it is.
    private static func unpacked(_ bytes: [UInt8]) -> [UInt8] {
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
    private static func unquoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
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
        return String(decoding: bytes, as: UTF8.self)
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
