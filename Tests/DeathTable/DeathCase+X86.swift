// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import FailureReports

extension DeathCase {
    static let x86: [DeathCase] = [
        port("the RTEMS port of 2016 without the 8259A", "write", "21", rip: 0x10_0318, isRTEMS: true),
        port("an interrupt is acknowledged at the 8259A", "write", "20", rip: 0x10_0322),
        port("the clock is read", "read", "71"), port("the 8254 is programmed", "write", "43"),
        port("the keyboard controller", "read", "64"), port("fast A20", "write", "92"),
        port("a port of COM1", "write", "3f9"), port("a port of another cell", "write", "e010", size: 4),
        port("a port of nobody", "read", "e100", size: 2), port("one behind its own ports", "read", "300"),
        port("the VGA's cursor", "write", "3d4"), port("the PM timer is written", "write", "608", size: 4),
        port("a reset", "write", "cf9"),
        memory("behind its RAM", "write", 0x20_1000), memory("far away", "read", 0x2000_0000, ["rdi": 0x2000_0000]),
        memory("the hypervisor's memory", "read", 0x3e80_1000), memory("the other cell's memory", "write", 0x3b00_0010),
        memory("memory of Linux", "write", 0x800_0000), memory("read-only memory", "write", 0x40_0010),
        memory("upstream's communication region", "read", 0x10_0000, in: Surroundings(cell: Samples.cellWithoutLowRAM)),
        memory("the IOAPIC, behind its registers", "read", 0xfec0_0100),
        memory("8 bytes across the end of its RAM", "write", 0x1f_fffc, size: 8),
        memory("the HPET", "read", 0xfed0_0000, size: 8), memory("a device of nobody", "write", 0x4000_0000),
        memory("a device across two pages", "write", 0x4000_0ffe),
        port("2 bytes across the end of its ports", "write", "2ff", size: 2),
        port("the delay port with 2 bytes", "write", "80", size: 2),
        port("strings from the PCI data port", "write", "cfc", size: 4),
        port("a Linux guest's 8259A", "write", "21", isLinux: true),
        port("a Linux guest's clock", "write", "70", isLinux: true),
        DeathCase(
            .amd, "a jump into nowhere",
            "FATAL: unable to get MMIO instruction\nFATAL: Invalid MMIO/RAM read, addr: 0x0000000001000000 size: 0",
            dump: Dump.x86(["rip": 0x100_0000], is64: false)),
        DeathCase(
            .amd, "a copy of strings from a device",
            "FATAL: unsupported instruction (0xf3 0xa4 0x48 0x89)\n"
                + "FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed10100 size: 0", dump: Dump.x86(["rip": 0x10_0510])),
        line(
            "a copy of strings within its own RAM",
            "FATAL: unsupported instruction (0xf3 0xab 0x48 0x89)\n"
                + "FATAL: Invalid MMIO/RAM write, addr: 0x00000000000b8000 size: 0", rip: 0x10_0510),
        line(
            "a copy of strings from another cell",
            "FATAL: unsupported instruction (0xf3 0xa4 0x48 0x89)\n"
                + "FATAL: Invalid MMIO/RAM read, addr: 0x000000003b000000 size: 0", rip: 0x10_0510),
        line(
            "another instruction than was decoded",
            "FATAL: inconsistent access, expected write instruction\n"
                + "FATAL: Invalid MMIO/RAM read, addr: 0x00000000fed10100 size: 0"),
        line("2 bytes of a register of 4", "FATAL: Invalid MMIO read, address: fed10110, size: 2"),
        line("8 bytes of a register of 4", "FATAL: Invalid MMIO read, address: fed10110, size: 8"),
        line("an unaligned register", "FATAL: Invalid MMIO read, address: fed10111, size: 4"),
        line("a register that is read-only", "FATAL: Invalid MMIO write, address: fed10110, size: 4"),
        line(
            "a register of a device's header that nobody may write",
            "FATAL: Invalid PCI config write, device 00:02.0, reg: 0x2c, size: 4"),
        line(
            "a device that the cell does not have",
            "FATAL: Invalid PCI config write, device 00:1f.1, reg: 0x40, size: 2"),
        line("a device of the other cell", "FATAL: Invalid PCI config write, device 00:03.0, reg: 0x4, size: 2"),
        line(
            "a capability that is not writable", "FATAL: Invalid PCI config write, device 00:02.0, reg: 0xd2, size: 2"),
        line("a register in no capability", "FATAL: Invalid PCI config write, device 00:02.0, reg: 0x40, size: 4"),
        line(
            "the data port, for a device that the cell does not have",
            "FATAL: Invalid PCI config write, port: cfc, size 4, address port: 8000f940"),
        line("a trapped address with PAE", "FATAL: Unsupported paging mode"),
        line("an NMI to all", "FATAL: Unsupported shorthand, ICR.lo=c4400", rip: 0x10_0410),
        DeathCase(
            .amd, "the configuration port with 2 bytes", "FATAL: Invalid PCI config write, port: 0xcf8, size: 2",
            dump: Dump.x86(["rax": 0x8000_f940, "rip": 0x10_0210])),
        line("8 bytes of MMCONFIG", "FATAL: Invalid PCI MMCONFIG write, device 00:02.0, reg: 0x50, size: 8"),
        line("a vector that the device does not have", "FATAL: Invalid PCI MSI-X table/PBA access, device 00:02.0"),
        line("ivshmem to another cell's CPU", "FATAL: ivshmem MSI-X target outside of cell \"sample\" device 00:0e.0"),
        line("a pin beyond the IOAPIC's", "FATAL: Invalid IOAPIC write, reg: 10, index: 42"),
        line("a pin with a foreign destination", "FATAL: Invalid IOAPIC write, reg: 10, index: 18"),
        line("the IOAPIC's identification", "FATAL: Invalid IOAPIC write, reg: 10, index: 0"),
        line("the end of an interrupt without a pin", "FATAL: Invalid IOAPIC write, reg: 40, index: 0"),
        line(
            "ExtINT as an interrupt to itself", "FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=4700",
            rip: 0x10_0410),
        line(
            "reserved bits of the APIC", apic("Trying to set reserved APIC bits (reg 32, value 00000100)", 0x320),
            rip: 0x10_0420),
        line(
            "LINT0 as ExtINT", apic("Setting invalid LVT delivery mode (reg 35, value 00000700)", 0x350), rip: 0x10_0430
        ),
        line("the xAPIC's window in x2APIC mode", apic("xAPIC access in x2APIC mode", 0xb0), rip: 0x10_0440),
        line("8 bytes of the APIC", apic("Unsupported APIC access width 8", 0x320), rip: 0x10_0450),
        line("logical destinations", apic("Unsupported change to LDR: 3000000", 0xd0), rip: 0x10_0460),
        line("the model of destinations", apic("Unsupported change to DFR: fffffff", 0xe0), rip: 0x10_0470),
        line(
            "AND on a register of the APIC", apic("unsupported instruction (0x81 0x20 0xff 0x00)", 0xf0), rip: 0x10_0470
        ),
        line(
            "ExtINT by the x2APIC's MSR",
            "FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=4700\nFATAL: Unhandled MSR write: 830",
            rip: 0x10_0410),
        line(
            "an unaligned register of the APIC", "FATAL: Unhandled APIC access, offset 52, is_write: 1", rip: 0x10_0480),
        line("an MTRR is written", "FATAL: Unhandled MSR write: 200"),
        DeathCase(
            .amd, "a Linux guest's MTRR", "FATAL: Unhandled MSR write: 200", dump: Dump.x86(["rip": 0x10_0220]),
            knows: linuxGuest),
        line("an unknown MSR is read", "FATAL: Unhandled MSR read: c0011029"),
        line("a reserved memory type", "FATAL: Invalid PAT value: 2070406"),
        line("a reset by the keyboard controller", "FATAL: Invalid write to i8042 controller port"),
        line(
            "the IOAPIC's window, which the file gives to the cell",
            "FATAL: Invalid MMIO/RAM read, addr: 0x00000000fec00010 size: 4"),
        line("CLTS", "FATAL: Unsupported CR access (LMSW or CLTS)"),
        line("MOV to CR3", "FATAL: Unable to parse MOV-to-CR instruction"),
        line("a triple fault", svm(0x7f), dump: ["rip": 0x10_0110, "rbx": 0x20_0000]),
        line(
            "a triple fault without a stack", svm(0x7f), dump: ["rip": 0x10_0110, "rsp": 0xffff_f000, "cr3": 0x60_0000]),
        line("VMRUN", svm(0x80)), line("VMSAVE", svm(0x83)), line("STGI", svm(0x84)), line("SKINIT", svm(0x86)),
        line("a state that the processor refuses", "FATAL: VM-Entry failure, error -1"),
        line("a state that the processor refuses, as an exit", svm(0xffff_ffff)),
        line("the test device", "testdev: invalid write, register 14, size 2"),
        line("in the middle of a line of the program", "degrees: 17FATAL: Invalid PIO write, port: 70 size: 1"),
        DeathCase(
            .amd, "the second of two CPUs that die at once", "FATAL: Invalid PIO write, port: 70 size: 1",
            dump: Dump.x86() + "\nParking CPU 2 (Cell: \"sample\")"),
        line("a reason that is cut off", "FATAL: Invalid PIO wri"),
        DeathCase(
            .amd, "a dump that is cut off", "FATAL: Invalid PIO write, port: 70 size: 1",
            dump: "RIP: 0x000000\nRAX: 0x0000000000000070 RBX: 0x0000000000000000 RCX: 0x0000000000000000"),
    ]

