// SPDX-License-Identifier: Apache-2.0

/// The bytes of a TOML text, from left to right.
struct TOMLScanner {
    private let bytes: [UInt8]
    private(set) var offset = 0
    let lines: LineTable

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        lines = LineTable(bytes)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
    }

    /// The next byte; nil at the end.
    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func error(_ message: String, at place: Int? = nil) -> TOMLError {
        let position = lines.position(of: place ?? offset)
        return TOMLError(message, line: position.line, column: position.column)
    }

    func isAt(_ text: StaticString) -> Bool {
        bytes[offset...].starts(with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func accept(_ text: StaticString) -> Bool {
        guard isAt(text) else { return false }
        offset += text.utf8CodeUnitCount
        return true
    }

    /// The bytes while they are so; only for ASCII.
    mutating func take(while isPart: (UInt8) -> Bool) -> String {
        let start = offset
        while let byte = peek, isPart(byte) { offset += 1 }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    mutating func skipBlanks() {
        while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { offset += 1 }
    }

    /// Over blanks, comments and ends of lines.
    mutating func skipToStatement() throws(TOMLError) {
        while true {
            skipBlanks()
            try skipComment()
            guard try acceptNewline() else { return }
        }
    }

    mutating func expectEndOfLine() throws(TOMLError) {
        skipBlanks()
        try skipComment()
        if peek == nil { return }
        guard try acceptNewline() else {
            throw error("unexpected text after the value; strings need quotation marks")
        }
    }

    private mutating func skipComment() throws(TOMLError) {
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
            try checkPrintable(byte)
            offset += 1
        }
    }

    private mutating func acceptNewline() throws(TOMLError) -> Bool {
        if accept("\n") { return true }
        // as bytes: Swift sees "\r\n" as one character
        guard peek == UInt8(ascii: "\r") else { return false }
        guard offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\n") else {
            throw error("carriage return without a line feed")
        }
        offset += 2
        return true
    }

    private func checkPrintable(_ byte: UInt8) throws(TOMLError) {
        guard byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") else {
            throw error("control character (byte \(byte)); in a string write it as an escape sequence")
        }
    }

    // MARK: strings

    mutating func literalString() throws(TOMLError) -> String {
        offset += 1
        let start = offset
        while let byte = peek, byte != UInt8(ascii: "'") {
            guard byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") else { break }
            try checkPrintable(byte)
            offset += 1
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard accept("'") else { throw unterminated(start - 1) }
        return text
    }

    mutating func basicString() throws(TOMLError) -> String {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
            if accept("\"") { return String(decoding: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                try escape(into: &text)
            } else {
                try checkPrintable(byte)
                text.append(byte)
                offset += 1
            }
        }
        throw unterminated(start)
    }

    mutating func longLiteralString() throws(TOMLError) -> String {
        try longString("'''", UInt8(ascii: "'"), hasEscapes: false)
    }

    mutating func longBasicString() throws(TOMLError) -> String {
        try longString("\"\"\"", UInt8(ascii: "\""), hasEscapes: true)
    }

    private mutating func longString(
        _ delimiter: StaticString, _ quote: UInt8, hasEscapes: Bool
    ) throws(TOMLError) -> String {
        let start = offset
        offset += 3
        _ = try acceptNewline()
        var text: [UInt8] = []
        while let byte = peek {
            if accept(delimiter) {
                // one or two quotation marks may precede the closing ones
                for _ in 0..<2 where peek == quote {
                    text.append(quote)
                    offset += 1
                }
                return String(decoding: text, as: UTF8.self)
            }
            if try acceptNewline() {
                text.append(UInt8(ascii: "\n"))
            } else if hasEscapes && byte == UInt8(ascii: "\\") {
                if try !acceptLineContinuation() { try escape(into: &text) }
            } else {
                try checkPrintable(byte)
                text.append(byte)
                offset += 1
            }
        }
        throw unterminated(start)
    }

    /// A backslash at the end of a line: the text continues at the next character that is not blank.
    private mutating func acceptLineContinuation() throws(TOMLError) -> Bool {
        let start = offset
        offset += 1
        skipBlanks()
        guard try acceptNewline() else {
            offset = start
            return false
        }
        repeat { skipBlanks() } while try acceptNewline()
        return true
    }

    private mutating func escape(into text: inout [UInt8]) throws(TOMLError) {
        let start = offset
        offset += 1
        guard let letter = peek else { throw unterminated(start) }
        offset += 1
        switch letter {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(letter)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = letter == UInt8(ascii: "u") ? 4 : 8
            let digits = String(decoding: bytes[offset..<min(offset + count, bytes.count)], as: UTF8.self)
            guard digits.utf8.count == count, digits.allSatisfy(\.isHexDigit), let number = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(number)
            else {
                throw error(
                    "\\\(letter == UInt8(ascii: "u") ? "u" : "U") needs \(count) hexadecimal digits of a Unicode scalar value",
                    at: start)
            }
            offset += count
            text += Array(String(scalar).utf8)
        default:
            throw error("unknown escape sequence; a backslash is written \\\\", at: start)
        }
    }

    private func unterminated(_ start: Int) -> TOMLError {
        error("unterminated string: the closing quotation mark is missing", at: start)
    }

    // MARK: other scalars

    mutating func scalar() throws(TOMLError) -> TOMLNode.Content {
        let start = offset
        var word = take { $0.isScalar }
        // a date and its time may have a blank between them
        if word.utf8.count == 10, word.isDate, peek == UInt8(ascii: " "), offset + 1 < bytes.count,
            bytes[offset + 1].isDigit
        {
            offset += 1
            word += " " + take { $0.isScalar }
        }
        switch word {
        case "": throw error("expected a value")
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: break
        }
        if let content = TOMLNumber.content(of: word) { return content }
        if TOMLDateTime.isValid(word) { return .other("a date or time") }
        if word.isDate || word.isTime { throw error("invalid date or time \(word)", at: start) }
        if word.first?.isLetter == true {
            throw error("unknown value \(word); strings need quotation marks: \"\(word)\"", at: start)
        }
        throw error("invalid number \(word)", at: start)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    fileprivate var isLetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    var isBareKey: Bool { isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") }

    fileprivate var isScalar: Bool {
        isBareKey || self == UInt8(ascii: "+") || self == UInt8(ascii: ".") || self == UInt8(ascii: ":")
    }
}

extension String {
    fileprivate var isDate: Bool { utf8.count >= 10 && matches("dddd-dd-dd") }
    fileprivate var isTime: Bool { utf8.count >= 8 && matches("dd:dd:dd") }

    /// Whether it begins so; `d` is a digit.
    private func matches(_ pattern: String) -> Bool {
        zip(utf8, pattern.utf8).allSatisfy { $1 == UInt8(ascii: "d") ? $0.isDigit : $0 == $1 }
    }
}
