// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
import ConfigurationRules
import InmateImage
import Supervision

/// The JSON Schema of cell definitions, cells and systems, for editors that complete and check TOML by one.
package enum DefinitionSchema {
    /// The text of `configs/jailhouse.schema.json`.
    package static var text: String { SchemaText.schema(tables, alternatives: kinds) }

    /// Every table, of each kind of file.
    package static var tables: [SchemaTable] {
        let cell = ConfigurationSchema.cell
        let system = ConfigurationSchema.system.filter { table in !cell.contains { $0.key == table.key } }
        return cell + ofDefinitions + system
    }

    /// What a file must have, by its kind: hardware described here, in another file, or a system's.
    static var kinds: [[String]] {
        [
            ConfigurationSchema.cell.filter(\.isRequired).map(\.key), ["configuration"],
            ConfigurationSchema.system.filter(\.isRequired).map(\.key),
        ]
    }

    static let image = SchemaTable(
        "image", isList: true, text: "A program, or a part of one, that is loaded into the cell",
        [
            SchemaProperty("path", .string, isRequired: true, text: "An ELF executable or a flat image"),
            SchemaProperty("address", .number(0...UInt64.max), text: "Where a flat image goes, as the cell sees it"),
            SchemaProperty(
                "kind", .word(ImageReference.Kind.allCases.map(\.rawValue)),
                text: "What the program is, where its symbols do not show it"),
            SchemaProperty(
                "symbols", .string,
                text: "A file with the program's names and lines, where the program itself is stripped"),
            SchemaProperty(
                "work-area", .size(most: .max),
                text: "Memory behind the image for heap and stacks, where its symbols do not say it"),
            SchemaProperty(
                "communication-region", .number(0...UInt64.max),
                text: "Where the program looks for the communication region, where its symbols do not say it"),
            SchemaProperty(
                "start", .word(LinuxStart.words),
                text:
                    "How the cell's processor gets from 16-bit real mode to it; default: image, it does so itself; linux: it is a Linux kernel (bzImage; Arm64: Image)"
            ),
            SchemaProperty("initrd", .string, text: "Of a Linux kernel: its initial RAM file system"),
            SchemaProperty(
                "loader", .string,
                text: "Of a Linux kernel for x86: linux-loader.bin; default: \(LinuxStart.defaultLoader)"),
            SchemaProperty(
                "device-tree", .string,
                text:
                    "Of a Linux kernel for Arm64: a device tree of your own (.dtb); default: one made of the configurations"
            ),
            SchemaProperty(
                "overlays", .nameList,
                text: "Of a Linux kernel for Arm64: what is applied to the device tree (.dtbo), in this order"),
            SchemaProperty(
                "affinities", .numberList(most: 0xff_ffff_ffff, count: nil),
                text:
                    "Of a Linux kernel for Arm64: the MPIDR of each of the cell's CPUs; default: as machines with one kind of core have them"
            ),
            SchemaProperty(
                "serial-interrupt", .number(32...1019),
                text:
                    "Of a Linux kernel for Arm64: the interrupt of the console's serial port; default: the only one that the cell has"
            ),
            SchemaProperty(
                "serial-clock", .number(1...UInt64(UInt32.max)),
                text:
                    "Of a Linux kernel for Arm64: the clock of that serial port in Hz; default: \(LinuxStart.standardClock)"
            ),
            SchemaProperty(
                "entry", .number(0...UInt64(UInt32.max)),
                text: "Where a start stub enters a flat image; default: at its first byte"),
            SchemaProperty(
                "stack-pointer", .number(0...UInt64(UInt32.max)),
                text: "Where the stack begins, growing downwards; default: below the start stub"),
            SchemaProperty("command-line", .string, text: "What the program is told"),
            SchemaProperty(
                "command-line-address", .number(0...UInt64.max),
                text: "Where the command line goes; a multiboot program is told where it is"),
            SchemaProperty(
                "communication-region-layout", .number(2016...2016),
                text: "The PM timer's port is also put where programs of that year look for it"),
            SchemaProperty(
                "wipe", .boolean,
                text: "The RAM that nothing is loaded into is cleared before each start; default: for RTEMS's layer"),
        ]
    )

    static let simulation = SchemaTable(
        "simulation", text: "What the cell has in the simulated machine",
        [
            SchemaProperty(
                "devices", .words(SimulationTable.Device.allCases.map(\.rawValue)),
                text: "Hardware of a PC that no cell of the real hypervisor has"),
            SchemaProperty(
                "only", .boolean, text: "The definition is for the simulated machine, and is refused on any other"),
        ]
    )

    static let accept = SchemaTable(
        "accept", text: "Findings that are known and accepted, each with the reason",
        AcceptTable.rules.map { SchemaProperty($0.id, .string, text: "Why this is accepted: \($0.title)") })

    static let simulatedDevice = SchemaTable(
        "simulated-device", isList: true, text: "The device in the simulated machine's PCI slot",
        [
            SchemaProperty("bdf", .pciAddress, isRequired: true, text: "Bus, device and function"),
            SchemaProperty("model", .string, isRequired: true, text: "As QEMU calls it, for example e1000e"),
            SchemaProperty("network", .string, text: "The wire that a network card is at"),
        ]
    )

    /// The tables of a cell's hardware, in a definition or in a file of their own.
    package static var hardware: [SchemaTable] { ConfigurationSchema.cell }

    /// The tables that only a definition has.
    package static var ofDefinitions: [SchemaTable] { [image, supervision, accept, simulation, simulatedDevice] }

    /// The tables of a system.
    package static var system: [SchemaTable] { ConfigurationSchema.system }

    static let supervision = SchemaTable(
        "supervision", text: "How the daemon looks after the cell",
        [
            SchemaProperty("autostart", .boolean, text: "Start it with the daemon"),
            SchemaProperty(
                "restart", .word(SupervisionPolicy.Restart.allCases.map(\.rawValue)),
                text: "When it is started again; default: on-failure"),
            SchemaProperty(
                "restart-degraded", .boolean,
                text: "Whether a cell of which some CPUs failed is restarted as one that failed; default: true"),
            SchemaProperty(
                "delay", .duration, text: "Before the first restart; doubles with each further one; default: 100 ms"),
            SchemaProperty("maximum-delay", .duration, text: "The longest delay; default: 30 s"),
            SchemaProperty(
                "limit",
                .table([
                    SchemaProperty("attempts", .number(1...1000), text: "How many failures; default: 5"),
                    SchemaProperty("within", .duration, text: "In what time; default: 60 s"),
                ]), text: "More failures than that, and the cell is given up"),
            SchemaProperty(
                "stop-timeout", .duration,
                text: "How long a program may refuse to be stopped, or a guest take to shut down; default: 5 s"),
            SchemaProperty(
                "liveness",
                .table([
                    SchemaProperty(
                        "kind", .word(LivenessCheck.Kind.allCases.map(\.rawValue)), isRequired: true,
                        text: "Where signs of life come from"),
                    SchemaProperty("within", .duration, text: "The longest time between two signs; default: 10 s"),
                    SchemaProperty(
                        "after-start", .duration, text: "The longest time until the first sign; default: within"),
                    SchemaProperty(
                        "contains", .string, text: "Of a console, where it is required: what a line contains"),
                    SchemaProperty(
                        "file", .string,
                        text:
                            "Of a console: the serial line, FIFO or file with the lines; default: the hypervisor's console"
                    ),
                    SchemaProperty(
                        "address", .number(0...UInt64.max),
                        text: "Of a heartbeat, where it is required: the physical address of a 32-bit word"),
                    SchemaProperty(
                        "target", .string,
                        text: "Of a probe, where it is required: tcp://ADDRESS:PORT, udp://ADDRESS:PORT, icmp://ADDRESS"
                    ),
                    SchemaProperty(
                        "command", .nameList,
                        text: "Of a command, where it is required: a program's path and its arguments"),
                    SchemaProperty(
                        "every", .duration, text: "The pause between two looks from outside; default: 1 s"),
                    SchemaProperty("timeout", .duration, text: "How long such a look may take; default: 1 s"),
                    SchemaProperty("stall", .duration, text: "Of vm-exits: the earlier name of within"),
                ]), text: "How the daemon sees that a program that says \"running\" works"),
            SchemaProperty(
                "restart-silent", .boolean,
                text: "Whether a cell that gives no sign of life is restarted as one that failed; default: true"),
            SchemaProperty(
                "guest",
                .table([
                    SchemaProperty(
                        "request", .number(0...UInt64.max),
                        text: "The physical address of a 32-bit word that jailhouse-guest in the cell reads"),
                    SchemaProperty(
                        "answer", .number(0...UInt64.max),
                        text: "The physical address of a 32-bit word that jailhouse-guest in the cell writes"),
                    SchemaProperty(
                        "command", .nameList,
                        text: "Instead of both: a program that asks it, with its path and its arguments"),
                ]), text: "How Linux in the cell is asked to shut down before the cell is stopped"),
            SchemaProperty(
                "requires", .nameList,
                text: "Cells that run before this one is started, and without which it is not started"),
            SchemaProperty(
                "after", .nameList, text: "Cells that are started before this one, when they are to run as well"),
            SchemaProperty(
                "accept-unbounded-handshake", .boolean, text: "Take the risk that a hung program freezes Linux"),
        ]
    )
}
