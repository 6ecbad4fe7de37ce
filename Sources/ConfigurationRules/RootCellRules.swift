// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about what Linux itself has.
enum RootCellRules {
    static let all: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH0705", severity: .warning,
            title: "Linux's ivshmem devices are not in memory that is mapped to Linux",
            consequence:
                "Linux puts the device's registers into such a window, and the hypervisor never sees an access there: "
                + "its driver reads nonsense (\"IVPosition -1\")",
            remedy: "list the BARs of the devices that there are as regions of their own, not the whole window",
            isSaidOnce: true
        ) { system in
            guard let link = IvshmemRules.devices(of: system.rootCell).first?.device else { return [] }
            return MemoryRules.regions(of: system.rootCell).filter { isWindow($0.region, of: system) }.map {
                .init(
                    location: $0.location,
                    message:
                        "the region \($0.region.quotedName) (physical \($0.region.physicalText)) is larger than any "
                        + "BAR, so Linux may place the registers of the link \(link.address) there")
            }
        },
        Rule(
            id: "JH0706", severity: .error, title: "Linux has memory",
            consequence: "the first instruction of Linux after enabling faults, and the machine stops",
            remedy: "list the machine's memory in [[memory]], without the hypervisor's"
        ) { system in
            guard !system.rootCell.memoryRegions.contains(where: { $0.size > 0 && $0.flags.contains(.execute) }) else {
                return []
            }
            return [.init(location: "memory", message: "the root cell has no memory that it may execute")]
        },
        Rule(
            id: "JH0707", severity: .warning, title: "Linux has all CPUs of the machine",
            consequence:
                "enabling fails with EINVAL or, when a CPU above the highest one listed is online, hangs the machine",
            remedy: "list all CPUs in [root-cell], from 0 to the highest"
        ) { system in
            let cpus = system.rootCell.cpus.members
            guard let highest = cpus.last, cpus.count <= highest else { return [] }
            let missing = (0...highest).filter { !system.rootCell.cpus.contains($0) }
            // others may be offline, or of a kind that the hypervisor cannot use; Linux was started on CPU 0
            return [
                .init(
                    location: "root-cell.cpus",
                    message: "\(missing.count == 1 ? "CPU" : "CPUs") \(NumberList.text(of: missing)) "
                        + "\(missing.count == 1 ? "is" : "are") missing from the root cell's "
                        + "(\(NumberList.text(of: cpus)))"
                        + (missing.contains(0) ? "; CPU 0, on which Linux was started, is always online" : ""),
                    severity: missing.contains(0) ? .error : nil)
            ]
        },
        Rule(
            id: "JH1204", severity: .warning,
            title: "Linux's ivshmem devices are behind the IOMMU that serves everything else",
            consequence: "the interrupts of the device are not remapped, and do not arrive",
            remedy: "set \"iommu\" to the unit that covers all remaining devices: Intel's DMAR table lists it last",
            isSaidOnce: true
        ) { system in
            let units = system.platform.iommuUnits.prefix(system.platform.usedIOMMUUnits)
            guard units.count > 1, units.allSatisfy({ $0.kind == .intel }) else { return [] }
            return IvshmemRules.devices(of: system.rootCell).filter { Int($0.device.iommu) != units.count - 1 }.map {
                .init(
                    location: $0.location,
                    message: "the device \($0.device.address) is behind IOMMU \($0.device.iommu), but the last of the "
                        + "\(units.count) units is number \(units.count - 1)")
            }
        },
    ]

    /// Whether Linux may place registers of its links in a region, by the region's kind and size.
    static func isWindow(_ region: MemoryRegion, of system: SystemDescriptor) -> Bool {
        // a virtual host controller has a window of its own
        let hasHost = system.architecture == .x86 || system.rootCell.pciDevices.contains { $0.kind != .sharedMemory }
        guard system.platform.virtualPCI == 0, hasHost, !IvshmemRules.devices(of: system.rootCell).isEmpty else {
            return false
        }
        let largest = system.rootCell.pciDevices.map(\.largestBAR).max() ?? 0
        // RAM may be executed and is for DMA; firmware is not written to
        return region.flags.contains(.write) && region.flags.isDisjoint(with: [.execute, .dma, .rootShared])
            && region.size > max(largest, smallestWindow)
    }

    /// No window of a host bridge is smaller, and no small register range of a chipset is larger.
    private static let smallestWindow: UInt64 = 16 << 20
}

extension PCIDevice {
    /// The size of its largest base address register; 64-bit ones above 4 GiB count as 4 GiB.
    fileprivate var largestBAR: UInt64 {
        barMasks.filter { $0 != 0 && $0 != .max }.map { UInt64(~$0) + 1 }.max() ?? 0
    }
}
