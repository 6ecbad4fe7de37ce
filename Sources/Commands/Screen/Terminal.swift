// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What standard output can show.
enum Terminal {
    private static let standardWidth = 80

    /// In columns: `$COLUMNS`, else the terminal's, else 80.
    static var width: Int {
        if let columns = Int(variable("COLUMNS")), (1...1000).contains(columns) { return columns }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return standardWidth }
        return Int(size.ws_col)
    }

    /// Whether the locale's characters are Unicode's, as far as the environment tells.
    private static var showsUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).first { !$0.isEmpty } ?? ""
        return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
    }

    static var alphabet: MapAlphabet { showsUnicode ? .unicode : .ascii }

    /// It cannot be drawn on.
    static var isDumb: Bool { ["", "dumb"].contains(variable("TERM")) }

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
}
