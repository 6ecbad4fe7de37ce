// SPDX-License-Identifier: Apache-2.0

/// SVG's text form.
enum SVG {
    static func element(_ name: String, _ attributes: KeyValuePairs<String, String>, text: String? = nil) -> String {
        let attributes = attributes.map { " \($0.key)=\"\(HTML.escaped($0.value))\"" }.joined()
        return "<\(name)\(attributes)" + (text.map { ">\(HTML.escaped($0))</\(name)>" } ?? "/>")
    }

    /// - Parameter y: of the letters' baseline.
    static func text(_ text: String, x: Int, y: Int, _ classes: String) -> String {
        element("text", ["class": classes, "x": "\(x)", "y": "\(y)"], text: text)
    }

    /// Text that goes on in further lines, and in smaller letters, where it has too little room, and is cut only where
    /// nobody could read it then.
    ///
    /// - Parameter rows: how many lines there may be; at least 1.
    /// - Returns: the lines, at least one, their size, and whether the whole text is there.
    static func lines(_ text: String, width: Int, rows: Int) -> (lines: [String], size: Int, isWhole: Bool) {
        for size in stride(from: nameSize, through: leastSize, by: -1) {
            let lines = wrapped(text, size: size, width: width)
            if lines.count <= max(rows, 1) { return (lines, size, true) }
        }
        var lines = Array(wrapped(text, size: leastSize, width: width).prefix(max(rows, 1)))
        while var last = lines.last, Self.width(of: last + "…", size: leastSize) > width, !last.isEmpty {
            last.removeLast()
            lines[lines.count - 1] = last
        }
        lines[lines.count - 1] += "…"
        return (lines, leastSize, false)
    }

    /// Of names, in pixels; see ``SVGTheme``.
    static let nameSize = 13
    private static let leastSize = 9

    /// Broken between words, and within one that is too long by itself.
    static func wrapped(_ text: String, size: Int, width: Int) -> [String] {
        var lines = [""]
        func isWide(_ text: String) -> Bool { Self.width(of: text, size: size) > width }
        for word in text.split(separator: " ") {
            let line = lines[lines.count - 1]
            if line.isEmpty || !isWide("\(line) \(word)") {
                lines[lines.count - 1] = line.isEmpty ? String(word) : "\(line) \(word)"
            } else {
                lines.append(String(word))
            }
            while isWide(lines[lines.count - 1]), lines[lines.count - 1].count > 1 {
                let long = lines[lines.count - 1]
                let room = long.indices.last { !isWide(String(long[..<$0])) } ?? long.index(after: long.startIndex)
                let end = max(room, long.index(after: long.startIndex))
                lines[lines.count - 1] = String(long[..<end])
                lines.append(String(long[end...]))
            }
        }
        return lines
    }

    /// Of the title of a space, in pixels: see ``SVGTheme``. It is bold, which takes a tenth more.
    static let titleSize = 18

    /// About how wide text is, in pixels, rather too much than too little; which font there is, only the reader's program
    /// knows.
    static func width(of text: String, size: Int) -> Int {
        text.reduce(0) { $0 + width(of: $1) } * size / 100
    }

    /// In hundredths of the size; of a wide font, such as DejaVu Sans.
    private static func width(of character: Character) -> Int {
        // of other scripts, each letter may be as wide as it is high
        guard character.isASCII else { return 100 }
        switch character {
        case "W", "M", "m", "w", "@", "%", "&": return 96
        case "A"..."Z": return 70
        case "i", "j", "l", "I", "f", "t", "r", " ", ".", ",", ":", ";", "'", "|", "!", "(", ")", "[", "]": return 46
        default: return 61
        }
    }

    /// About how many characters fit into a width.
    static func capacity(of width: Int, size: Int) -> Int {
        width * 100 / (size * 58)
    }

    /// Text cut to a width, with an ellipsis then.
    static func fitted(_ text: String, size: Int, width: Int) -> String {
        let room = capacity(of: width, size: size)
        return text.count <= room ? text : room < 2 ? "" : text.prefix(room - 1) + "…"
    }
}
