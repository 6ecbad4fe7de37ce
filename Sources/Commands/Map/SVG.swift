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

    /// Text that is squeezed where it has too little room, and cut only where nobody could read it then.
    static func text(_ text: String, size: Int, width: Int, x: Int, y: Int, _ classes: String) -> String {
        guard Self.width(of: text, size: size) > width else { return Self.text(text, x: x, y: y, classes) }
        guard Self.width(of: text, size: size) * 55 / 100 <= width else {
            return Self.text(fitted(text, size: size, width: width), x: x, y: y, classes)
        }
        return element(
            "text",
            [
                "class": classes, "x": "\(x)", "y": "\(y)", "textLength": "\(width)",
                "lengthAdjust": "spacingAndGlyphs",
            ], text: text)
    }

    /// Of the title of a space, in pixels: see ``SVGTheme``.
    static let titleSize = 15

    /// About how wide text is, in pixels; which font there is, only the reader's program knows.
    static func width(of text: String, size: Int) -> Int {
        text.count * size * 58 / 100
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
