// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension SystemProposal {
    /// The configuration's TOML source with its notes as comments.
    ///
    /// - Parameter origin: where it comes from: `this machine`.
    package func toml(from origin: String) -> String {
        var counts: [Substring: Int] = [:]
        var told: Set<String> = [""]
        var lines: [String] = []
        for line in system.toml().split(separator: "\n", omittingEmptySubsequences: false) {
            if let key = Self.key(of: line, &counts) {
                told.insert(key)
                lines += Self.comments(notes[key] ?? [])
            }
            lines.append(String(line))
        }
        // notes of tables that are not there, since all in them is at its default
        let untold = notes.filter { !told.contains($0.key) }.sorted { $0.key < $1.key }.flatMap(\.value)
        let head = Self.comments(
            [
                "Proposed by jailhouse-ctl probe from what Linux says of \(origin). Read the comments, then let",
                "jailhouse-ctl check look at it and jailhouse-ctl map draw it.",
            ] + (notes[""] ?? []) + untold)
        return (head + [""] + lines).joined(separator: "\n")
    }

    /// `platform`, `pci-device[2]`; nil for lines that begin no table.
    private static func key(of line: Substring, _ counts: inout [Substring: Int]) -> String? {
        if line.hasPrefix("[[") {
            let name = line.dropFirst(2).prefix { $0 != "]" }
            defer { counts[name, default: 0] += 1 }
            return "\(name)[\(counts[name, default: 0])]"
        }
        return line.hasPrefix("[") ? String(line.dropFirst().prefix { $0 != "]" }) : nil
    }

    private static func comments(_ notes: [String]) -> [String] {
        notes.map { "# \($0)" }
    }
}
