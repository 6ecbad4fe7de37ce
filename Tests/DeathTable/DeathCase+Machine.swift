// SPDX-License-Identifier: Apache-2.0

import FailureReports

extension DeathCase {
    static let root: [DeathCase] = [
        linux("the 8259A's mask, which a cell has taken", "FATAL: Invalid PIO write, port: 21 size: 1"),
        linux("a port of a cell", "FATAL: Invalid PIO write, port: e010 size: 4"),
        linux("a port that nobody has", "FATAL: Invalid PIO read, port: 4d0 size: 1"),
        linux("memory of a cell", "FATAL: Invalid MMIO/RAM read, addr: 0x000000003a000000 size: 8"),
        linux("memory that nobody has", "FATAL: Invalid MMIO/RAM write, addr: 0x0000000040000000 size: 4"),
        linux("a PCI device of a cell", "FATAL: Invalid PCI MMCONFIG write, device 00:03.0, reg: 0x4, size: 2"),
        linux("a PCI device that nobody has", "FATAL: Invalid PCI config write, device 00:1f.2, reg: 0x4, size: 2"),
        linux("VT-d's registers", "FATAL: Unhandled DMAR unit write access, register 18"),
        linux("VT-d's queue", "FATAL: Invalid/unsupported invalidation queue entry"),
        linux("an MSR", "FATAL: Unhandled MSR write: 200"),
        linux("the hypervisor's memory", "FATAL: Invalid MMIO/RAM read, addr: 0x000000003e900000 size: 4"),
        linux("the IOMMU", "FATAL: Invalid MMIO/RAM write, addr: 0x00000000fed90018 size: 4"),
        linux("a reset by the keyboard controller", "FATAL: Invalid write to i8042 controller port"),
        linux("VMXON", "FATAL: Unhandled VM-Exit, reason 27\nqualification 0"),
        linux(
            "strings to memory of a cell",
            "FATAL: unsupported instruction (0xf3 0xa4 0x48 0x89)\n"
                + "FATAL: Invalid MMIO/RAM write, addr: 0x000000003a000000 size: 0"),
        DeathCase(
            .root, "on Arm: memory of a cell",
            "Unhandled data read at 0x70000000(8)\n\nFATAL: unhandled trap (exception class 0x24)",
            dump: Dump.arm64(["pc": 0xffff_ffc0_0810_0000], esr: "24 1 1c10006"),
            knows: Surroundings(system: Samples.armSystem, others: [Samples.arm])),
        DeathCase(.root, "a CPU whose text is lost", "Started cell \"sample\"", cpu: 1),
    ]

    static let hypervisor: [DeathCase] = [
        own("a page fault", "FATAL: Jailhouse triggered exception #14\nError code: 2\nPhysical CPU ID: 1"),
        own("an abort at EL2", "\nFATAL: Unhandled HYP exception: synchronous abort from EL2"),
        DeathCase(
            .hypervisor, "an abort on 32-bit Arm",
            "Unhandled HYP data abort exit at 0xf0001234\nr0: 0x00000000 r1: 0x00000001\n"
                + "Physical address: 0x09010004 HSR: 0x94000006",
            verdict: "Stopping CPU 3 (Cell: \"sample\")", knows: Surroundings(cell: Samples.arm)),
        own("an HVC on 32-bit Arm", "Unhandled HYP hvc exit at 0xf0001234"),
        own("an undefined instruction on 32-bit Arm", "Unhandled HYP undef exit at 0xf0001234"),
        DeathCase(
            .hypervisor, "a page fault at an address",
            "FATAL: Jailhouse triggered exception #14\nError code: 2\nPhysical CPU ID: 1\n"
                + "RIP: 0xfffffffff0012345 RSP: 0xfffffffff0070000 FLAGS: 10002\nCR2: 0x00000000fed00000",
            verdict: "Stopping CPU 1 (Cell: \"sample\")"),
        own("VMWRITE", "FATAL: vmwrite 00006806 failed, error 12, caller 0xfffffffff0012345"),
        own("INVEPT", "FATAL: invept failed, error 28"), own("VMRESUME", "FATAL: vmresume failed, error 5"),
        own("a CPU that cannot be reset", "FATAL: CPU reset failed, error 12"),
        own("interrupts of a device of Linux", "FATAL: Unsupported MSI/MSI-X state, device 00:1f.2, cap 5"),
        own("a pin of Linux", "FATAL: Unsupported IOAPIC state, pin 9"),
        own("AMD's IOMMU", "FATAL: IOMMU 0 command error"),
        DeathCase(
            .hypervisor, "a cell that does not answer", "Timeout expired while waiting for reply from target cell",
            verdict: ""),
    ]

