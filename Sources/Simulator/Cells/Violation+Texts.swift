// SPDX-License-Identifier: Apache-2.0

// The hypervisor's lines, as an AMD machine and an Arm64 machine print them.

extension Violation {
    var reason: [String] {
        switch self {
        case .portWrite: ["FATAL: Invalid PIO write, port: 70 size: 1"]
        case .portRead: ["FATAL: Invalid PIO read, port: 71 size: 1"]
        case .memoryWrite: ["FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4"]
        case .memoryRead: ["FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 4"]
        case .fetch:
            [
                "FATAL: unable to get MMIO instruction",
                "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0",
            ]
        case .registerWrite: ["FATAL: Unhandled MSR write: 200"]
        case .registerRead: ["FATAL: Unhandled MSR read: 200"]
        case .tripleFault: [Self.exit("7f")]
        case .stringMove:
            [
                "FATAL: unsupported instruction (0xf3 0xa4 0x48 0x89)",
                "FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed00000 size: 0",
            ]
        case .otherInstruction:
            [
                "FATAL: inconsistent access, expected write instruction",
                "FATAL: Invalid MMIO/RAM write, addr: 0x00000000fed00000 size: 0",
            ]
        case .regionRight: ["FATAL: Invalid MMIO write, address: fed00010, size: 4"]
        case .pciWrite: ["FATAL: Invalid PCI config write, device 00:1f.1, reg: 0x40, size: 2"]
        case .pciPort: ["FATAL: Invalid PCI config write, port: 0xcf8, size: 2"]
        case .mmconfigWrite: ["FATAL: Invalid PCI MMCONFIG write, device 00:1f.1, reg: 0x40, size: 4"]
        case .vectorTable: ["FATAL: Invalid PCI MSI-X table/PBA access, device 00:02.0"]
        case .vectorTarget: ["FATAL: ivshmem MSI-X target outside of cell \"rtems\" device 00:0e.0"]
        case .ioapic: ["FATAL: Invalid IOAPIC write, reg: 10, index: 42"]
        default: apicReason
        }
    }

    private var apicReason: [String] {
        switch self {
        case .apicDelivery: Self.apic("Unsupported/invalid APIC delivery mode, ICR.lo=4700", 768)
        case .apicReserved: Self.apic("Trying to set reserved APIC bits (reg 32, value 00000100)", 800)
        case .apicVector: Self.apic("Setting invalid LVT delivery mode (reg 35, value 00000700)", 848)
        case .apicMode: Self.apic("xAPIC access in x2APIC mode", 176)
        case .apicWidth: Self.apic("Unsupported APIC access width 8", 800)
        case .apicLogical: Self.apic("Unsupported change to LDR: 3000000", 208)
        case .apicFormat: Self.apic("Unsupported change to DFR: fffffff", 224)
        case .apicAccess: ["FATAL: Unhandled APIC access, offset 82, is_write: 1"]
        case .attributes: ["FATAL: Invalid PAT value: 2070406"]
        case .keyboard: ["FATAL: Invalid write to i8042 controller port"]
        case .controlRegister: ["FATAL: Unsupported CR access (LMSW or CLTS)"]
        case .extendedControl: ["FATAL: Invalid xsetbv parameters: xcr[0] = 00000000:00000002"]
        case .instruction: [Self.exit("80")]
        case .guestState: ["FATAL: VM-Entry failure, error -1"]
        case .taskSwitch: ConsoleWording.exit(9)
        case .invalidate: ConsoleWording.exit(13)
        case .pageTables: ConsoleWording.exit(49)
        case .writeBack: ConsoleWording.exit(54)
        case .vmload: [Self.exit("82")]
        case .vmsave: [Self.exit("83")]
        case .stgi: [Self.exit("84")]
        case .clgi: [Self.exit("85")]
        case .skinit: [Self.exit("86")]
        case .testDevice: ["testdev: invalid write, register 14, size 2"]
        case .remappingRegister: ["FATAL: Unhandled DMAR unit write access, register 18"]
        case .remappingQueue: ["FATAL: Invalid/unsupported invalidation queue entry"]
        default: armReason
        }
    }

