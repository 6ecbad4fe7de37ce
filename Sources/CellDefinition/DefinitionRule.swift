package import CellConfiguration

/// A rule about how cells are looked after.
struct DefinitionRule {
    /// Stable: a number is never given to another rule.
    let id: String
    let severity: Finding.Severity
    /// What should be so, in one phrase.
    let title: String
    /// What happens when it is not.
    let consequence: String
    let remedy: String

    static let unboundedHandshake = DefinitionRule(
        id: "JH0901", severity: .error, title: "a cell that hangs does not stop Linux for ever",
        consequence:
            "whenever this cell, or any other, is loaded, started again, created or destroyed, Linux stands still on "
            + "all its CPUs until the cell's program answers; if that program hangs, the whole machine hangs with it, "
            + "and only the power switch helps",
        remedy:
            "set message-timeout in [cell] (1000000 is about a second) or, if the program answers no messages, "
            + "passive-comm-region = true; to take the risk, set accept-unbounded-handshake = true in [supervision]"
    )

    static let competingStarts = DefinitionRule(
        id: "JH0902", severity: .warning, title: "cells that start by themselves have CPUs of their own",
        consequence: "the second of them cannot be created",
        remedy: "set autostart = false in one of them, or give them CPUs of their own"
    )

    static let knownDependencies = DefinitionRule(
        id: "JH0903", severity: .error, title: "the cells that a cell requires or comes after are defined",
        consequence: "what it waits for can never run, so the definition is refused",
        remedy: "correct the name, or check the other cell's definition together with this one"
    )

    static let dependencyCycle = DefinitionRule(
        id: "JH0904", severity: .error, title: "no cell waits for itself by way of others",
        consequence: "none of them could be started first, so the definitions are refused",
        remedy: "remove one of the names from \"requires\" or \"after\""
    )
}

extension RulePage {
    /// Of all rules, in the order of their ids.
    package static let all: [RulePage] = (configurations + images + supervision).sorted { $0.id < $1.id }

    private static let supervision = [
        DefinitionRule.unboundedHandshake.page(
            .init(in: "rtems.toml", instead: "message-timeout = 1000000\n", "")),
        DefinitionRule.competingStarts.page(.init(in: "other.toml", instead: "cpus = [2]", "cpus = [2, 3]")),
        DefinitionRule.knownDependencies.page(
            .init(in: "other.toml", instead: "autostart = true\n", "autostart = true\nrequires = [\"rtmes\"]\n")),
        DefinitionRule.dependencyCycle.page(
            .init(in: "other.toml", instead: "autostart = true\n", "autostart = true\nafter = [\"other\"]\n")),
        DefinitionRule.fileTrust.page(),
    ]
}

extension DefinitionRule {
    /// - Parameter change: what breaks the rule; nil when it is nothing in a file's text.
    fileprivate func page(_ change: RuleExample.Change? = nil) -> RulePage {
        RulePage(
            id: id, severity: severity, title: title, consequence: consequence, remedy: remedy,
            example: change.map { RuleExample(files: Self.exampleFiles, changes: [$0], judge: Self.judge) })
    }

    private static let exampleFiles = [
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
