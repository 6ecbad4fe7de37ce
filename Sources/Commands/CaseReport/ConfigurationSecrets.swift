// SPDX-License-Identifier: Apache-2.0

import TOML

/// What a text of the configuration says about its owner, besides paths: command lines of guests, programs that check a
/// cell and what they are told, addresses in a network, reasons in somebody's words.
struct ConfigurationSecrets {
    /// Strings, as they stand in the text.
    private(set) var values: Set<String> = []
    /// The cell's own, which need not be the file's.
    private(set) var name: String?

    private static let keys: Set<String> = ["command-line", "command", "address", "accept", "target", "contains"]
    /// Of a kernel's command line, whose values tell nothing of whose machine it is.
    private static let plainOptions: Set<String> = [
        "console", "earlycon", "pci", "reboot", "mem", "memmap", "maxcpus", "isolcpus", "nohz_full", "rcu_nocbs",
        "loglevel",
        "panic", "init", "rdinit", "root", "rootfstype", "jailhouse.guest", "quiet", "splash", "debug", "ro", "rw",
        "nosmp",
        "rootwait", "nokaslr", "noapic", "nohpet",
    ]

    /// - Returns: nil when the text is no TOML: nothing in it can be told apart.
    init?(_ text: String) {
        guard let (table, _) = try? TOMLParser.parse(text) else { return nil }
        if case .table(let cell)? = table.members["cell"]?.content,
            case .string(let name)? = cell.members["name"]?.content
        {
            self.name = name
        }
        look(through: table)
    }

    private mutating func look(through table: TOMLTable) {
        for (key, node) in table.members {
            if Self.keys.contains(key) { take(node) } else { look(at: node) }
        }
    }

    private mutating func look(at node: TOMLNode) {
        switch node.content {
        case .table(let table): look(through: table)
        case .tables(let tables): for table in tables { look(through: table) }
        case .list(let nodes): for node in nodes { look(at: node) }
        case .string, .integer, .boolean, .other: break
        }
    }

    /// A short one would be found in anything.
    private mutating func take(piece: Substring) {
        let piece = piece.filter { $0 != "\"" }
        if piece.count >= 4 { values.insert(piece) }
    }

    private mutating func take(_ node: TOMLNode) {
        switch node.content {
        case .string(let text):
            if !text.isEmpty { values.insert(text) }
            // a guest prints its command line with more around it, a probe its address without the rest
            for word in text.split(separator: " ") {
                let key = word.prefix { $0 != "=" }
                guard !Self.plainOptions.contains(String(key)) else { continue }
                let value = key.count == word.count ? word : word.dropFirst(key.count + 1)
                take(piece: value)
                for piece in value.split(whereSeparator: { ",;@\"'".contains($0) }) { take(piece: piece) }
                if let scheme = value.firstRange(of: "://") {
                    take(piece: value[scheme.upperBound...])
                    take(piece: value[scheme.upperBound...].prefix { $0 != ":" && $0 != "/" })
                } else {
                    for piece in value.split(separator: ":") { take(piece: piece) }
                }
            }
        case .list(let nodes): for node in nodes { take(node) }
        case .table(let table): for node in table.members.values { take(node) }
        case .tables(let tables): for table in tables { for node in table.members.values { take(node) } }
        case .integer, .boolean, .other: break
        }
    }
}
