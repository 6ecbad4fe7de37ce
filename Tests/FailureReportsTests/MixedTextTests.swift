// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import DeathTable
import Testing

@testable import FailureReports

@Suite("Texts that are cut, mixed, or of several lines")
struct MixedTextTests {
    private static let dump = "RIP: 0x0000000000100200 RSP: 0x0000000000007000 FLAGS: 2\n"

    @Test(
        "What happened before a gap, a start or an end is not blamed on a later cell",
        arguments: ["<missed 700 bytes of console log>", "Closing cell \"a\"", "Started cell \"b\""])
    func gap(between: String) throws {
        let text = ConsoleText(
            "FATAL: Invalid PIO write, port: 70 size: 1\n\(Self.dump)\(between)\nParking CPU 3 (Cell: \"b\")\n")
        let death = try #require(text.deaths.first)
        #expect(death.violation == nil && death.reason == nil && death.registers.isEmpty && death.programCounter == nil)
        #expect(text.others == [.port(.write, 0x70, size: 1)])
    }

    @Test(
        "The line about the APIC's window follows the reason",
        arguments: [
            ("Trying to set reserved APIC bits (reg 32, value 00000100)", .apicReserved(register: 0x32, value: 0x100)),
            ("Setting invalid LVT delivery mode (reg 35, value 00000700)", .apicVector(register: 0x35, value: 0x700)),
            ("Unsupported/invalid APIC delivery mode, ICR.lo=4700", .apicDelivery(0x4700)),
            ("Unsupported change to LDR: 3000000", .apicDestination(register: "LDR", value: 0x300_0000)),
            ("Unsupported APIC access width 8", .apicWidth(8)), ("xAPIC access in x2APIC mode", .apicMode),
            (
                "unsupported instruction (0x81 0x20 0xff 0x00)",
                .unsupportedInstruction([0x81, 0x20, 0xff, 0], TrappedAccess(.write, 0xfee0_00f0))
            ),
        ] as [(String, Violation)])
    func apic(reason: String, violation: Violation) {
        for second in ["qualification 10f0", "offset 240, is_write: 1"] {
            let text = ConsoleText(
                "FATAL: \(reason)\nFATAL: Unhandled APIC access, \(second)\n\(Self.dump)Parking CPU 3 (Cell: \"a\")\n")
            #expect(text.deaths.map(\.violation) == [violation])
            #expect(text.others == [])
        }
    }

    @Test(
        "A reason in whose middle the kernel printed a line, or that a mail wrapped, is whole",
        arguments: [
            (
                "FATAL: Invalid PIO write, port: [   77.123456] e1000e 0000:00:02.0: link up\n21 size: 1",
                .port(.write, 0x21, size: 1)
            ),
            (
                "FATAL: Invalid MMIO/RAM wri[ 77.1] usb 1-1: new\nte, addr: 0x0000000020000000 size: 4",
                .memory(.write, 0x2000_0000, size: 4)
            ),
            ("FATAL: Invalid MMIO/RAM write, addr:\n0x0000000020000000 size: 4", .memory(.write, 0x2000_0000, size: 4)),
        ] as [(String, Violation)])
    func interrupted(reason: String, violation: Violation) {
        let text = ConsoleText("\(reason)\n\(Self.dump)Parking CPU 3 (Cell: \"a\")\n")
        #expect(text.deaths.map(\.violation) == [violation] && text.others == [])
    }

    @Test("A mail may wrap a reason at any blank, and quote it", arguments: ["", "> ", ">> "])
    func wrapped(mark: String) {
        for (line, violation) in reasonLines {
            let words = line.split(separator: " ")
            for count in 1..<words.count {
                let (head, rest) = (words[..<count].joined(separator: " "), words[count...].joined(separator: " "))
                let text = ConsoleText("\(mark)\(head)\n\(mark)\(rest)\n\(mark)Parking CPU 3 (Cell: \"a\")\n")
                #expect(text.deaths.map(\.violation) == [violation], "\(head)|\(rest)")
            }
        }
    }

    @Test("CPU, cell and registers are found where a mail wrapped their lines")
    func wrappedDump() throws {
        let text = ConsoleText(
            "FATAL: Invalid PIO write, port: 70 size: 1\nRIP:\n0x0000000000100200 RSP: 0x0000000000007000 FLAGS: 2\n"
                + "Parking CPU 3 (Cell:\n\"a-cell\")\n")
        let death = try #require(text.deaths.first)
        #expect(death.cell == "a-cell" && death.programCounter == 0x10_0200 && death.registers["rsp"] == 0x7000)
    }

    @Test("Without the reason, which the ring has lost, the place is what is left")
    func beheaded() throws {
        let death = try #require(ConsoleText("\(Self.dump)Parking CPU 3 (Cell: \"a\")\n").deaths.first)
        #expect(death.violation == nil && death.programCounter == 0x10_0200)
        // an earlier dump is not that of a later death
        let two = ConsoleText(
            "\(Self.dump)Parking CPU 3 (Cell: \"a\")\nFATAL: Invalid PIO write, port: 70 size: 1\nParking CPU 2 (Cell: \"b\")\n"
        )
        #expect(two.deaths.last?.programCounter == nil)
    }

