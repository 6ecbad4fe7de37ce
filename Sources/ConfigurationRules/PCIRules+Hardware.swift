// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// The devices of a cell, or of the root cell, on the machine that the system describes.

extension PCIRules {
    static let hardware: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1011", severity: .error, title: "a PCI device is behind an IOMMU that there is",
            consequence:
                "beyond the eight that are possible it is refused with ERANGE; else the device stays without its "
                + "memory or its interrupts",
            remedy: "set \"iommu\" to the unit's place in the system's [[iommu]] list, counted from 0",
            isSaidOnce: true
        ) { placement in
            let count = placement.system.platform.usedIOMMUUnits
            guard placement.system.architecture == .x86, count > 0 else { return [] }
            let known = count == 1 ? "number 0 only" : "the numbers 0 to \(count - 1)"
            return devices(of: placement.cell).filter { $0.device.kind != .sharedMemory && $0.device.iommu >= count }
                .map {
                    .init(
                        location: $0.location,
                        message:
                            "the device \($0.device.address) is behind IOMMU \($0.device.iommu), but the system has "
                            + known
                    )
                }
                // above the 16 bits of the id that the IOMMU sees
                + InterruptRules.chips(of: placement.cell).filter { $0.chip.id >> 16 >= count }.map {
                    .init(
                        location: "\($0.location).id",
                        message:
                            "the IOAPIC at \(hexadecimal($0.chip.address)) is behind IOMMU \($0.chip.id >> 16), by "
                            + "its id \(hexadecimal($0.chip.id)), but the system has \(known)",
                        severity: .warning)
                }
        },
        Rule(
            id: "JH1024", severity: .warning, title: "an Arm cell with PCI devices has their configuration space",
            consequence: "nobody finds the devices: a link is never there",
            remedy:
                "set mmconfig-base in [platform] to a place of 1 MiB where nothing is (with virtual-pci = 1), or to that "
                + "of the machine's host controller",
            isSaidOnce: true
        ) { placement in
            let (system, platform) = (placement.system, placement.system.platform)
            let found = devices(of: placement.cell)
            // a cell's file is not to blame for what was said of the system
            guard system.architecture != .x86, let first = found.first,
                system.rootCell.pciDevices.isEmpty || placement.cell == system.rootCell
            else { return [] }
            if platform.mmconfigBase == 0 {
                return found.map {
                    .init(
                        location: $0.location,
                        message:
                            "the device \($0.device.address) needs a host controller, and the system has no mmconfig-base"
                    )
                }
            }
            // beside devices that there are, links are behind the machine's own host controller
            guard platform.virtualPCI == 0, found.allSatisfy({ $0.device.kind == .sharedMemory }) else { return [] }
            return [
                .init(
                    location: first.location,
                    message:
                        "there are ivshmem devices only, and virtual-pci is not 1 in the system's [platform]: is the "
                        + "machine's own host controller meant?",
                    severity: .note)
            ]
        },
    ]
}
