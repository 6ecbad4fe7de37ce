// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A command with its arguments, as its program prints them for tools: `--experimental-dump-help`.
package struct CommandTable: Decodable, Hashable, Sendable {
    package struct Name: Decodable, Hashable, Sendable {
        package var kind: String
        package var name: String

        var text: String { (kind == "long" ? "--" : "-") + name }
    }

    package struct Argument: Decodable, Hashable, Sendable {
        /// `positional`, `option` or `flag`.
        package var kind: String
        package var shouldDisplay: Bool
        package var isOptional: Bool
        package var isRepeating: Bool
        package var names: [Name]?
        package var valueName: String?
        package var defaultValue: String?
        package var allValues: [String]?
        package var abstract: String?
        package var discussion: String?
    }

    package var commandName: String
    package var superCommands: [String]?
    package var shouldDisplay: Bool?
    package var abstract: String?
    package var discussion: String?
    package var arguments: [Argument]?
    package var subcommands: [CommandTable]?

    /// - Parameter dump: the JSON that the program printed.
    package static func read(_ dump: [UInt8]) throws -> CommandTable {
        struct Dump: Decodable {
            var command: CommandTable
        }
        return try JSONDecoder().decode(Dump.self, from: Data(dump)).command
    }

    /// The words that a user types: `jailhouse-sim inject cell`.
    var words: [String] { (superCommands ?? []) + [commandName] }

    var shown: [Argument] { (arguments ?? []).filter(\.shouldDisplay) }

    /// Without `help`, which is the parser's, and what users do not type.
    var ownSubcommands: [CommandTable] {
        (subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay != false }
    }
}
