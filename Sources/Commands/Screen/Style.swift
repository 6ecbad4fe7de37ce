// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How text is shown: in colour or not, broken at words or not.
struct Style: Hashable {
    enum Paint: String {
        case bold = "1"
        case dim = "2"
        case red = "1;31"
        case green = "1;32"
        case yellow = "1;33"
        case blue = "1;34"
        case magenta = "1;35"
        case cyan = "1;36"
    }

    let coloured: Bool
    /// In columns; nil: lines are as long as they are, for what reads them.
    var width: Int?

    static let plain = Style(coloured: false)

    /// Colour on a terminal that knows it, unless `$NO_COLOR` is set (no-color.org).
    static var ofStandardOutput: Style {
        func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return Style(
            coloured: isTerminal && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb",
            width: isTerminal ? Terminal.width : nil)
    }

    /// Prose as lines that fit, the first behind so many columns, the others deeper by two.
    ///
    /// - Parameter room: in columns, for what stands before the first line elsewhere.
    func lines(_ text: String, indentation: Int = 0, room: Int = 0) -> [String] {
        let space = String(repeating: " ", count: indentation)
        guard let width, width - room - indentation >= Self.leastWidth else { return [space + text] }
        return Text.wrapped(text, to: width - room - indentation - 2).enumerated().map { index, line in
            space + (index == 0 ? "" : "  ") + line
        }
    }

    /// Of a column that is broken at words.
    static let leastWidth = 16

    func callAsFunction(_ text: String, _ paint: Paint?) -> String {
        guard coloured, let paint, !text.isEmpty else { return text }
        return "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m"
    }
}
