// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Testing

/// What a cell may not do ends it, with the hypervisor's lines. The modes are Inmates/misbehave.S's.
@Suite struct ViolationTests {
    private static let cases: [(UInt32, String)] = [
        (0, "FATAL: Invalid PIO write, port: 70 size: 1"),
        (1, "FATAL: Invalid PIO read, port: 64 size: 4"),
        (2, "FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4"),
        (3, "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000004 size: 2"),
        (4, "FATAL: Invalid MMIO/RAM write, addr: 0x0000000000200000 size: 1"),
        (
            5,
            """
            FATAL: unable to get MMIO instruction
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000030000000 size: 0
            """
        ),
        (
            6,
            """
            FATAL: unable to get MMIO instruction
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000000300000 size: 0
            """
        ),
        (7, "FATAL: Unhandled MSR write: 200"),
        (8, "FATAL: Unexpected #VMEXIT, exitcode 7f, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000"),
        (
            9,
            """
            FATAL: unsupported instruction (0xff 0x05 0x00 0x00)
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0
            """
        ),
        (10, "FATAL: Invalid PCI config write, device 00:1f.0, reg: 0x10, size: 4"),
        (11, "FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=84441"),
        (
            12,
            """
            FATAL: Unsupported change to LDR: 55000000
            FATAL: Unhandled APIC access, offset 208, is_write: 1
            """
        ),
        (13, "FATAL: Unable to parse MOV-to-CR instruction"),
        (14, "FATAL: Invalid MMIO/RAM write, addr: 0x00000000fec00000 size: 4"),
    ]

    @Test(arguments: cases)
    func aCellThatReachesOutIsParked(mode: UInt32, report: String) async throws {
        let reason = report.split(separator: "\n").map(String.init)
        let machine = try TestMachine()
        var descriptor = TestMachine.cell()
        descriptor.memoryRegions += [
            MemoryRegion(physicalStart: 0x1020_0000, virtualStart: 0x20_0000, size: 0x1000, flags: [.read]),
            MemoryRegion(
                physicalStart: 0x1030_0000, virtualStart: 0x30_0000, size: 0x1000, flags: [.read, .write]),
        ]
        let cell = try machine.run("misbehave", in: descriptor, mode: mode)
        try await cell.events.wait(for: "the violation") { !$0.violations.isEmpty }
        let lines = cell.events.violations[0]
        #expect(Array(lines.prefix(reason.count)) == reason)
        #expect(lines.count == reason.count + 7)
        #expect(lines.last == "Parking CPU 1 (Cell: \"test\")")
        #expect(lines[reason.count].hasPrefix("RIP: 0x00000000"))
        #expect(cell.machine.state == 3)
        #expect(cell.events.serial == "misbehave\n")
    }
}
