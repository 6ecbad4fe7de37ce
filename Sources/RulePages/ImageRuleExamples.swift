// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules

/// For each rule about images, a definition that breaks it: a sound one, changed in one place or two. The programs
/// that it names are made up here.
enum ImageRuleExamples {
    static func example(of rule: String) -> RuleExample? {
        if let changes = x86[rule] { return example(rtemsFile, rtems, changes) }
        if let changes = arm64[rule] { return example(sensorFile, sensor, changes) }
        if let changes = LinuxRuleExamples.x86[rule] {
            return example(LinuxRuleExamples.file, LinuxRuleExamples.definition, changes)
        }
        if let changes = LinuxRuleExamples.arm64[rule] {
            return example(LinuxRuleExamples.file, LinuxRuleExamples.definitionForArm64, changes)
        }
        return nil
    }

    typealias Change = (right: String, wrong: String)

    private static func example(_ name: String, _ text: String, _ changes: [Change]) -> RuleExample {
        RuleExample(
            files: [.init(name: name, text: text)],
            changes: changes.map { .init(in: name, instead: $0.right, $0.wrong) }
        ) { files in
            try files.flatMap { file in
                let definition = try CellDefinition(toml: file.text, path: file.name, readFile: program)
                return definition.findings(system: nil) + definition.imageFindings(readFile: program)
            }
        }
    }

    private static let rtemsFile = "rtems.toml"
    private static let sensorFile = "sensor.toml"
    private static let programPath = "path = \"rtems.exe\""
    /// By a start stub of the daemon's.
    private static func entered(_ mode: String, _ more: String = "") -> Change {
        ("exe\"\n", "exe\"\nstart = \"\(mode)\"\n" + (more.isEmpty ? "" : more + "\n"))
    }
    private static let withoutStub: Change = ("\n[[image]]\npath = \"start-stub.bin\"\naddress = 0xf0000\n", "")
    private static let portOf2016: Change = (programPath, "path = \"rtems-2016.exe\"")

    private static let x86: [String: [Change]] = [
        "JH0801": [(programPath, "path = \"rtmes.exe\"")],
        "JH0802": [(programPath, "path = \"half-copied.exe\"")],
        "JH0803": [(programPath, "path = \"rtems-arm.exe\"")],
        "JH0804": [(programPath, "path = \"init.o\"")],
        "JH0805": [("\naddress = 0xf0000", "")],
        "JH0806": [("size = \"8 MiB\"", "size = \"1 MiB\"")],
        "JH0807": [("virtual = 0x900000", "virtual = 0x101000")],
        "JH0808": [("\naddress = 0xf0000", "\naddress = 0x100000")],
        "JH0809": [
            (programPath, "path = \"two-gibibytes.exe\""), ("size = \"8 MiB\"", "size = \"3 GiB\""),
            ("virtual = 0x900000", "virtual = 0xc0000000"),
        ],
        "JH0811": [("reset-address = 0xf0000", "reset-address = 0x0")],
        "JH0812": [("reset-address = 0xf0000", "reset-address = 0x10000c")],
        "JH0813": [("start-stub.bin", "other-stub.bin")],
        "JH0816": [entered("long-64"), withoutStub],
        "JH0817": [entered("protected-32", "stack-pointer = 0x120000"), withoutStub],
        "JH0818": [portOf2016, entered("protected-32"), withoutStub],
        "JH0821": [("size = \"8 MiB\"", "size = \"4 MiB\"")],
        "JH0822": [("virtual = 0x900000", "virtual = 0x700000")],
        "JH0823": [(programPath, "path = \"unbounded.exe\"")],
        "JH0824": [portOf2016, ("virtual = 0x0\n", "virtual = 0x80000\n")],
        "JH0831": [portOf2016, ("virtual = 0x900000", "virtual = 0xa00000")],
        "JH0832": [portOf2016, ("passive-comm-region = true", "message-timeout = 1000000")],
        "JH0833": [("passive-comm-region = true", "message-timeout = 1000000")],
        "JH0841": [("base = 0x20", "base = 0x30")],
        "JH0842": [(programPath, "path = \"stripped.exe\"\nkind = \"rtems\"")],
        "JH0844": [(programPath, "path = \"ticker.exe\"")],
        "JH0845": [("[[image]]", "[simulation]\ndevices = [\"8254\"]\n\n[[image]]")],
        "JH0843": [(programPath, "path = \"rtems.bin\"\nkind = \"rtems\"\naddress = 0x100000")],
    ]

    private static let arm64: [String: [Change]] = [
        "JH0814": [("reset-address = 0x40020", "reset-address = 0x40000")],
        "JH0815": [("cpus = [2]", "cpus = [2]\naarch32 = true")],
    ]
}

// MARK: - The definitions

extension ImageRuleExamples {
    private static let rtems = """
        [cell]
        name = "rtems"
        architecture = "x86"
        cpus = [3]
        passive-comm-region = true
        reset-address = 0xf0000

        [[memory]]
        name = "ram"
        physical = 0x3a000000
        virtual = 0x0
        size = "8 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x900000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [[ports]]
        name = "8259A, first"
        base = 0x20
        count = 2

        [[ports]]
        name = "8259A, second"
        base = 0xa0
        count = 2

        [[image]]
        path = "rtems.exe"

        [[image]]
        path = "start-stub.bin"
        address = 0xf0000

        """

    private static let sensor = """
        [cell]
        name = "sensor"
        architecture = "arm64"
        cpus = [2]
        passive-comm-region = true
        reset-address = 0x40020

        [[memory]]
        name = "ram"
        physical = 0x7bfe0000
        virtual = 0x0
        size = "1 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[image]]
        path = "sensor.elf"

        """
}

// MARK: - The programs

extension ImageRuleExamples {
    private struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "No such file or directory" }
    }

    private static func program(_ path: String) throws -> [UInt8] {
        var program = ExampleProgram(symbols: symbols())
        switch path {
        case "rtems.exe": break
        case "half-copied.exe": return Array(program.bytes.prefix(90))
        case "rtems-arm.exe": program.machine = 40
        case "init.o": program.type = 1
        case "two-gibibytes.exe": program.memorySize = 2 << 30
        case "unbounded.exe": program.symbols = symbols(ramSize: 0xffff_ffff)
        case "rtems-2016.exe": program.symbols.append(.init(name: "jailhs_pmtmr_port"))
        case "ticker.exe": program.symbols.append(.init(name: "pc386_clock_click_count"))
        case "stripped.exe": program.symbols = []
        case "rtems.bin": return program.contents
        case "start-stub.bin": return [0xfa, 0xea, 0x0c, 0x00, 0x10, 0x00, 0x08, 0x00]
        case "other-stub.bin": return [0xfa, 0xea, 0x00, 0x00, 0x20, 0x00, 0x08, 0x00]
        case "sensor.elf":
            return ExampleProgram(
                machine: 183, is64: true, address: 0x4_0000, contents: Array(repeating: 0, count: 64), memorySize: 64,
                entry: 0x20
            ).bytes
        default:
            guard let contents = LinuxRuleExamples.contents(path) else { throw NoSuchFile() }
            return contents
        }
        return program.bytes
    }

    private static func symbols(ramSize: UInt32 = 0x80_0000) -> [ExampleProgram.Symbol] {
        [
            .init(name: "_RTEMS_version", value: 0x10_0000), .init(name: "BSP_dispatch_isr", value: 0x10_000c),
            .init(name: "WorkAreaBase", value: 0x13_0000),
            .init(name: "RamSize", value: ramSize, isAbsolute: true),
        ]
    }
}