    @Test("The hypervisor's own death is known by its verdict alone")
    func stopped() throws {
        let death = try #require(
            ConsoleText("Hypervisor stack before exception (0x0000)\n0e40: 00 00\nStopping CPU 3 (Cell: \"a\")\n")
                .deaths.first)
        let explanation = death.explanation()
        #expect(
            explanation.summary.contains("hypervisor itself") && explanation.advice.contains("hang Linux"),
            "\(explanation)")
    }

    @Test("AMD's IOMMU says which way, and whether it was an interrupt")
    func events() {
        func fault(_ flags: String) -> DMAFault? {
            ConsoleText(
                "AMD IOMMU 0 reported event\n EventCode: 2, Operand 1: \(flags), Operand 2: fee00000\n"
                    + " DeviceId (bus:dev.func): 00:02.0\n"
            ).dmaFaults.first
        }
        #expect(fault("2000000000000010")?.access == .read)
        #expect(fault("2020000000000010")?.access == .write)
        let interrupt = fault("2028000000000010")
        #expect(interrupt?.isInterrupt == true && interrupt?.access == nil)
        #expect(interrupt?.explanation.summary.contains("sent an interrupt") == true)
    }

    @Test("A reason that is not known stays one, whatever follows it")
    func notInterrupted() {
        let text = ConsoleText(
            "FATAL: something new\n\(Self.dump)FATAL: Invalid PIO write, port: 70 size: 1\nParking CPU 3 (Cell: \"a\")\n"
        )
        #expect(text.others == [.unknown("something new")])
        #expect(text.deaths.map(\.violation) == [.port(.write, 0x70, size: 1)])
    }

    @Test("A reason whose dump is there is not joined with the next one")
    func two() {
        let text = ConsoleText(
            "FATAL: unable to get MMIO instruction\n\(Self.dump)"
                + "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 4\nParking CPU 3 (Cell: \"a\")\n")
        #expect(text.others == [.unreadableInstruction])
        #expect(text.deaths.map(\.violation) == [.memory(.read, 0x2000_0000, size: 4)])
    }

    @Test("A register that is cut off, or that other text names, is not taken")
    func registers() throws {
        let text = ConsoleText(
            """
            FATAL: Invalid PIO write, port: 70 size: 1
            CPU 2: Unknown hypercall 99, RIP: 0x0000000000009999
            RIP: 0x0000000000100200 RSP: 0x0000000000007000 FLAGS: 2
            RAX: 0x00000000
            sensor RIP: 0x0000000000005555 rbx: 7
            Parking CPU 3 (Cell: "a")
            """)
        let death = try #require(text.deaths.first)
        #expect(death.programCounter == 0x10_0200)
        #expect(death.registers["rax"] == nil && death.registers["rbx"] == nil && death.registers["rsp"] == 0x7000)
    }

    @Test("An SMC is at elr, or before pc where a release prints no elr", arguments: ["  elr: 0000000000081208", ""])
    func call(link: String) {
        let text = ConsoleText(
            """

            FATAL: unhandled trap (exception class 0x17)
            Cell state before exception:
             pc: 000000000008120c   lr: 0000000000081048 spsr: 600003c5     EL1
             sp: 0000000000000000\(link)  esr: 17 1 0000000
            Parking CPU 3 (Cell: "a")
            """)
        #expect(text.deaths.map(\.programCounter) == [0x8_1208])
    }

    @Test("Reports of an IOMMU that are the same are told together")
    func faults() {
        let one = { (page: Int) in
            "VT-d fault event reported by IOMMU 1:\n Source Identifier (bus:dev.func): 00:02.0\n"
                + " Fault Reason: 0x5 Fault Info: \(String(page, radix: 16)) Type 0\n"
        }
        let text = ConsoleText((0..<300).map(one).joined())
        let explanations = text.faultExplanations { _ in Surroundings() }
        #expect(text.dmaFaults.count == 300 && explanations.count == 1)
        #expect(
            explanations.first?.notes.contains("The text has 300 such reports, for addresses from 0x0 to 0x12b000.")
                == true)
    }

    @Test("Errors that are traced one after the other are one, and each remark is told once")
    func remarks() {
        let text = ConsoleText(
            """
            hypervisor/ivshmem.c:412: returning error -EBUSY
            hypervisor/pci.c:700: returning error -EBUSY
            Created cell "a"
            CPU 3: Unknown hypercall 99, RIP: 0x0000000000009999
            CPU 3: Unknown hypercall 99, RIP: 0x0000000000009999
            """)
        #expect(text.remarks.count == 2 && text.deaths == [] && text.others == [])
    }

    @Test("A rule is named only if it finds something in the files")
    func rules() {
        let violation = Violation.port(.write, 0x21, size: 1)
        var known = Surroundings()
        #expect(violation.explanation(in: known).rule == "JH0841")
        known.findings = ["JH0101"]
        #expect(violation.explanation(in: known).rule == nil)
        known.findings = ["JH0841"]
        #expect(violation.explanation(in: known).rule == "JH0841")
    }

    @Test("Linux is not advised to take the hypervisor's memory")
    func hypervisorMemory() {
        let system = SystemDescriptor(
            hypervisorMemory: MemoryRegion(physicalStart: 0x3e80_0000, size: 0x80_0000),
            platform: Platform(specific: .x86(X86Platform())), rootCell: CellDescriptor(name: "q35"))
        let explanation = Violation.memory(.read, 0x3e90_0000, size: 4).explanation(
            isRootCell: true, in: Surroundings(system: system))
        #expect(explanation.notes == ["0x3e900000 is the hypervisor's own memory."])
        #expect(explanation.advice.contains("Never give this memory to Linux."))
    }

    @Test(
        "Without an entry for what no entry can allow",
        arguments: ["Do not", "Never", "Correct the program", "no entry"])
    func noEntry(words: String) {
        for death in DeathCase.all {
            for explanation in death.explanations where explanation.advice.contains(words) && words != "Never" {
                #expect(explanation.entry == nil || !explanation.advice.hasPrefix(words), "\(death.name)")
            }
        }
    }
}
