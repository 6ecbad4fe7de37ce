// SPDX-License-Identifier: Apache-2.0

extension ManualPage {
    /// The page as man(1) reads it, with the macros of man(7).
    package func roff(_ edition: ManualEdition) -> String {
        var writer = RoffWriter()
        writer.heading(of: self, edition)
        writer.macro("SH", ["NAME"])
        writer.text("\(Roff.text(name)) \\- \(Roff.text(summary))")
        for section in sections {
            writer.macro("SH", [section.title])
            writer.write(section.blocks, afterHeading: true)
        }
        return writer.result
    }
}

/// Text that the typesetter takes for text.
enum Roff {
    /// Text in the current font. Every hyphen is an ASCII one, so that what is copied from a page works in a shell.
    static func text(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "\"": result += "\\(dq"
            // it has none for terminals without UTF-8
            case "…": result += "..."
            case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
            }
        }
        return result
    }

    /// Text in which `*…*` is bold and `<…>` italic.
    static func term(_ term: String) -> String {
        var result = ""
        var plain = ""
        var rest = term[...]
        while let first = rest.first {
            let end: Character? = first == "*" ? "*" : first == "<" ? ">" : nil
            let inside = rest.dropFirst()
            if let end, let close = inside.firstIndex(of: end) {
                result += text(plain)
                plain = ""
                result += (end == "*" ? "\\fB" : "\\fI") + text(String(inside[..<close])) + "\\fP"
                rest = inside[inside.index(after: close)...]
            } else {
                plain.append(first)
                rest = inside
            }
        }
        return result + text(plain)
    }
}

/// Lines of a page.
private struct RoffWriter {
    private static let width = 78

    private(set) var result = ""

    mutating func macro(_ name: String, _ arguments: [String] = []) {
        result += "." + name
        for argument in arguments { result += " \"\(Roff.text(argument))\"" }
        result += "\n"
    }

    /// The title line; its date is no text, and keeps its hyphens. Its last word is short: twice the longest name and it are a
    /// line of a terminal.
    mutating func heading(of page: ManualPage, _ edition: ManualEdition) {
        let title = Roff.text(page.name.uppercased())
        result += ".TH \"\(title)\" \"\(page.section)\" \"\(edition.date)\" "
        result += "\"jailhoused \(Roff.text(edition.version))\" \"Jailhouse\"\n.nh\n.ad l\n"
    }

    /// Text that is ready for the typesetter, in lines of whole words.
    mutating func text(_ text: String) {
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > Self.width {
                self.line(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { self.line(line) }
    }

    /// A line that is no macro, whatever it begins with.
    private mutating func line(_ line: String) {
        result += (line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" : "") + line + "\n"
    }

    mutating func write(_ blocks: [ManualPage.Block], afterHeading: Bool, indented: Bool = false) {
        var isFirst = afterHeading
        for block in blocks {
            switch block {
            case .paragraph(let paragraph):
                if !isFirst { indented ? macro("IP") : macro("PP") }
                text(Roff.text(paragraph))
            case .usage(let usage):
                if !isFirst { macro("PP") }
                text(Roff.term(usage))
            case .literal(let lines):
                if !isFirst { indented ? macro("IP") : macro("PP") }
                macro("nf")
                for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
                    self.line(line.isEmpty ? "\\&" : Roff.text(String(line)))
                }
                macro("fi")
            case .heading(let title):
                macro("SS", [title])
            case .entry(let term, let blocks):
                macro("TP")
                line(Roff.term(term))
                write(blocks, afterHeading: true, indented: true)
            }
            if case .heading = block { isFirst = true } else { isFirst = false }
        }
    }
}
