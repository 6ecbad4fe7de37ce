// SPDX-License-Identifier: Apache-2.0

/// What Linux prints when it ends (kernel/panic.c, kernel/reboot.c). In a cell, nothing else shows that it has ended.
package enum GuestMessage: String, CaseIterable, Hashable, Sendable {
    case panic
    /// It powered off, or halted.
    case shutdown
    case reboot

    /// - Parameter line: of a console; lines of others may begin before it.
    package init?(line: some StringProtocol) {
        // the line that ends a panic repeats its text, and may be read after the next start
        guard !line.contains("---[ end ") else { return nil }
        guard let known = Self.texts.first(where: { line.contains($0.text) }) else { return nil }
        self = known.message
    }

    private static let texts: [(text: String, message: GuestMessage)] = [
        ("Kernel panic - not syncing", .panic), ("reboot: Power down", .shutdown),
        ("reboot: System halted", .shutdown), ("reboot: Restarting system", .reboot),
    ]

    /// The first of a text, before which nothing shows that it has ended.
    ///
    /// - Parameter cell: whose last start in the text, if there is one, is where to begin; nil: only its Linux says when it was
    ///   started.
    package static func first(
        in lines: some BidirectionalCollection<String>, afterStartOf cell: String?
    ) -> (message: Self, line: String)? {
        let start =
            lines.lastIndex { line in isBoot(line) || cell.map { isStart(line, of: $0) } == true } ?? lines.startIndex
        return lines[start...].lazy.compactMap { line in Self(line: line).map { ($0, line) } }.first
    }

    /// Whether it is among the first lines that a Linux prints (init/main.c): what is before it is an earlier one's.
    package static func isBoot(_ line: some StringProtocol) -> Bool { line.contains("Linux version ") }

    /// Whether the hypervisor says in it that it started the cell.
    package static func isStart(_ line: String, of cell: String) -> Bool {
        line.contains("Started cell \"\(cell)\"")
    }
}
