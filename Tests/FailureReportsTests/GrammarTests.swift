// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FailureReports

/// Each kind of line in which the hypervisor says why, with made-up numbers.
let reasonLines: [(line: String, violation: Violation)] = [
    ("FATAL: Invalid PIO read, port: 70 size: 1", .port(.read, 0x70, size: 1)),
    ("FATAL: Invalid PIO write, port: 3f9 size: 2", .port(.write, 0x3f9, size: 2)),
    ("FATAL: Invalid PIO write, port: 21 size: 1", .port(.write, 0x21, size: 1)),
    ("FATAL: Invalid PIO write, port: e010 size: 4", .port(.write, 0xe010, size: 4)),
    ("FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed00000 size: 4", .memory(.read, 0xfed0_0000, size: 4)),
    ("FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 0", .memory(.write, 0x2000_0000, size: 0)),
    ("FATAL: Invalid MMIO write, address: fee01003, size: 8", .subPage(.write, 0xfee0_1003, size: 8)),
    ("FATAL: unable to get MMIO instruction", .unreadableInstruction),
    ("FATAL: unsupported instruction (0xf3 0xa4 0x00 0x12)", .unsupportedInstruction([0xf3, 0xa4, 0, 0x12])),
    ("FATAL: inconsistent access, expected read instruction", .inconsistentAccess()),
    ("testdev: invalid write, register 14, size 2", .testDevice(.write)),
    (
        "FATAL: Invalid PCI config write, device 00:1f.2, reg: 0x4, size: 2",
        .pciConfiguration(.write, device: "00:1f.2", register: 4, size: 2)
    ),
    ("FATAL: Invalid PCI config read, port: 0xcfe, size: 4", .pciPort(.read, port: 0xcfe, size: 4)),
    (
        "FATAL: Invalid PCI config write, port: cfe, size 2, address port: 8000f940",
        .pciConfiguration(.write, device: "00:1f.1", register: 0x42, size: 2)
    ),
    (
        "FATAL: Invalid PCI config write, port: cf8, size 2, address port: 8000f940",
        .pciPort(.write, port: 0xcf8, size: 2)
    ),
    ("FATAL: Unsupported APIC delivery mode, ICR.lo=c4400", .apicDelivery(0xc4400)),
    ("FATAL: Invalid ivshmem register write, number 14", .linkRegister(.write, 14)),
    ("FATAL: Unsupported shorthand, ICR.lo=c4500", .apicDelivery(0xc4500)),
    ("FATAL: Unsupported paging mode", .pagingMode()),
    (
        "FATAL: Invalid PCI MMCONFIG write, device 02:00.0, reg: 0x40, size: 8",
        .pciMemory(.write, device: "02:00.0", register: 0x40, size: 8)
    ),
    ("FATAL: Invalid PCI MSI-X table/PBA access, device 00:02.0", .vectorTable(device: "00:02.0")),
    (
        "FATAL: ivshmem MSI-X target outside of cell \"left\" device 00:0e.0",
        .vectorTarget(cell: "left", device: "00:0e.0")
    ),
    ("FATAL: Invalid IOAPIC write, reg: 10, index: 3f", .ioapic(.write, register: 0x10, index: 0x3f)),
    ("FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=4200", .apicDelivery(0x4200)),
    (
        "FATAL: Trying to set reserved APIC bits (reg 32, value 00000100)",
        .apicReserved(register: 0x32, value: 0x100)
    ),
    ("FATAL: Setting invalid LVT delivery mode (reg 35, value 00000700)", .apicVector(register: 0x35, value: 0x700)),
    ("FATAL: xAPIC access in x2APIC mode", .apicMode),
    ("FATAL: Unsupported APIC access width 8", .apicWidth(8)),
    ("FATAL: Unsupported change to LDR: 3000000", .apicDestination(register: "LDR", value: 0x300_0000)),
    ("FATAL: Unsupported change to DFR: fffffff", .apicDestination(register: "DFR", value: 0xfff_ffff)),
    ("FATAL: Unhandled APIC access, qualification 1004", .apicAccess(TrappedAccess(.write, 0xfee0_0004))),
    ("FATAL: Unhandled APIC access, offset 52, is_write: 1", .apicAccess(TrappedAccess(.write, 0xfee0_0034))),
    ("Attempt to route IRQ74 outside of cell", .interruptRoute(74)),
    ("FATAL: Unhandled MSR read: c0011029", .msr(.read, 0xc001_1029)),
    ("FATAL: Unhandled MSR write: 2ff", .msr(.write, 0x2ff)),
    ("FATAL: Invalid PAT value: 2070406", .pageAttributes(0x207_0406)),
    ("FATAL: Invalid write to i8042 controller port", .keyboardController),
    ("FATAL: Unhandled CR access, qualification 13", .controlRegister(qualification: 0x13)),
    ("FATAL: Unsupported CR access (LMSW or CLTS)", .controlRegister()),
    ("FATAL: Unable to parse MOV-to-CR instruction", .controlRegister()),
    (
        "FATAL: Invalid xsetbv parameters: xcr[0] = 00000001:00000002",
        .extendedControlRegister(number: 0, value: 0x1_0000_0002)
    ),
    ("FATAL: Unhandled VM-Exit, reason 2", .tripleFault),
    ("FATAL: Unhandled VM-Exit, reason 49", .vmExit(reason: 49)),
    ("FATAL: VM-Entry failure, reason 33", .guestState),
    ("FATAL: VM-Entry failure, error -1", .guestState),
    (
        "FATAL: Unexpected #VMEXIT, exitcode ffffffff, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000",
        .guestState
    ),
    ("Unhandled HYP data abort exit at 0xf0001234", .hypervisorAbort),
    ("Unhandled HYP hvc exit at 0xf0001234", .hypervisorTrap("hvc")),
    ("FATAL: Unexpected #VMEXIT, exitcode 7f, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000", .tripleFault),
    (
        "FATAL: Unexpected #VMEXIT, exitcode 82, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000",
        .svmExit(code: 0x82)
    ),
    // Arm
    ("Unhandled data read at 0x9030000(4)", .dataAbort(.read, 0x903_0000, size: 4)),
    ("Unhandled data write at 0x50200000(8)", .dataAbort(.write, 0x5020_0000, size: 8)),
    ("FATAL: instruction abort at 0x200", .instructionAbort(0x200)),
    ("FATAL: instruction abort at 0x7f000000", .instructionAbort(0x7f00_0000)),
    ("Unhandled SMC arch trap 80008000", .secureCall(0x8000_8000)),
    ("FATAL: unhandled trap (exception class 0x17)", .armTrap(class: 0x17, isForbidden: false)),
    ("FATAL: unhandled trap (exception class 0x18)", .armTrap(class: 0x18, isForbidden: false)),
    ("FATAL: unhandled trap (exception class 0x07)", .armTrap(class: 7, isForbidden: false)),
    ("FATAL: unhandled trap (exception class 0x09)", .armTrap(class: 9, isForbidden: false)),
    ("FATAL: unhandled trap (exception class 0x13)", .armTrap(class: 0x13, isForbidden: false)),
    ("FATAL: unhandled trap (exception class 0x2c)", .armTrap(class: 0x2c, isForbidden: false)),
    ("FATAL: forbidden access (exception class 0x16)", .armTrap(class: 0x16, isForbidden: true)),
    ("FATAL: forbidden access (exception class 0x20)", .armTrap(class: 0x20, isForbidden: true)),
    ("FATAL: forbidden access (exception class 0x24)", .armTrap(class: 0x24, isForbidden: true)),
    // the machine
    ("FATAL: Unhandled HYP exception: synchronous abort from EL2", .hypervisorAbort),
    ("FATAL: Jailhouse triggered exception #14", .hypervisorException(14)),
    ("FATAL: vmwrite 00006806 failed, error 12, caller 0xfffffffff0012345", .hypervisorInstruction("VMWRITE")),
    ("FATAL: invept failed, error 28", .hypervisorInstruction("INVEPT")),
    ("FATAL: vmlaunch failed, error 7", .hypervisorInstruction("VMLAUNCH")),
    ("FATAL: vmresume failed, error 5", .hypervisorInstruction("VMRESUME")),
    ("FATAL: CPU reset failed, error 12", .hypervisorInstruction("CPU reset")),
    ("FATAL: Unsupported MSI/MSI-X state, device 00:1f.2, cap 5", .interruptState(device: "00:1f.2")),
    ("FATAL: Unsupported IOAPIC state, pin 9", .ioapicState(pin: 9)),
    ("FATAL: IOMMU 0 command error", .iommuCommand(unit: 0)),
    ("FATAL: IOMMU 1 config is locked in invalid state.", .iommuLocked(unit: 1)),
    ("ERROR: SMI Filter register 2 is locked and can't be reprogrammed.", .messageFilterLocked(register: 2)),
    ("FATAL: Unhandled DMAR unit write access, register 18", .dmarRegister(.write, 0x18)),
    ("FATAL: Invalid/unsupported invalidation queue entry", .dmarQueue),
]

