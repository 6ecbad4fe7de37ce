// SPDX-License-Identifier: Apache-2.0

/// Text that came from elsewhere (an inmate's name, what the hypervisor printed) made fit for a terminal.
enum Text {
    /// Every control character, and every one that turns the direction of writing, as a visible escape.
    static func printable(_ text: String, keepingLineBreaks: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where keepingLineBreaks: result += "\n"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isHarmful(scalar):
                let digits = String(scalar.value, radix: 16)
                result += scalar.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // line and paragraph separators, embeddings and isolates of direction
        case 0x2028...0x202e, 0x2066...0x2069, 0x200e, 0x200f: true
        default: scalar.properties.generalCategory == .control
        }
    }

    /// Numbers as a list of ranges: `0-2,5`; `-` for none.
    static func ranges(_ numbers: [Int]) -> String {
        var pieces: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = pieces.last, number - last.upperBound <= 1 {
                pieces[pieces.count - 1] = last.lowerBound...number
            } else {
                pieces.append(number...number)
            }
        }
        if pieces.isEmpty { return "-" }
        return pieces.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    static func hexadecimal(_ address: UInt64) -> String {
        "0x" + String(address, radix: 16)
    }

    /// As a shell reads it: in quotes if it needs them.
    static func shellWord(_ text: String) -> String {
        let plain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "./_-+:@%,=".contains($0)) }
        return plain && !text.isEmpty
            ? text : "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
    }

    /// `1 cell`, `2 cells`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// The same of text with colours, which have no width; what fits stays as it is.
    static func wrapped(painted text: String, to width: Int) -> [String] {
        guard shownCount(text[...]) > width else { return [text] }
        let space = text.prefix { $0 == " " }
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let line = lines.last, shownCount(line[...]) + 1 + shownCount(word) <= width {
                lines[lines.count - 1] = line + " " + word
            } else {
                lines.append(space + (lines.isEmpty ? "" : "  ") + word)
            }
        }
        return lines
    }

    private static func shownCount(_ text: Substring) -> Int {
        var count = 0
        var isEscape = false
        for character in text {
            if character == "\u{1b}" {
                isEscape = true
            } else if isEscape {
                isEscape = character != "m"
            } else {
                count += 1
            }
        }
        return count
    }

    /// Lines of whole words, each as long as fits; a longer word has a line of its own.
    ///
    /// - Parameter width: in columns of a terminal.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var used = 0
        for word in text.split(separator: " ") {
            let needed = columns(of: word)
            if !lines.isEmpty, used + 1 + needed <= width {
                lines[lines.count - 1] += " " + word
                used += 1 + needed
            } else {
                lines.append(String(word))
                used = needed
            }
        }
        return lines
    }
}
