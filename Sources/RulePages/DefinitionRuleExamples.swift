// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules

/// For each rule about how cells are looked after, what breaks it.
enum DefinitionRuleExamples {
    /// Nil when it is nothing in a file's text.
    static func example(of rule: String) -> RuleExample? {
        changes[rule].map { RuleExample(files: files, changes: [$0], judge: judge) }
    }

    private static let changes: [String: RuleExample.Change] = [
        "JH0901": .init(in: "rtems.toml", instead: "message-timeout = 1000000\n", ""),
        "JH0902": .init(in: "other.toml", instead: "cpus = [2]", "cpus = [2, 3]"),
        "JH0903": .init(
            in: "other.toml", instead: "autostart = true\n", "autostart = true\nrequires = [\"rtmes\"]\n"),
        "JH0904": .init(in: "other.toml", instead: "autostart = true\n", "autostart = true\nafter = [\"other\"]\n"),
    ]

    private static let files = [
        RuleExample.File(name: "rtems.toml", text: exampleCell("rtems", cpu: 3, ram: "0x3a000000")),
        RuleExample.File(name: "other.toml", text: exampleCell("other", cpu: 2, ram: "0x3a800000")),
    ]

    private static func exampleCell(_ name: String, cpu: Int, ram: String) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "x86"
        cpus = [\(cpu)]
        message-timeout = 1000000

        [[memory]]
        name = "ram"
        physical = \(ram)
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x900000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [supervision]
        autostart = true

        """
    }

    @Sendable private static func judge(_ files: [RuleExample.File]) throws -> [Finding] {
        let none: (String) throws(DefinitionError) -> [UInt8] = { _ in [] }
        return try DefinitionSet(
            files.map { try CellDefinition(toml: $0.text, path: $0.name, readFile: none) }
        ).findings(system: nil)
    }
}
