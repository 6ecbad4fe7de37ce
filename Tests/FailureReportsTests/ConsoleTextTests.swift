// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FailureReports

@Suite("Whole texts of the console")
struct ConsoleTextTests {
    @Test("A death on x86: the reason, the CPU, the cell, the registers")
    func x86() throws {
        let text = ConsoleText(
            """
            Started cell "misbehave"\r
            CPU 2 received SIPI, vector 100\r
            FATAL: Invalid PIO write, port: 70 size: 1\r
            RIP: 0x000000000000586b RSP: 0x0000000000016d18 FLAGS: 6\r
            RAX: 0x0000000000000000 RBX: 0x0000000000000002 RCX: 0x0000000000000001\r
            RDX: 0x0000000000000070 RSI: 0x0000000000000000 RDI: 0x0000000000000070\r
            CS: 18 BASE: 0x0000000000000000 AR-BYTES: a9b EFER.LMA 1\r
            CR0: 0x0000000080010033 CR3: 0x0000000000008000 CR4: 0x0000000000000620\r
            EFER: 0x0000000000001500\r
            Parking CPU 2 (Cell: "misbehave")\r

            """)
        let death = try #require(text.deaths.first)
        #expect(text.deaths.count == 1 && text.others == [] && text.dmaFaults == [])
        #expect(death.cpu == 2 && death.cell == "misbehave" && !death.isStopped)
        #expect(death.violation == .port(.write, 0x70, size: 1))
        #expect(death.programCounter == 0x586b)
        #expect(death.registers["rdx"] == 0x70)
        #expect(death.registers["cr3"] == 0x8000)
    }

    /// Of releases before v0.13: there is no `elr:`.
    @Test("A death on Arm: the reason stands before the verdict", arguments: [true, false])
    func arm(hasLink: Bool) throws {
        let text = ConsoleText(
            """
            Started cell "sensor"
            Unhandled data write at 0x50200000(4)

            FATAL: unhandled trap (exception class 0x24)
            Cell state before exception:
             pc: 0000000000001a30   lr: 0000000000001a14 spsr: 600003c5     EL1
             sp: 0000000000007fc0  \(hasLink ? "elr: 0000000000000000  " : "")esr: 24 1 0000046
             x0: 0000000050200000   x1: 0000000000000001   x2: 0000000000000000

            Parking CPU 2 (Cell: "sensor")
            """)
        let death = try #require(text.deaths.first)
        #expect(death.violation == .dataAbort(.write, 0x5020_0000, size: 4))
        #expect(death.programCounter == 0x1a30)
        #expect(death.registers["x0"] == 0x5020_0000)
        #expect(death.registers["esr"] == 0x24)
        #expect(text.others == [])
    }

    @Test("A verdict without a reason, and a CPU whose text is lost")
    func withoutReason() {
        let text = ConsoleText(
            """

            FATAL: forbidden access (exception class 0x16)
            Parking CPU 1 (Cell: "a")
            Parking CPU 2 (Cell: "a")
            """)
        #expect(text.deaths.map(\.violation) == [.armTrap(class: 0x16, isForbidden: true), nil])
        #expect(text.deaths.map(\.cpu) == [1, 2])
    }

    @Test("Reasons of two lines: why the instruction is unknown, and where it went")
    func twoLines() {
        let jump = ConsoleText(
            """
            FATAL: unable to get MMIO instruction
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0
            RIP: 0x0000000020000000 RSP: 0x0000000000016d18 FLAGS: 6
            Parking CPU 2 (Cell: "a")
            """)
        #expect(jump.deaths.map(\.violation) == [.memory(.read, 0x2000_0000, size: 0)])
        let string = ConsoleText(
            """
            FATAL: unsupported instruction (0xf3 0xa4 0x00 0x00)
            FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed00000 size: 0
            Parking CPU 2 (Cell: "a")
            """)
        #expect(
            string.deaths.map(\.violation) == [
                .unsupportedInstruction([0xf3, 0xa4, 0, 0], TrappedAccess(.read, 0xfed0_0000))
            ])
        #expect(
            jump.deaths[0].reason
                == "Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0 (unable to get MMIO instruction)")
    }

    @Test("Several cells in one text")
    func cells() {
        let text = ConsoleText(
            """
            FATAL: Invalid PIO write, port: 70 size: 1\r
            Parking CPU 3 (Cell: "rtems")\r
            FATAL: unable to get MMIO instruction\r
            FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0\r
            RIP: 0xffffffff81000000 RSP: 0x0000000000007ff0 FLAGS: 2\r
            Parking CPU 1 (Cell: "root cell")\r
            Parking CPU 2 (Cell: "root cell")\r

            """)
        let root = text.deaths.filter { $0.cell == "root cell" }
        #expect(root.map(\.cpu) == [1, 2])
        #expect(
            root.map(\.reason) == [
                "Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0 (unable to get MMIO instruction)", nil,
            ])
        #expect(text.deaths.filter { $0.cell == "root" }.isEmpty)
    }

    @Test("The hypervisor's own failure stops the CPU; a refused enable leaves only a reason")
    func machine() {
        let own = ConsoleText(
            "FATAL: Jailhouse triggered exception #14\nError code: 2\nPhysical CPU ID: 1\nStopping CPU 1 (Cell: \"root\")\n"
        )
        #expect(own.deaths.first?.isStopped == true)
        #expect(own.deaths.first?.violation == .hypervisorException(14))
        let refused = ConsoleText("Initializing unit: AMD IOMMU\nFATAL: IOMMU 0 config is locked in invalid state.\n")
        #expect(refused.deaths == [] && refused.others == [.iommuLocked(unit: 0)])
    }

    @Test("Reports of IOMMUs")
    func dma() {
        let text = ConsoleText(
            """
            VT-d fault event reported by IOMMU 1:
             Source Identifier (bus:dev.func): 00:02.0
             Fault Reason: 0x5 Fault Info: 3a100 Type 0
            AMD IOMMU 0 reported event
             EventCode: 2, Operand 1: 2020000000000201, Operand 2: 3b002040
             DeviceId (bus:dev.func): 02:00.1
            """)
        #expect(
            text.dmaFaults == [
                DMAFault(unit: 1, device: "00:02.0", address: 0x3a10_0000, access: .write, code: 5),
                DMAFault(unit: 0, device: "02:00.1", address: 0x3b00_2040, access: .write, code: 2, vendor: .amd),
            ])
        #expect(text.dmaFaults[0].explanation.summary.contains("write to 0x3a100000"))
    }

    @Test("Linux's own failure blames nobody else")
    func root() {
        let explanation = Violation.port(.write, 0x21, size: 1).explanation(isRootCell: true)
        #expect(
            explanation.summary
                == "Linux wrote 1 byte to the mask register of the first 8259A (port 0x21), which it does not have.")
        #expect(explanation.entry == nil)
    }

    @Test(
        "Nobody is advised to take what Linux needs",
        arguments: [0x20, 0x21, 0x40, 0x64, 0x70, 0x80, 0xa1, 0x3d4, 0x4d0] as [UInt64])
    func noBadAdvice(port: UInt64) {
        let explanation = Violation.port(.write, port, size: 1).explanation()
        #expect(explanation.entry == nil)
        #expect(explanation.advice.hasPrefix("Do not grant it"))
    }
}
