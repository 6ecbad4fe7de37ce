// SPDX-License-Identifier: Apache-2.0

/// HTML's text form; XML's, too.
enum HTML {
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "\n"
            default: result += Text.printable(String(scalar))
            }
        }
        return result
    }

    static func element(_ name: String, _ content: String, kind: String? = nil) -> String {
        "<\(name)\(kind.map { " class=\"\($0)\"" } ?? "")>\(content)</\(name)>"
    }

    static func paragraph(_ text: String, kind: String? = nil) -> String {
        element("p", escaped(text), kind: kind) + "\n"
    }

    /// Lines as they are.
    static func lines(_ text: String) -> String { element("pre", escaped(text)) + "\n" }

    /// Names and values; values may have several lines.
    static func properties(_ properties: [(name: String, value: String?)]) -> String {
        let rows = properties.compactMap { name, value in
            value.map { "<tr><th>\(escaped(name))</th><td>\(escaped($0))</td></tr>\n" }
        }
        return rows.isEmpty ? "" : "<table class=\"rp-properties\">\n\(rows.joined())</table>\n"
    }

    /// What is long, folded.
    static func folded(_ title: String, _ content: String, open: Bool = false) -> String {
        "<details\(open ? " open" : "")><summary>\(escaped(title))</summary>\n\(content)</details>\n"
    }
}
