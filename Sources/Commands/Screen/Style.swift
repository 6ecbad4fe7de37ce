// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Colour, or none.
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

    static let plain = Style(coloured: false)

    /// Colour on a terminal that knows it, unless `$NO_COLOR` is set (no-color.org).
    static var ofStandardOutput: Style {
        func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        return Style(coloured: isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb")
    }

    func callAsFunction(_ text: String, _ paint: Paint?) -> String {
        guard coloured, let paint, !text.isEmpty else { return text }
        return "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m"
    }
}