    /// The reason, and the line that follows each in the window of the local APIC.
    private static func apic(_ reason: String, _ offset: Int) -> [String] {
        ["FATAL: \(reason)", "FATAL: Unhandled APIC access, offset \(offset), is_write: 1"]
    }

    private static func exit(_ code: String) -> String {
        "FATAL: Unexpected #VMEXIT, exitcode \(code), exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000"
    }

    private var armReason: [String] {
        switch self {
        case .armWrite: ["Unhandled data write at 0x50200000(4)", "", Self.unhandled("24")]
        case .armRead: ["Unhandled data read at 0x50200000(8)", "", Self.unhandled("24")]
        case .armFetch: ["FATAL: instruction abort at 0x30000000", "", Self.forbidden("20")]
        case .armVectors: ["FATAL: instruction abort at 0x200", "", Self.forbidden("20")]
        case .armRegion: ["FATAL: Invalid MMIO write, address: 9010004, size: 4", "", Self.forbidden("24")]
        case .armMMCONFIG:
            ["FATAL: Invalid PCI MMCONFIG write, device 00:01.0, reg: 0x4, size: 4", "", Self.forbidden("24")]
        case .armVectorTable: ["FATAL: Invalid PCI MSI-X table/PBA access, device 00:00.0", "", Self.forbidden("24")]
        case .armRoute: ["Attempt to route IRQ144 outside of cell", "", Self.forbidden("24")]
        case .armMessage: ["", Self.forbidden("24")]
        case .armHypervisorCall: ["", Self.forbidden("16")]
        case .armSecureCall: ["", Self.unhandled("17")]
        case .armArchitectureCall: ["Unhandled SMC arch trap 80008000", "", Self.unhandled("17")]
        case .armRegister: ["", Self.unhandled("18")]
        case .armAuthentication: ["", Self.unhandled("09")]
        case .armFloatingPoint: ["", Self.unhandled("07")]
        case .arm32HypervisorCall: ["", Self.unhandled("12")]
        case .arm32SecureCall: ["", Self.unhandled("13")]
        case .arm32Register: ["", Self.unhandled("03")]
        case .arm32LongRegister: ["", Self.unhandled("04")]
        default: []
        }
    }

    private static func unhandled(_ kind: String) -> String { "FATAL: unhandled trap (exception class 0x\(kind))" }
    private static func forbidden(_ kind: String) -> String { "FATAL: forbidden access (exception class 0x\(kind))" }

    /// The number of a call of the firmware, in hexadecimal: one of a trusted operating system, one that does not exist.
    var armCall: String? {
        switch self {
        case .armSecureCall: "b2000000"
        case .armArchitectureCall: "80008000"
        default: nil
        }
    }

    /// Nil for what x86 prints: class, length and syndrome, as printed.
    var armSyndrome: String? {
        switch self {
        case .armWrite: "24 1 1810046"
        case .armRead: "24 1 1c10006"
        case .armFetch, .armVectors: "20 1 0000006"
        case .armRegion, .armMMCONFIG, .armVectorTable, .armRoute, .armMessage: "24 1 1810046"
        case .armHypervisorCall: "16 1 0000000"
        case .armSecureCall, .armArchitectureCall: "17 1 0000000"
        case .armRegister: "18 1 0320421"
        case .armAuthentication: "09 1 0000000"
        case .armFloatingPoint: "07 1 1e00000"
        case .arm32HypervisorCall: "12 1 0004a48"
        case .arm32SecureCall: "13 1 0000000"
        // ACTLR is read; ICC_SGI1R is written
        case .arm32Register: "03 1 1e20401"
        case .arm32LongRegister: "04 1 1e00418"
        default: nil
        }
    }
}
