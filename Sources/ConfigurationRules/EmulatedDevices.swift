// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// A device that the hypervisor shows to its cells, and whose registers it must therefore keep for itself.
package struct EmulatedDevice {
    package var name: String
    var range: AddressRange

    package func contains(_ address: UInt64) -> Bool { range.contains(address) }
    package var bounds: ClosedRange<UInt64> { range.first...range.last }
    /// Such as `0xfec00000–0xfec00fff`.
    package var text: String { range.text }

    /// The devices of a machine.
    ///
    /// - Parameter cell: the one that is looked at: what it has decides whether it needs PCI; nil: all that there are.
    package static func all(of system: SystemDescriptor, for cell: CellDescriptor?) -> [EmulatedDevice] {
        var devices: [EmulatedDevice] = []
        func add(_ name: String, _ start: UInt64, _ size: UInt64) {
            guard start != 0, let range = AddressRange(start: start, size: size) else { return }
            devices.append(EmulatedDevice(name: name, range: range))
        }
        let platform = system.platform
        // a cell without devices does not look for the configuration space of a virtual host controller
        if platform.virtualPCI == 0 || cell.map({ !$0.pciDevices.isEmpty }) ?? true {
            add("PCI MMCONFIG", platform.mmconfigBase, platform.mmconfigSize)
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

    /// Those of a cell's regions that lie over such devices, by the addresses that `range` gives.
    ///
    /// - Parameters:
    ///   - user: the cell that looks for the devices; nil: all devices count.
    ///   - isMeant: whether a device counts for a region.
    static func overlaps(
        of cell: CellDescriptor, in system: SystemDescriptor, for user: CellDescriptor?,
        by range: (MemoryRegion) -> AddressRange?,
        where isMeant: (MemoryRegion, EmulatedDevice) -> Bool = { _, _ in true }
    ) -> [(location: String, region: MemoryRegion, devices: String)] {
        let devices = all(of: system, for: user)
        return MemoryRules.regions(of: cell).compactMap { location, region in
            let below = devices.filter { device in
                (range(region).map(device.range.overlaps) ?? false) && isMeant(region, device)
            }
            let names = below.map { "the \($0.name) (\($0.range.text))" }.joined(separator: ", ")
            return below.isEmpty ? nil : (location, region, names)
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
            remedy: "let the root cell's regions leave out these addresses",
            isSaidOnce: true
        ) { system in
            EmulatedDevice.overlaps(of: system.rootCell, in: system, for: system.rootCell, by: \.physicalRange).map {
                .init(
                    location: $0.location,
                    message:
                        "the root cell's region \($0.region.quotedName) (\($0.region.physicalText)) lies over "
                        + $0.devices
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
            EmulatedDevice.overlaps(of: placement.cell, in: placement.system, for: nil, by: \.physicalRange).map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) (physical \($0.region.physicalText)) lies over "
                        + $0.devices
                )
            }
        },
        Rule(
            id: "JH0508", severity: .warning, title: "a cell sees the hypervisor's devices where they are",
            consequence: "the program in the cell finds other memory where it looks for the device",
            remedy: "give the region another \"virtual\" address"
        ) { placement in
            EmulatedDevice.overlaps(
                of: placement.cell, in: placement.system, for: placement.cell, by: \.virtualRange
            ) { region, device in
                // a device of the machine that no cell uses there, and what JH0507 says already
                device.isSeenByCells && !(region.physicalRange.map(device.range.overlaps) ?? false)
            }
            .map {
                .init(
                    location: $0.location,
                    message: "the cell sees \($0.region.quotedName) (\($0.region.virtualText)) at the place of "
                        + $0.devices
                )
            }
        },
    ]
}

extension EmulatedDevice {
    /// Whether programs in cells look for it at its addresses.
    package var isSeenByCells: Bool {
        !name.hasPrefix("IOMMU") && name != "GIC hypervisor interface" && name != "GIC virtual CPU interface"
    }
}
