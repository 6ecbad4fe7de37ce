// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// A device that the hypervisor shows to its cells, and whose registers it must therefore keep for itself.
package struct EmulatedDevice {
    package var name: String
    var range: AddressRange

    package func contains(_ address: UInt64) -> Bool { range.contains(address) }
    /// Such as `0xfec00000–0xfec00fff`.
    package var text: String { range.text }

    /// The devices of a machine.
    ///
    /// - Parameter cell: the one that is looked at: what it has decides whether it needs PCI and which IOAPICs.
    package static func all(of system: SystemDescriptor, for cell: CellDescriptor) -> [EmulatedDevice] {
        var devices: [EmulatedDevice] = []
        func add(_ name: String, _ start: UInt64, _ size: UInt64) {
            guard start != 0, let range = AddressRange(start: start, size: size) else { return }
            devices.append(EmulatedDevice(name: name, range: range))
        }
        let platform = system.platform
        // the configuration space of a virtual host controller is memory that no other cell has
        if platform.virtualPCI == 0 || !cell.pciDevices.isEmpty {
            add("PCI MMCONFIG", platform.mmconfigBase, (UInt64(platform.mmconfigEndBus) + 1) << 20)
        }
        for (index, unit) in platform.iommuUnits.enumerated() where unit.kind != .none {
            add("IOMMU \(index)", unit.base, max(UInt64(unit.size), 1))
        }
        switch platform.specific {
        case .x86:
            add("local APIC", 0xfee0_0000, MemoryRules.pageSize)
            // a chip with more than 128 pins has several records
            for address in Set(system.rootCell.interruptChips.map(\.address)).sorted() {
                add("IOAPIC", address, MemoryRules.pageSize)
            }
        case .arm(let arm):
            let frame: UInt64 = arm.gicVersion == 3 ? 0x1_0000 : 0x1000
            add("GIC distributor", arm.gicdBase, frame)
            add("GIC CPU interface", arm.giccBase, 0x2000)
            add("GIC hypervisor interface", arm.gichBase, 0x2000)
            add("GIC virtual CPU interface", arm.gicvBase, 0x2000)
            add("GIC redistributors", arm.gicrBase, system.redistributorsSize)
        }
        return devices
    }

    /// Those of a cell's regions that lie over such a device, by the addresses that `range` gives.
    static func overlaps(
        of cell: CellDescriptor, in system: SystemDescriptor, by range: (MemoryRegion) -> AddressRange?
    ) -> [(location: String, region: MemoryRegion, device: EmulatedDevice)] {
        let devices = all(of: system, for: cell)
        return MemoryRules.regions(of: cell).flatMap { location, region in
            devices.filter { device in range(region).map(device.range.overlaps) ?? false }
                .map { (location, region, $0) }
        }
    }
}

/// Rules about regions over devices of the hypervisor.
enum EmulatedDeviceRules {
    static let ofRootCell: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH0704", severity: .warning,
            title: "Linux reaches the devices that are shared only through the hypervisor",
            consequence:
                "the hypervisor does not see what Linux does there: it can take interrupts and devices from cells",
            remedy: "let the root cell's regions leave out these addresses"
        ) { system in
            EmulatedDevice.overlaps(of: system.rootCell, in: system, by: \.physicalRange).map {
                .init(
                    location: $0.location,
                    message:
                        "the root cell's region \($0.region.quotedName) (\($0.region.physicalText)) lies over the "
                        + "\($0.device.name) (\($0.device.range.text))"
                )
            }
        }
    ]

    static let ofCells: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH0507", severity: .error, title: "a cell has no direct access to devices that are shared",
            consequence:
                "the hypervisor does not check it: the cell changes the interrupts, or the devices, of Linux and of "
                + "all cells",
            remedy: "remove it: the hypervisor shows the cell its own part of the device without a memory region"
        ) { placement in
            EmulatedDevice.overlaps(of: placement.cell, in: placement.system, by: \.physicalRange).map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) (physical \($0.region.physicalText)) lies over the "
                        + "\($0.device.name) (\($0.device.range.text))"
                )
            }
        },
        Rule(
            id: "JH0508", severity: .warning, title: "a cell sees the hypervisor's devices where they are",
            consequence: "the program in the cell finds other memory where it looks for the device",
            remedy: "give the region another \"virtual\" address"
        ) { placement in
            EmulatedDevice.overlaps(of: placement.cell, in: placement.system, by: \.virtualRange)
                .filter { found in
                    // a device of the machine that no cell uses there, and what JH0507 says already
                    !found.device.isUnseenByCells
                        && !(found.region.physicalRange.map(found.device.range.overlaps) ?? false)
                }
                .map {
                    .init(
                        location: $0.location,
                        message: "the cell sees \($0.region.quotedName) (\($0.region.virtualText)) where the "
                            + "\($0.device.name) is (\($0.device.range.text))"
                    )
                }
        },
    ]
}

extension EmulatedDevice {
    fileprivate var isUnseenByCells: Bool {
        name.hasPrefix("IOMMU") || name == "GIC hypervisor interface" || name == "GIC virtual CPU interface"
    }
}
