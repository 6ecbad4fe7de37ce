// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Testing

@testable import Daemon

@Suite("CPUs that Linux lost")
struct LostCPUsTests {
    private func reading(_ console: String, rootCell: String? = "q35") -> LockedFiles.Reading {
        LockedFiles.Reading(at: .now, console: console, pools: .init(), rootCellName: rootCell)
    }

    @Test("Those that an earlier daemon knew stay lost when the console has rolled, while the hypervisor is enabled")
    func known() {
        var lost = LostCPUs(known: [3, 1])
        #expect(lost.cpus == [1, 3])
        #expect(lost.note(reading("")).isEmpty && lost.cpus == [1, 3])
        #expect(lost.note(reading("Parking CPU 1 (Cell: \"q35\")\n")).isEmpty, "it is known")
        #expect(lost.note(reading("Parking CPU 2 (Cell: \"q35\")\n")).count == 1)
        #expect(lost.cpus == [1, 2, 3])
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
        var lost = LostCPUs()
        let messages = lost.note(reading(console))
        #expect(messages.count == 1)
        #expect(messages.first?.contains("Linux lost CPU 1: ") == true)
        #expect(messages.first?.contains("Invalid PIO write, port: 21 size: 1") == true)
        #expect(messages.first?.contains("Linux accessed the first 8259A (port 0x21)") == true)
        #expect(lost.cpus == [1])
        #expect(lost.note(reading(console)).isEmpty)
        _ = lost.note(reading(console, rootCell: nil))
        #expect(lost.cpus.isEmpty)
        #expect(lost.note(reading(console)).count == 1)
    }
}