    static let iommu: [DeathCase] = [
        fault("VT-d: a write to memory of nobody", vtd(device: "00:02.0", reason: 5, page: 0x2_0000, type: 0)),
        fault("VT-d: a read of memory without dma", vtd(device: "00:02.0", reason: 6, page: 0x400, type: 1)),
        fault("VT-d: a device of Linux", vtd(device: "00:1f.2", reason: 2, page: 0x3a000, type: 1)),
        fault("VT-d: a device of another cell", vtd(device: "00:03.0", reason: 5, page: 0x10, type: 0)),
        fault("AMD-Vi: a page fault", amd(device: "00:02.0", code: 2, address: 0x3b00_2040)),
        fault("AMD-Vi: a device without an entry", amd(device: "02:00.1", code: 1, address: 0)),
        fault("AMD-Vi: reports that were lost", "IOMMU 0: Event Log overflow occurred, some events were lost!"),
    ]

    static let enable: [DeathCase] = [
        refused(
            "AMD's IOMMU is locked", "Initializing unit: AMD IOMMU\nFATAL: IOMMU 0 config is locked in invalid state."),
        refused(
            "AMD's message filter is locked",
            "Initializing unit: AMD IOMMU\nERROR: SMI Filter register 2 is locked and can't be reprogrammed."),
        refused("nothing after VT-d", "Initializing unit: VT-d\nDMAR unit @0xfed90000/0x1000"),
        refused("nothing after AMD's IOMMU", "Initializing unit: AMD IOMMU\nAMD IOMMU @0xfeb80000/0x80000"),
        refused("nothing after the IOAPIC", "Initializing unit: IOAPIC"),
        refused("nothing after PCI", "Initializing unit: PCI"),
        refused("nothing after the cache", "Initializing unit: Cache Allocation Technology"),
        refused("nothing after the GIC", "Initializing unit: irqchip"),
        refused("nothing after the SMMU", "Initializing unit: ARM SMMU v3"),
        refused(
            "a CPU that failed", "Initializing processors:\n CPU 1... (APIC ID 1) OK\n CPU 2... (APIC ID 2) FAILED"),
        refused("nothing after a CPU", "Initializing processors:\n CPU 0... OK"),
        refused("nothing at all", "Code location: 0xfffffffff0000050"),
        refused("with the trace of errors", "Initializing unit: PCI\nhypervisor/pci.c:810: returning error -EINVAL"),
        refused("Arm32's entry", "FATAL: Unable to IDmap more than one page at a time."),
    ]

    private static func linux(_ name: String, _ reason: String) -> DeathCase {
        DeathCase(.root, name, reason, dump: Dump.x86(["rip": 0xffff_ffff_8100_0000]), cpu: 1)
    }

    private static func own(_ name: String, _ reason: String) -> DeathCase {
        DeathCase(.hypervisor, name, reason, verdict: "Stopping CPU 1 (Cell: \"sample\")")
    }

    private static func fault(_ name: String, _ text: String) -> DeathCase {
        DeathCase(.iommu, name, text, verdict: "")
    }

    private static func vtd(device: String, reason: Int, page: Int, type: Int) -> String {
        "VT-d fault event reported by IOMMU 0:\n Source Identifier (bus:dev.func): \(device)\n"
            + " Fault Reason: 0x\(String(reason, radix: 16)) Fault Info: \(String(page, radix: 16)) Type \(type)"
    }

    private static func amd(device: String, code: Int, address: UInt64) -> String {
        "AMD IOMMU 0 reported event\n EventCode: \(code), Operand 1: \(code)020000000000010, Operand 2: \(String(address, radix: 16))\n"
            + " DeviceId (bus:dev.func): \(device)"
    }

    private static func refused(_ name: String, _ text: String) -> DeathCase {
        DeathCase(.enable, name, "\nInitializing Jailhouse hypervisor v0.12 on CPU 2\n" + text, verdict: "")
    }
}
