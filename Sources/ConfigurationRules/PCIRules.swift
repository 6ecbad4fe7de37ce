// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the PCI devices of one cell, the root cell included.
enum PCIRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1001", severity: .error, title: "a PCI device's capabilities are in the list",
            consequence: "the hypervisor does not check it: it takes whatever follows the list for capabilities",
            remedy: "count [[pci-capability]] from 0: the first of this device, and how many it has"
        ) { cell in
            devices(of: cell).filter {
                $0.device.capabilityCount > 0
                    && Int($0.device.firstCapability) + Int($0.device.capabilityCount) > cell.pciCapabilities.count
            }.map {
                let first = Int($0.device.firstCapability)
                return .init(
                    location: $0.location,
                    message: "the device \($0.device.address) has the capabilities \(first) to "
                        + "\(first + Int($0.device.capabilityCount) - 1), but there are \(cell.pciCapabilities.count)"
                )
            }
        },
        Rule(
            id: "JH1002", severity: .error, title: "a PCI device is in the list once",
            consequence: "the hypervisor finds one of the two only, and the device may be lost to its owner",
            remedy: "remove one, or correct its bdf"
        ) { cell in
            // the hypervisor does not look at the domain
            var firsts: [PCIAddress: Int] = [:]
            return devices(of: cell).enumerated().compactMap { index, found in
                guard let first = firsts[found.device.address] else {
                    firsts[found.device.address] = index
                    return nil
                }
                let isOther = cell.pciDevices[first].domain != found.device.domain
                return .init(
                    location: found.location,
                    message: "the device \(found.device.address) is pci-device[\(first)] already"
                        + (isOther ? "; the hypervisor does not tell their domains apart" : "")
                )
            }
        },
        Rule(
            id: "JH1007", severity: .error, title: "an MSI-X table lies within its region",
            consequence: "the hypervisor does not check it: saving the table, it reads beyond what it has mapped",
            remedy: "set msix-region-size to whole pages of at least 16 bytes a vector"
        ) { cell in
            devices(of: cell).filter { $0.device.kind != .sharedMemory && $0.device.msixAddress != 0 }
                .filter {
                    let size = UInt64($0.device.msixRegionSize)
                    return size < UInt64($0.device.msixVectors) * 16 || size < MemoryRules.pageSize
                        || size % MemoryRules.pageSize != 0
                }
                .map {
                    .init(
                        location: $0.location,
                        message: "the device \($0.device.address) has \($0.device.msixVectors) vectors "
                            + "(\(hexadecimal(UInt64($0.device.msixVectors) * 16)) bytes) in a region of "
                            + "\(hexadecimal($0.device.msixRegionSize)) bytes at \(hexadecimal($0.device.msixAddress))"
                    )
                }
        },
        Rule(
            id: "JH1008", severity: .error, title: "a device with MSI-X says where its table is",
            consequence: "the hypervisor looks for the table at address 0 and stops the machine",
            remedy: "set msix-address to the table's physical address (lspci -vv, \"Vector table\", and the BAR that "
                + "it names), and msix-region-size"
        ) { cell in
            devices(of: cell).filter {
                $0.device.kind != .sharedMemory && $0.device.msixAddress == 0 && $0.device.msixVectors > 0
                    && capabilities(of: $0.device, in: cell).contains { $0.id == msixCapability }
            }.map {
                .init(
                    location: $0.location,
                    message:
                        "the device \($0.device.address) has an MSI-X capability and \($0.device.msixVectors) vectors, "
                        + "but no msix-address"
                )
            }
        },
        Rule(
            id: "JH1009", severity: .warning, title: "no memory region lies over an MSI-X table",
            consequence:
                "the cell writes the table directly: its interrupts do not arrive, because the hypervisor has not "
                + "remapped them",
            remedy: "let the regions of the device's BAR leave out the table's pages"
        ) { cell in
            let tables = devices(of: cell).compactMap { found -> (device: PCIDevice, range: AddressRange)? in
                guard found.device.kind != .sharedMemory, found.device.msixAddress != 0 else { return nil }
                return AddressRange(start: found.device.msixAddress, size: UInt64(found.device.msixRegionSize))
                    .map { (found.device, $0) }
            }
            guard !tables.isEmpty else { return [] }
            return MemoryRules.regions(of: cell).flatMap { location, region in
                tables.filter { table in region.physicalRange.map(table.range.overlaps) ?? false }.map {
                    .init(
                        location: location,
                        message:
                            "the region \(region.quotedName) (physical \(region.physicalText)) lies over the MSI-X "
                            + "table of \($0.device.address) (\($0.range.text))"
                    )
                }
            }
        },
        Rule(
            id: "JH1017", severity: .warning, title: "each PCI capability belongs to a device",
            consequence: "the entry has no effect: the device that it was meant for does not have the capability",
            remedy: "correct \"first-capability\" and \"capabilities\" of the device, or remove the entry",
            isSaidOnce: true
        ) { cell in
            var used: Set<Int> = []
            for device in cell.pciDevices {
                let first = Int(device.firstCapability)
                let end = first + Int(device.capabilityCount)
                // the device whose numbers are wrong is JH1001's
                guard end <= cell.pciCapabilities.count || first == end else { return [] }
                used.formUnion(first..<end)
            }
            return cell.pciCapabilities.enumerated().filter { !used.contains($0.offset) }.map { index, capability in
                .init(
                    location: "pci-capability[\(index)]",
                    message: "no device refers to the capability \(capability.text)")
            }
        },
        Rule(
            id: "JH1018", severity: .error, title: "a PCI device's type exists",
            consequence: "the hypervisor treats the device as a physical one, or ignores it",
            remedy: "set \"type\" to \"device\", \"bridge\" or \"ivshmem\""
        ) { cell in
            devices(of: cell).filter { !PCIDevice.Kind.known.contains($0.device.kind) }.map {
                .init(
                    location: $0.location,
                    message:
                        "the device \($0.device.address) has the type \($0.device.kind.rawValue), which does not exist")
            }
        },
        Rule(
            id: "JH1025", severity: .warning, title: "a device's owner may switch its MSI on",
            consequence:
                "the first write to the capability is refused as a violation: the CPU of the cell, or of Linux, stops",
            remedy: "set writable = true in the [[pci-capability]]",
            isSaidOnce: true
        ) { cell in
            devices(of: cell).filter { $0.device.kind != .sharedMemory }
                .flatMap { _, device -> [Rule<CellDescriptor>.Violation] in
                    let first = Int(device.firstCapability)
                    return capabilities(of: device, in: cell).enumerated().filter { _, capability in
                        !capability.flags.contains(.write)
                            && (capability.id == msiCapability && device.msiVectors > 0
                                || capability.id == msixCapability && device.msixVectors > 0)
                    }.map { index, capability in
                        .init(
                            location: "pci-capability[\(first + index)]",
                            message:
                                "the capability \(capability.text) of the device \(device.address) cannot be written, "
                                + "but the device has "
                                + (capability.id == msiCapability
                                    ? "msi-vectors = \(device.msiVectors)" : "msix-vectors = \(device.msixVectors)"))
                    }
                }
        },
        Rule(
            id: "JH1019", severity: .warning, title: "a BAR mask is that of a base address register",
            consequence: "the hypervisor reports a wrong size to the program that sizes the register",
            remedy: "use the value that the register reads as after 0xffffffff was written, without its low type bits"
        ) { cell in
            devices(of: cell).compactMap { location, device in
                // of an ivshmem device the second may be a table, and JH1026 speaks of the others
                let isLink = device.kind == .sharedMemory && !cell.format.hasOldLinks
                let known = isLink ? Array(1..<(device.msixVectors > 0 ? 2 : 1)) : Array(device.barMasks.indices)
                guard let index = known.first(where: { !device.hasPlausibleMask(at: $0) }) else { return nil }
                return .init(
                    location: location,
                    message: "no base address register has the mask \(hexadecimal(device.barMasks[index])), as BAR "
                        + "\(index) of the device \(device.address) has")
            }
        },
    ]

    /// Of a cell in its system.
    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1015", severity: .warning, title: "an IOMMU confines the DMA of a cell's PCI devices",
            consequence:
                "the program in the cell can have the device read and overwrite all memory of the machine: Linux's, "
                + "the hypervisor's and that of other cells",
            remedy: "list the machine's IOMMUs in the system's [[iommu]]; where there is none, trust the program",
            isSaidOnce: true
        ) { placement in
            guard placement.system.architecture == .x86, placement.system.platform.usedIOMMUUnits == 0 else {
                return []
            }
            return devices(of: placement.cell).filter { $0.device.kind == .device }.map {
                .init(
                    location: $0.location,
                    message: "the system has no IOMMU, so the DMA of the device \(DeviceKey($0.device)) reaches "
                        + "Linux's memory")
            }
        },
        sameDevices,
        Rule(
            id: "JH1010", severity: .warning, title: "a cell's PCI devices are the root cell's to give",
            consequence:
                "the hypervisor does not check it: Linux cannot let go of the device first, and does not have it back "
                + "afterwards",
            remedy: "add the device to the system's list, or correct its bdf",
            isSaidOnce: true
        ) { placement in
            let root = placement.system.rootCell.pciDevices
            let known = Set(root.map(DeviceKey.init))
            return devices(of: placement.cell)
                .filter { $0.device.kind != .sharedMemory && !known.contains(DeviceKey($0.device)) }
                .map { location, device in
                    let same = root.first { $0.address == device.address }
                    return .init(
                        location: location,
                        message: same.map {
                            "the device \(device.address) has the domain \(hexadecimal(device.domain)), but "
                                + "\(hexadecimal($0.domain)) in the system's list"
                        } ?? "the device \(DeviceKey(device)) is not in the system's list"
                    )
                }
        },
    ]

    static let msiCapability: UInt16 = 0x5
    static let msixCapability: UInt16 = 0x11

    static func devices(of cell: CellDescriptor) -> [(location: String, device: PCIDevice)] {
        cell.pciDevices.enumerated().map { (location: "pci-device[\($0.offset)]", device: $0.element) }
    }

    static func capabilities(of device: PCIDevice, in cell: CellDescriptor) -> ArraySlice<PCICapability> {
        let first = min(Int(device.firstCapability), cell.pciCapabilities.count)
        return cell.pciCapabilities[first...].prefix(Int(device.capabilityCount))
    }
}

