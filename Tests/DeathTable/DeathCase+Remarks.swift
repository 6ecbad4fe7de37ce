// SPDX-License-Identifier: Apache-2.0

extension DeathCase {
    /// Lines that park nobody: of the hypervisor, and of the driver in the kernel's log.
    static let remarks: [DeathCase] = [
        remark("a page that is mapped elsewhere", "VA->PA check failed, expected 80000000, got 90000000"),
        remark("a refused create, in a build that traces errors", "hypervisor/ivshmem.c:412: returning error -EBUSY"),
        remark("a GIC without a redistributor", "GIC: No redist found for CPU5"),
        remark(
            "an IOMMU's own error",
            "AMD IOMMU 0 reported event\n EventCode: 5, Operand 1: 50000000, Operand 2: 3e801000"),
        remark(
            "an IOMMU that reads no commands",
            "AMD IOMMU 0 reported event\n EventCode: 6, Operand 1: 60000000, Operand 2: 0"),
        remark("an SMMU that hangs", "TLB sync timed out -- SMMU may be deadlocked"),
        remark("the PVU", "ERROR: PVU: No free TLB entries"),
        remark("the PVU at a destroy", "WARNING: PVU cannot unmap memory at runtime for cell sample"),
        remark("memory that Linux lost", "WARNING: Failed to re-assign memory region to root cell"),
        remark("a device that Linux lost", "WARNING: Failed to re-assign PCI device to root cell"),
        remark("VT-d's queue at the end", "WARNING: Failed to restore invalidation queue head"),
        remark("too many emulated regions", "WARNING: Overflow during MMIO region registration!"),
        remark(
            "an interrupt to another cell's CPU",
            "WARNING: CPU 3 specified IPI destination outside cell boundaries, ICR.hi=1000000"),
        remark("an NMI", "Ignoring NMI IPI to CPU 2"), remark("a self-IPI", "Unhandled x2APIC self IPI write"),
        remark("a hypercall that is none", "CPU 3: Unknown hypercall 99, RIP: 0x0000000000100200"),
        remark("an unknown SGI", "WARN: unknown SGI received 5"),
        remark("the SMMU's stream table", "WARN: SMMU 2-level strtab only covers 25/32 bits of SID"),
        remark("no virtualisation", "[   12.345678] jailhouse: Missing or unsupported HVM technology"),
        remark("a cell given to enable", "jailhouse: Not a system configuration"),
        remark("a system given to create", "jailhouse: Not a cell configuration"),
        remark("another release", "jailhouse: Configuration revision mismatch"),
        remark("another architecture", "jailhouse: Configuration architecture mismatch"),
        remark("no HYP mode", "jailhouse: HYP mode not available"),
        remark("VT-x is off", "jailhouse: VT-x disabled by Firmware/BIOS"),
        remark("no firmware file", "jailhouse: Missing hypervisor image jailhouse-intel.bin"),
        remark("no reserved memory", "jailhouse: request_mem_region failed for hypervisor memory."),
        remark("no memory there", "jailhouse: Unable to map RAM reserved for hypervisor at 3a000000"),
        remark("no clock register there", "jailhouse: Unable to map clock register at 02c00000"),
        remark("no console there", "jailhouse: Unable to map hypervisor debug console at 09000000"),
        remark("no window for an image", "jailhouse: Unable to map cell RAM at 3a600000 for image loading"),
        remark("CPU 0 for a cell", "Cannot assign CPU 0 to other cells"),
        remark("a CPU that stays away", "Jailhouse: failed to bring CPU 3 back online"),
        remark("a cell that stays", "Jailhouse: failed to destroy cell \"sample\""),
        remark("a hypervisor that stays", "jailhouse: ordered shutdown failed!"),
        remark("no overlays", "jailhouse: CONFIG_OF_OVERLAY disabled"),
        remark("no virtual host controller", "jailhouse: failed to add virtual host controller"),
    ]

    private static func remark(_ name: String, _ line: String) -> DeathCase {
        DeathCase(.remark, name, line, verdict: "")
    }
}
