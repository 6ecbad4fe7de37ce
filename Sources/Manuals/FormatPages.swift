// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import RulePages

extension ManualPage {
    /// jailhouse-cell(5)
    package static var cellFormat: ManualPage {
        ManualPage(
            "jailhouse-cell", 5, summary: "definition of a Jailhouse cell",
            [
                Section(
                    "SYNOPSIS", [.usage("/etc/jailhoused/cells/<name>.toml")]),
                Section(
                    "DESCRIPTION",
                    [
                        .paragraph(
                            "A cell definition is a TOML file. It describes the cell's hardware, the images that are "
                                + "loaded into it, and how jailhoused(8) supervises it. The file is named after the cell."
                        ),
                        .paragraph(
                            "The hardware is described by the tables of the first section below, or by another file, "
                                + "compiled or source:"),
                        .literal("configuration = \"x.cell\""),
                        .paragraph("An unknown key is an error. Paths are relative to the file that contains them."),
                        .paragraph(
                            "jailhouse-ctl check reports what is wrong with a file; jailhoused-rules(7) describes the "
                                + "rules. The daemon uses only files that no untrusted user can replace."),
                    ]),
                values,
                Section("HARDWARE", DefinitionSchema.hardware.flatMap(blocks)),
                Section("IMAGES AND SUPERVISION", DefinitionSchema.ofDefinitions.flatMap(blocks)),
                Section("EXAMPLES", example("rtems.toml")),
                seeAlso("jailhouse-system(5)", "jailhoused.toml(5)"),
            ])
    }

    /// jailhouse-system(5)
    package static var systemFormat: ManualPage {
        ManualPage(
            "jailhouse-system", 5, summary: "description of a machine for the Jailhouse hypervisor",
            [
                Section("SYNOPSIS", [.usage("/etc/jailhoused/systems/<name>.toml")]),
                Section(
                    "DESCRIPTION",
                    [
                        .paragraph(
                            "A system configuration is a TOML file that describes a machine: the memory of the "
                                + "hypervisor, its console, the platform, and the hardware of the root cell, in which "
                                + "Linux runs. jailhouse-ctl probe writes one for the machine on which it runs. "
                                + "jailhouse-ctl compile makes the binary format of it that Jailhouse's own tools read; "
                                + "jailhouse-ctl decompile does the reverse."),
                        .paragraph(
                            "A system configuration that does not fit the machine can hang it. An unknown key is an "
                                + "error."),
                    ]),
                values,
                Section("TABLES", DefinitionSchema.system.flatMap(blocks)),
                Section("EXAMPLES", example("system.toml")),
                seeAlso("jailhouse-cell(5)", "jailhoused.toml(5)"),
            ])
    }

    /// jailhoused.toml(5)
    package static var settingsFormat: ManualPage {
        ManualPage(
            "jailhoused.toml", 5, summary: "settings of the supervisor of Jailhouse cells",
            [
                Section("SYNOPSIS", [.usage("/etc/jailhoused/jailhoused.toml")]),
                Section(
                    "DESCRIPTION",
                    [
                        .paragraph(
                            "The settings of jailhoused(8), as a TOML file. The daemon reads it when it starts; all keys "
                                + "are optional, and so is the file. An unknown key is an error.")
                    ]),
                Section("KEYS", DaemonSettings.keys.map(entry)),
                Section("EXAMPLES", [.literal("system = \"systems/q35.toml\"\npoll-interval = \"5 ms\"")]),
                seeAlso("jailhouse-cell(5)", "jailhouse-system(5)"),
            ])
    }

    private static let values = Section(
        "VALUES",
        [
            .entry(
                "Numbers", [.paragraph("Decimal or hexadecimal. Those of 2 to the power of 63 and above: \"0x…\".")]),
            .entry("Sizes", [.paragraph("A number of bytes, or a text such as \"4 KiB\", \"8 MiB\", \"1 GiB\".")]),
            .entry("Times", [.paragraph("A text such as \"100 ms\", in us, ms, s, min or h.")]),
            .entry("Sets of numbers", [.paragraph("A list such as [1, 3], or a text such as \"0-3,8\".")]),
            .entry("PCI devices", [.paragraph("Bus, device and function as lspci(8) prints them: \"00:1f.2\".")]),
            .entry(
                "Absent keys",
                [.paragraph("Have their default, which is 0, false or empty unless the key's text says otherwise.")]),
        ])

    private static func seeAlso(_ pages: String...) -> Section {
        let all = pages + ["jailhoused(8)", "jailhouse-ctl-check(1)", "jailhouse-ctl-schema(1)", "jailhoused-rules(7)"]
        return Section("SEE ALSO", [.paragraph(all.joined(separator: ", "))])
    }

    private static func blocks(_ table: SchemaTable) -> [Block] {
        let brackets = table.isList ? ("[[", "]]") : ("[", "]")
        return [
            .heading(brackets.0 + table.key + brackets.1),
            .paragraph(sentence(table.text) + (table.isList ? " Can be repeated." : "")),
        ] + table.properties.map(entry)
    }

    private static func entry(_ property: SchemaProperty) -> Block {
        let required = property.isRequired ? ", required" : ""
        let text = property.text.isEmpty ? [] : [Block.paragraph(sentence(property.text))]
        guard case .table(let inner) = property.type else {
            return .entry("*\(property.key)* (\(property.type.manualText)\(required))", text)
        }
        let keys = inner.map {
            "\($0.key) (\($0.type.manualText)\($0.isRequired ? ", required" : "")): \(sentence($0.text))"
        }
        return .entry(
            "*\(property.key)* (table\(required))", text + keys.map { .paragraph($0) })
    }

    private static func sentence(_ text: String) -> String {
        text.isEmpty || text.hasSuffix(".") ? text : text + "."
    }

    /// A file of the rules' pages, before a mistake is made in it.
    private static func example(_ name: String) -> [Block] {
        let files = RulePage.all.lazy.compactMap(\.example).flatMap(\.files)
        return files.first { $0.name == name }.map { [.literal(trimmed($0.text))] } ?? []
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.last == "\n" { text.removeLast() }
        return String(text)
    }
}

extension SchemaType {
    /// What may be written there.
    fileprivate var manualText: String {
        switch self {
        case .number(let range):
            range.upperBound == .max || range.lowerBound == range.upperBound
                ? "number" : "\(range.lowerBound) to \(range.upperBound)"
        case .size: "size"
        case .string: "text"
        case .duration: "time"
        case .bytes: "bytes in hexadecimal"
        case .boolean: "true or false"
        case .word(let words): Self.list(words)
        case .wordOrNumber(let words, _): Self.list(words) + ", or a number"
        case .words(let words): "one or a list of \(Self.list(words))"
        case .numberSet: "set of numbers"
        case .nameList: "list of names"
        case .numberList(_, let count): "list of \(count.map { "\($0) " } ?? "")numbers"
        case .pciAddress: "PCI device"
        case .table: "table"
        }
    }

    private static func list(_ words: [String]) -> String {
        words.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}
