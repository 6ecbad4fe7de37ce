// SPDX-License-Identifier: Apache-2.0

// Why enabling is refused, by the places where upstream's driver and hypervisor do so: `driver/main.c`, `hypervisor/setup.c`
// and the `init` functions of its units.

extension CommandError {
    static let enableErrors = [
        CommandError(
            "enable", "EBUSY",
            Cause(
                "The hypervisor is enabled already.", "Disable it first, or use it as it is.", at: .excludedByDaemon),
            Cause(
                "KVM, or another hypervisor, has VMX or SVM in use.",
                "Unload kvm_intel or kvm_amd, or end the virtual machines.", at: .cpu),
            Cause(
                "Linux has VT-d's DMA translation on.", "Boot Linux with intel_iommu=off.", at: .unit("VT-d"),
                key: "iommu[0]"),
            Cause("Linux uses the SMMU.", "Boot Linux without its driver.", at: .unit("ARM SMMU"), key: "iommu[0]"),
            Cause(
                "Two CPUs have one APIC id.", "It is a fault of the firmware: look at the table MADT.", at: .cpu)),
        CommandError(
            "enable", "EINVAL",
            Cause(
                "A CPU of the system configuration is offline, or another one is online.",
                "Bring all CPUs of the configuration online, and no others.", "JH1306", at: .early,
                key: "root-cell.cpus"),
            Cause(
                "Signature, revision or architecture of the configuration are not the driver's.",
                "Compile it for this release.", "JH0510", at: .driver),
            Cause(
                "The hypervisor's memory is used by Linux, or cannot be mapped.",
                "Reserve it with memmap=SIZE$ADDRESS on the kernel's command line (on Arm: a node below reserved-memory).",
                "JH1303", at: .driver,
                key: "hypervisor-memory"),
            Cause(
                "The firmware or the configuration does not fit the hypervisor's memory.",
                "Make [hypervisor-memory] larger.", "JH0701", at: .driver, key: "hypervisor-memory"),
            Cause(
                "The debug console or the clock cannot be mapped.", "Correct its address.", at: .driver,
                key: "debug-console"),
            Cause(
                "VT-d: vtd-interrupt-limit is above 32768, no unit is listed, or a unit is of another type.",
                "Compare [[iommu]] with the table DMAR ('jailhouse-ctl probe' reads it).", at: .unit("VT-d"),
                key: "iommu[0]"),
            Cause(
                "AMD-Vi: the type or size of a unit is wrong.",
                "Compare [[iommu]] with the table IVRS ('jailhouse-ctl probe' reads it).", at: .unit("AMD IOMMU"),
                key: "iommu[0]"),
            Cause(
                "An IOAPIC has a pin-base other than 0.", "Set it to 0.", "JH1116", at: .unit("IOAPIC"),
                key: "interrupt-chip[0]"),
            Cause(
                "A cache region is not possible.", "Correct [[cache]]: a range within the cache's ways.",
                at: .unit("Cache Allocation Technology"), key: "cache[0]"),
            Cause(
                "The GIC's version is not known, an irqchip's pin-base is not possible, or a GICv2 has a CPU above 7.",
                "Compare gic-version and [[interrupt-chip]] with the device tree.", at: .unit("irqchip"),
                key: "platform"),
            Cause(
                "An ivshmem device is not possible: its regions, vectors or peer-id.",
                "'jailhouse-ctl check' names the line.", "JH1003", at: .unit("PCI"))),
        CommandError(
            "enable", "EIO",
            Cause(
                "The processor lacks a feature, or reserved bits of CR0 or CR4 are set.",
                "'jailhouse-ctl probe' says which features are missing.", at: .cpu),
            Cause(
                "The APIC's mode differs from apic-mode, or an xAPIC is not in flat mode.",
                "Compare apic-mode with the kernel's log (x2apic enabled).", at: .cpu, key: "platform.apic-mode"),
            Cause(
                "VT-d lacks queued invalidation or interrupt remapping, or has another number of page table levels.",
                "Such a machine is not supported.", at: .unit("VT-d"), key: "iommu[0]"),
            Cause(
                "AMD-Vi lacks a capability, or the firmware's SMI filter is locked.",
                "Compare [[iommu]] with the table IVRS.", at: .unit("AMD IOMMU"), key: "iommu[0]"),
            Cause(
                "An IOAPIC has other pins than the configuration says.",
                "Compare [[interrupt-chip]] with the table MADT.", at: .unit("IOAPIC"), key: "interrupt-chip[0]"),
            Cause(
                "The GICv3 is used without affinity routing, or a CPU's lowest affinity level is above 15.",
                "Such a machine is not supported.", at: .unit("irqchip"), key: "platform"),
            Cause(
                "The SMMU is of another version, or has other sizes.", "Compare [[iommu]].", at: .unit("ARM SMMU"),
                key: "iommu[0]")),
        CommandError(
            "enable", "ENODEV",
            Cause(
                "The processor has neither VMX nor SVM, or the firmware switched it off.",
                "Switch virtualisation on in the firmware.", at: .driver),
            Cause("On Arm, Linux was not booted in HYP mode.", "Boot it at EL2.", at: .driver),
            Cause(
                "A GIC or a redistributor is missing.", "Check the GIC's addresses.", "JH1106", at: .unit("irqchip"),
                key: "platform"),
            Cause("There is no SMMU at the address.", "Correct [[iommu]].", at: .unit("ARM SMMU"), key: "iommu[0]")),
        CommandError(
            "enable", "ENOENT",
            Cause(
                "The firmware file (jailhouse-intel.bin, jailhouse-amd.bin, jailhouse.bin) is not in /lib/firmware.",
                "Install it.", at: .driver)),
        CommandError(
            "enable", "ENOMEM",
            Cause(
                "The hypervisor's page pool is too small.", "Make [hypervisor-memory] larger.", "JH0512",
                key: "hypervisor-memory"),
            Cause("Linux has no memory for the driver.", "Free some.", at: .driver)),
        CommandError(
            "enable", "EPERM",
            Cause("SVM is switched off in the firmware, or locked.", "Switch it on in the firmware.", at: .cpu),
            Cause(
                "An AMD IOMMU is locked at another address than the configuration has.",
                "Correct its base: 'jailhouse-ctl probe' reads it.", at: .unit("AMD IOMMU"), key: "iommu[0]")),
        CommandError(
            "enable", "ERANGE",
            Cause("An APIC id is above 254.", "Such a machine is not supported.", at: .cpu),
            Cause("There are too many IOAPICs.", "Such a machine is not supported.", at: .unit("IOAPIC"))),
        CommandError(
            "enable", "E2BIG",
            Cause(
                "VT-d's table of interrupts is smaller than what the IOAPICs and devices need.",
                "Raise vtd-interrupt-limit.", "JH1208", key: "platform.vtd-interrupt-limit"),
            Cause(
                "Arm32: the code does not fit the page that is mapped to itself.", "Move the hypervisor's memory.",
                key: "hypervisor-memory")),
        CommandError(
            "enable", "EEXIST",
            Cause(
                "A file of the driver exists in sysfs already.", "Unload and load the driver's module again.",
                at: .driver)),
    ]
}
