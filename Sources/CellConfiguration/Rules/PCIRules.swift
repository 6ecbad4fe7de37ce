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
            var firsts: [DeviceKey: Int] = [:]
            return devices(of: cell).enumerated().compactMap { index, found in
                guard let first = firsts[DeviceKey(found.device)] else {
                    firsts[DeviceKey(found.device)] = index
                    return nil
                }
                return .init(
                    location: found.location,
                    message: "the device \(found.device.address) is pci-device[\(first)] already"
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
    ]

    /// Of a cell in its system.
    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1010", severity: .warning, title: "a cell's PCI devices are the root cell's to give",
            consequence:
                "the hypervisor does not check it: Linux cannot let go of the device first, and does not have it back "
                + "afterwards",
            remedy: "add the device to the system's list, or correct its bdf"
        ) { placement in
            let root = Set(placement.system.rootCell.pciDevices.map(DeviceKey.init))
            return devices(of: placement.cell)
                .filter { $0.device.kind != .sharedMemory && !root.contains(DeviceKey($0.device)) }
                .map {
                    .init(
                        location: $0.location,
                        message: "the device \(DeviceKey($0.device)) is not in the system's list"
                    )
                }
        }
    ]

    /// Of a cell, or of the root cell, on the machine.
    static let hardware: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1011", severity: .error, title: "a PCI device is behind an IOMMU that there is",
            consequence:
                "beyond the eight that are possible it is refused with ERANGE; else the device stays without its "
                + "memory or its interrupts",
            remedy: "set \"iommu\" to the unit's place in the system's [[iommu]] list, counted from 0"
        ) { placement in
            let count = placement.system.platform.usedIOMMUUnits
            guard placement.system.architecture == .x86, count > 0 else { return [] }
            return devices(of: placement.cell).filter { $0.device.kind != .sharedMemory && $0.device.iommu >= count }
                .map {
                    .init(
                        location: $0.location,
                        message:
                            "the device \($0.device.address) is behind IOMMU \($0.device.iommu), but the system has "
                            + (count == 1 ? "number 0 only" : "the numbers 0 to \(count - 1)")
                    )
                }
        }
    ]

    private static let msixCapability: UInt16 = 0x11

    static func devices(of cell: CellDescriptor) -> [(location: String, device: PCIDevice)] {
        cell.pciDevices.enumerated().map { (location: "pci-device[\($0.offset)]", device: $0.element) }
    }

    private static func capabilities(of device: PCIDevice, in cell: CellDescriptor) -> ArraySlice<PCICapability> {
        let first = min(Int(device.firstCapability), cell.pciCapabilities.count)
        return cell.pciCapabilities[first...].prefix(Int(device.capabilityCount))
    }
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
