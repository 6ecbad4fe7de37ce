// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about what a system says of a PC's platform: timer, configuration space, VT-d, and what Linux keeps of it.
enum PCPlatformRules {
    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH0708", severity: .warning, title: "a PC's system says where the PM timer is",
            consequence:
                "the hypervisor gives every cell the 4 ports from there: programs that keep time by the PM timer read "
                + "the registers of the DMA controller at port 0, and may write them",
            remedy:
                "set pm-timer-port in [platform]: \"ACPI PM_TMR\" in /proc/ioports; where a machine has none, use programs that "
                + "take their time elsewhere"
        ) { system in
            guard case .x86(let part) = system.platform.specific, part.pmTimerPort == 0 else { return [] }
            return [.init(location: "platform", message: "the platform has no pm-timer-port")]
        },
        Rule(
            id: "JH0709", severity: .warning, title: "devices of Linux reach Linux's memory",
            consequence:
                "behind an IOMMU a device reaches what is \"dma\" for its owner: disk and network of Linux fail as soon "
                + "as the hypervisor is enabled",
            remedy: "add \"dma\" to the access of the root cell's RAM"
        ) { system in
            let root = system.rootCell
            let memory = MemoryRules.regions(of: root).filter { $0.region.flags.contains(.execute) }
            guard system.architecture == .x86, system.platform.usedIOMMUUnits > 0, let first = memory.first,
                root.pciDevices.contains(where: { $0.kind == .device }),
                !root.memoryRegions.contains(where: { $0.size > 0 && $0.flags.contains(.dma) })
            else { return [] }
            return [
                .init(
                    location: first.location,
                    message: "none of the root cell's regions is \"dma\", and its PCI devices are behind an IOMMU")
            ]
        },
        Rule(
            id: "JH1206", severity: .error, title: "VT-d's table of interrupts has at most 32768 entries",
            consequence: "the hypervisor refuses it with EINVAL: enabling fails",
            remedy: "set vtd-interrupt-limit in [platform] to what all devices need together; 256 is usual"
        ) { system in
            guard case .x86(let part) = system.platform.specific, part.vtdInterruptLimit > 32768 else { return [] }
            return [
                .init(
                    location: "platform.vtd-interrupt-limit",
                    message: "vtd-interrupt-limit is \(part.vtdInterruptLimit)")
            ]
        },
        Rule(
            id: "JH1208", severity: .error, title: "VT-d's table has room for all interrupts of the system",
            consequence: "the hypervisor refuses the device for which nothing is left with E2BIG: enabling fails",
            remedy:
                "raise vtd-interrupt-limit in [platform]; cells' ivshmem devices need entries, too, and 256 is usual"
        ) { system in
            guard case .x86(let part) = system.platform.specific,
                system.platform.iommuUnits.prefix(system.platform.usedIOMMUUnits).contains(where: { $0.kind == .intel })
            else { return [] }
            let (pins, vectors) = (system.rootCell.remappedPins, system.rootCell.remappedVectors)
            guard pins + vectors > part.vtdInterruptLimit else { return [] }
            return [
                .init(
                    location: part.vtdInterruptLimit == 0 ? "platform" : "platform.vtd-interrupt-limit",
                    message: "the root cell's IOAPICs have \(pins) pins and its devices \(vectors) vectors, together "
                        + "\(pins + vectors), but "
                        + (part.vtdInterruptLimit == 0
                            ? "there is no vtd-interrupt-limit" : "vtd-interrupt-limit is \(part.vtdInterruptLimit)"))
            ]
        },
        Rule(
            id: "JH1209", severity: .note, title: "a system with VT-d's limit lists VT-d's units",
            consequence:
                "on Intel's processors the hypervisor refuses a system without any unit with EINVAL; on AMD's the limit "
                + "means nothing",
            remedy: "add the units of the ACPI table DMAR ('jailhouse-ctl probe' reads it), or remove the limit"
        ) { system in
            guard case .x86(let part) = system.platform.specific, part.vtdInterruptLimit > 0,
                system.platform.usedIOMMUUnits == 0
            else { return [] }
            return [
                .init(
                    location: "platform.vtd-interrupt-limit",
                    message: "vtd-interrupt-limit is \(part.vtdInterruptLimit), but there is no [[iommu]]")
            ]
        },
        Rule(
            id: "JH1023", severity: .warning, title: "registers of PCI devices are within the configuration space",
            consequence:
                "the hypervisor reaches only the first 256 bytes of such a device: its extended capabilities cannot be "
                + "used, by Linux either",
            remedy: "correct mmconfig-base and mmconfig-end-bus in [platform] (\"PCI MMCONFIG\" in /proc/iomem)",
            isSaidOnce: true
        ) { system in
            let (platform, root) = (system.platform, system.rootCell)
            guard system.architecture == .x86 else { return [] }
            return PCIRules.devices(of: root).compactMap { location, device in
                guard device.kind != .sharedMemory,
                    PCIRules.capabilities(of: device, in: root).contains(where: {
                        $0.id & PCICapability.extendedBit != 0
                    })
                else { return nil }
                if platform.mmconfigBase == 0 {
                    return .init(
                        location: location,
                        message: "the device \(device.address) has extended capabilities, and there is no mmconfig-base"
                    )
                }
                guard device.address.bus > Int(platform.mmconfigEndBus) else { return nil }
                return .init(
                    location: location,
                    message: "the device \(device.address) has extended capabilities, and its bus is beyond "
                        + "mmconfig-end-bus (\(hexadecimal(platform.mmconfigEndBus)))")
            }
        },
    ]
}