@Suite("The console's lines")
struct GrammarTests {
    @Test("Each reason is recognised", arguments: reasonLines.indices)
    func reason(index: Int) {
        let (line, violation) = reasonLines[index]
        #expect(ConsoleGrammar.violation(in: line) == violation)
        #expect(
            ConsoleGrammar.violation(in: "sensor: 17 degrees" + line + "\r") == violation, "in an inmate's own line")
    }

    @Test("Each kind is explained in a sentence, with an advice; only what exists would be granted")
    func explained() {
        for (line, violation) in reasonLines {
            for isRootCell in [false, true] {
                let explanation = violation.explanation(isRootCell: isRootCell)
                #expect(explanation.summary.hasSuffix("."), "\(line)")
                #expect(explanation.advice.hasSuffix("."), "\(line)")
                #expect(!explanation.summary.contains("not known here"), "\(line)")
            }
        }
        #expect(Set(reasonLines.map { $0.violation.explanation().summary }).count > 55)
    }

    @Test(
        "Other lines are no reasons",
        arguments: [
            "", "Created cell \"rtems\"", "CPU 3 received SIPI, vector 100", "FATAL: ",
            "Unhandled x2APIC self IPI write",
            "WARNING: CPU 2 specified IPI destination outside cell boundaries, ICR.hi=1000000",
            "Timeout expired while waiting for reply from target cell", "Parking CPU 3 (Cell: \"rtems\")",
        ])
    func others(line: String) {
        #expect(ConsoleGrammar.violation(in: line) == nil)
    }

    @Test("A reason that is cut off, or of a later release, is one all the same")
    func unknown() {
        #expect(ConsoleGrammar.violation(in: "FATAL: Invalid PIO wri") == .unknown("Invalid PIO wri"))
        #expect(ConsoleGrammar.reason(in: "FATAL: Something new, 7\r")?.text == "Something new, 7")
    }

    @Test("No line ends the process", arguments: 0..<200)
    func mutated(seed: Int) {
        var state = UInt64(seed) &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) & 0xffff
        }
        var bytes = Array(reasonLines[next() % reasonLines.count].line.utf8)
        for _ in 0..<4 where !bytes.isEmpty {
            switch next() % 3 {
            case 0: bytes[next() % bytes.count] = UInt8(truncatingIfNeeded: next())
            case 1: bytes.remove(at: next() % bytes.count)
            default: bytes.insert(UInt8(truncatingIfNeeded: next()), at: next() % bytes.count)
            }
        }
        let text = ConsoleText(String(decoding: bytes, as: UTF8.self))
        for violation in text.others { #expect(!violation.explanation().summary.isEmpty) }
    }
}