    static let intel: [DeathCase] = [
        exit("a triple fault", 2), exit("a triple fault after a page fault", 2, vectoring: "80000b0e"),
        exit("a task switch", 9), exit("INVD", 13), exit("VMXON", 27), exit("VMREAD", 23),
        exit("WBINVD", 54), exit("a guest state that is not valid", 33),
        DeathCase(
            .intel, "a misconfiguration of the EPT",
            "FATAL: Unhandled VM-Exit, reason 49\nqualification 0\nvectoring info: 0 interrupt info: 0\n"
                + "guest phys: 0x00000000fee01000 guest linear: 0x00000000fee01000", dump: Dump.x86()),
        DeathCase(
            .intel, "an entry that is refused", "FATAL: VM-Entry failure, reason 33\nqualification 0", dump: Dump.x86()),
        DeathCase(
            .intel, "an unaligned register of the APIC", "FATAL: Unhandled APIC access, qualification 1004",
            dump: Dump.x86()),
        DeathCase(
            .intel, "a jump into the APIC", "FATAL: Unhandled APIC access, qualification 2300", dump: Dump.x86()),
        DeathCase(
            .intel, "LINT0 as ExtINT",
            "FATAL: Setting invalid LVT delivery mode (reg 35, value 00000700)\n"
                + "FATAL: Unhandled APIC access, qualification 1350", dump: Dump.x86()),
        DeathCase(.intel, "CLTS", "FATAL: Unhandled CR access, qualification 20", dump: Dump.x86()),
        DeathCase(.intel, "CR8 is written", "FATAL: Unhandled CR access, qualification 308", dump: Dump.x86()),
        DeathCase(
            .intel, "XSETBV", "FATAL: Invalid xsetbv parameters: xcr[0] = 00000000:00000002",
            dump: Dump.x86(["rip": 0x10_0090])),
    ]

