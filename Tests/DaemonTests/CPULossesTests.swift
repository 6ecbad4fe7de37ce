// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import FailureReports
import Hypervisor
import Supervision
import TestSupport
import Testing

@testable import Daemon

@Suite("CPUs that the hypervisor took")
struct CPULossesTests {
    private func reading(_ console: String, rootCell: String? = "q35") -> LockedFiles.Reading {
        LockedFiles.Reading(at: .now, console: console, pools: .init(), rootCellName: rootCell)
    }

    @Test("Those that an earlier daemon knew stay lost when the console has rolled, while the hypervisor is enabled")
    func known() {
        var lost = CPULosses(known: LostCPUs(parked: [3, 1]))
        #expect(lost.cpus.parked == [1, 3])
        #expect(lost.note(reading("")).isEmpty && lost.cpus.parked == [1, 3])
        #expect(lost.note(reading("Parking CPU 1 (Cell: \"q35\")\n")).isEmpty, "it is known")
        #expect(lost.note(reading("Parking CPU 2 (Cell: \"q35\")\n")).count == 1)
        #expect(lost.cpus.parked == [1, 2, 3])
        _ = lost.note(reading("", rootCell: nil))
        #expect(lost.cpus.isEmpty)
    }

    @Test("Each is reported once, with the hypervisor's reason, until the hypervisor is enabled anew")
    func once() {
        let console = """
            FATAL: Invalid PIO write, port: 21 size: 1
            Parking CPU 1 (Cell: "q35")
            FATAL: Invalid PIO write, port: 70 size: 1
            Parking CPU 3 (Cell: "rtems")

            """
        var lost = CPULosses()
        let messages = lost.note(reading(console))
        #expect(messages.count == 1)
        #expect(messages.first?.contains("Linux lost CPU 1: ") == true)
        #expect(messages.first?.contains("Invalid PIO write, port: 21 size: 1") == true)
        #expect(
            messages.first?.contains("Linux wrote 1 byte to the mask register of the first 8259A (port 0x21)") == true)
        #expect(lost.cpus == LostCPUs(parked: [1]))
        #expect(lost.note(reading(console)).isEmpty)
        _ = lost.note(reading(console, rootCell: nil))
        #expect(lost.cpus.isEmpty)
        #expect(lost.note(reading(console)).count == 1)
    }

    @Test("A loss is judged by the files of the cells that exist, with the rules that find something in them")
    func surroundings() throws {
        let taken = RTEMSCell.toml() + "\n[[ports]]\nbase = 0x70\ncount = 2\nname = \"clock\"\n"
        let cell = try CellDefinition(toml: taken, path: "/cells/rtems.toml", readFile: { _ in [] })
        let facts = LinuxFacts(machine: RunningMachine(ioports: "0070-0071 : rtc0\n", iomem: ""), drivers: [:])
        var lost = CPULosses()
        let console = "FATAL: Invalid PIO write, port: 70 size: 1\nParking CPU 1 (Cell: \"q35\")\n"
        var asked: [String] = []
        let messages = lost.note(reading(console)) { name in
            asked.append(name)
            return Surroundings(of: name, cells: [cell], system: nil, facts)
        }
        #expect(asked == ["q35"])
        let message = messages.first ?? ""
        #expect(message.contains("\"rtems\"") && message.contains("Rule JH1301 of"), "\(message)")

        let own = Surroundings(of: "rtems", cells: [cell], system: nil, facts)
        #expect(own.cell?.name == "rtems" && own.others.isEmpty && own.machine != nil)
        #expect(own.findings?.isEmpty == false)
        let none = Surroundings(of: nil, cells: [], system: nil, LinuxFacts())
        #expect(none.findings == nil, "nothing was checked")
    }

    @Test("Where the hypervisor itself failed, whoever had the CPU, nothing is commanded any more")
    func stopped() {
        let console = """

            FATAL: Unhandled HYP exception: synchronous abort from EL2
            Stopping CPU 3 (Cell: "sub")

            """
        var lost = CPULosses()
        let messages = lost.note(reading(console))
        #expect(messages.count == 1)
        #expect(
            messages.first?.hasPrefix("the hypervisor itself failed on CPU 3 of cell \"sub\": ") == true, "\(messages)")
        #expect(lost.cpus == LostCPUs(stopped: [3]))
        for command in [Command.create, .load, .start, .shutDown, .destroy] {
            #expect(CPULosses.objection(to: command, console: console, rootCell: "q35")?.contains("CPU 3") == true)
        }
        #expect(CPULosses.objection(to: nil, console: console, rootCell: "q35") != nil)
        let parked = "Parking CPU 1 (Cell: \"q35\")\nParking CPU 3 (Cell: \"sub\")\n"
        #expect(CPULosses.objection(to: .load, console: parked, rootCell: "q35") == nil)
        #expect(CPULosses.objection(to: .create, console: parked, rootCell: "q35")?.contains("lost CPU 1 ") == true)
    }
}