extension PCIDevice.Kind {
    fileprivate static let known: Set<PCIDevice.Kind> = [.device, .bridge, .sharedMemory]
}

extension PCIDevice {
    /// A mask is a run of ones down from bit 31, from bit 15 for I/O ports, or the high half of a 64-bit register's.
    fileprivate func hasPlausibleMask(at index: Int) -> Bool {
        let mask = barMasks[index]
        let size = ~mask &+ 1
        return mask == 0 || mask == .max || size & (size &- 1) == 0
            || mask <= 0xffff && (0x1_0000 - mask) & (0x1_0000 - mask - 1) == 0
    }
}

extension PCICapability {
    /// `0x5 at 0x60`
    var text: String { "\(hexadecimal(id)) at \(hexadecimal(start))" }
}

/// What makes a PCI device the same in two configurations.
struct DeviceKey: Hashable, CustomStringConvertible {
    var domain: UInt16
    var address: PCIAddress

    init(_ device: PCIDevice) {
        (domain, address) = (device.domain, device.address)
    }

    var description: String { domain == 0 ? "\(address)" : "\(address) (domain \(hexadecimal(domain)))" }
}

extension Platform {
    /// How many units the hypervisor sees: it stops at the first without an address.
    var usedIOMMUUnits: Int { iommuUnits.prefix { $0.base != 0 }.count }
}