    private static func port(
        _ name: String, _ access: String, _ port: String, size: Int = 1, rip: UInt64 = 0x10_0210, isRTEMS: Bool = false,
        isLinux: Bool = false
    ) -> DeathCase {
        var known = Samples.surroundings(for: .amd)
        (known.isRTEMS, known.isLinux) = (isRTEMS, isLinux)
        return DeathCase(
            .amd, name, "FATAL: Invalid PIO \(access), port: \(port) size: \(size)",
            dump: Dump.x86(["rip": rip, "rdx": UInt64(port, radix: 16) ?? 0]), knows: known)
    }

    private static func memory(
        _ name: String, _ access: String, _ address: UInt64, _ registers: [String: UInt64] = [:], size: Int = 4,
        in known: Surroundings? = nil
    ) -> DeathCase {
        let digits = String(address, radix: 16)
        let text = String(repeating: "0", count: 16 - digits.count) + digits
        return DeathCase(
            .amd, name, "FATAL: Invalid MMIO/RAM \(access), addr: 0x\(text) size: \(size)",
            dump: Dump.x86(registers.merging(["rip": 0x10_0214]) { first, _ in first }), knows: known)
    }

    private static func line(
        _ name: String, _ reason: String, rip: UInt64 = 0x10_0220, dump registers: [String: UInt64] = [:]
    ) -> DeathCase {
        DeathCase(.amd, name, reason, dump: Dump.x86(registers.merging(["rip": rip]) { first, _ in first }))
    }

    private static var linuxGuest: Surroundings {
        var known = Samples.surroundings(for: .amd)
        known.isLinux = true
        return known
    }

    /// The reason, and the line that follows each of the APIC's window.
    private static func apic(_ reason: String, _ offset: Int) -> String {
        "FATAL: \(reason)\nFATAL: Unhandled APIC access, offset \(offset), is_write: 1"
    }

    private static func svm(_ code: Int) -> String {
        "FATAL: Unexpected #VMEXIT, exitcode \(String(code, radix: 16)), exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000"
    }

    private static func exit(_ name: String, _ reason: Int, vectoring: String = "0") -> DeathCase {
        DeathCase(
            .intel, name,
            "FATAL: Unhandled VM-Exit, reason \(reason)\nqualification 0\nvectoring info: \(vectoring) interrupt info: 0",
            dump: Dump.x86(["rip": 0x10_0120]))
    }
}

extension Samples {
    /// RAM from 2 MiB on, and the communication region where RTEMS's port looks for it.
    static let cellWithoutLowRAM: CellDescriptor = {
        var cell = x86
        cell.memoryRegions[0].virtualStart = 0x20_0000
        return cell
    }()
}
