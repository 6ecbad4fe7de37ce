// SPDX-License-Identifier: Apache-2.0

/// Columns of text, as wide as they need to be.
struct Table {
    struct Entry {
        let text: String
        let paint: Style.Paint?

        /// - Parameter text: what came from elsewhere is made printable; nothing becomes `-`.
        init(_ text: String?, _ paint: Style.Paint? = nil) {
            let text = text ?? ""
            self.text = text.isEmpty ? "-" : Text.printable(text)
            self.paint = paint
        }
    }

    let heads: [String]
    let rows: [[Entry]]

    func text(_ style: Style) -> String {
        let lines = [heads.map { Entry($0, .bold) }] + rows
        let widths = heads.indices.map { column in lines.map { $0[column].text.count }.max() ?? 0 }
        // columns move together where that keeps a line whole
        let (sum, gaps) = (widths.reduce(0, +), heads.count - 1)
        let gap = style.width.map { sum + 2 * gaps > $0 && sum + gaps <= $0 } ?? false ? 1 : 2
        let before = widths.dropLast().reduce(0) { $0 + $1 + gap }
        return lines.map { line in
            line.enumerated().map { column, entry in
                guard column < line.count - 1 else { return Self.last(entry, behind: before, style) }
                let padding = widths[column] - entry.text.count
                return style(entry.text, entry.paint) + String(repeating: " ", count: padding)
            }.joined(separator: String(repeating: " ", count: gap))
        }.joined(separator: "\n")
    }

    /// Broken at words where a terminal would break it anywhere.
    private static func last(_ entry: Entry, behind column: Int, _ style: Style) -> String {
        guard let width = style.width, width - column >= Style.leastWidth else {
            return style(entry.text, entry.paint)
        }
        return Text.wrapped(entry.text, to: width - column).map { style($0, entry.paint) }
            .joined(separator: "\n" + String(repeating: " ", count: column))
    }
}

/// `Name: value` lines, the names aligned at their colons; a value may have several lines.
struct PropertyList {
    private var properties: [(name: String, lines: [String])] = []

    /// Adds a property; a nil value adds nothing.
    ///
    /// - Parameter value: printable already, since it may be painted.
    mutating func add(_ name: String, _ value: String?) {
        if let value { properties.append((name, [value])) }
    }

    mutating func add(_ name: String, lines: [String]) {
        if !lines.isEmpty { properties.append((name, lines)) }
    }

    /// - Parameter width: at least so wide is the part before the colons.
    func text(_ style: Style = .plain, width: Int = 0) -> String {
        let width = max(width, properties.map(\.name.count).max() ?? 0)
        return properties.map { name, lines in
            let head = String(repeating: " ", count: width - name.count) + name + ": "
            let indentation = "\n" + String(repeating: " ", count: width + 2)
            let room = (style.width ?? .max) - width - 2
            let fitting = lines.flatMap { room >= Style.leastWidth ? Text.wrapped(painted: $0, to: room) : [$0] }
            return head + fitting.joined(separator: indentation)
        }.joined(separator: "\n")
    }
}
