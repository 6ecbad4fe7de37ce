// SPDX-License-Identifier: Apache-2.0

// Names for what a compiled file has no names for, so that its source can be read.

extension CellDescriptor {
    /// With a name for each memory and port region that has none and whose purpose can be seen.
    ///
    /// - Parameter places: physical addresses of devices that the system's configuration names.
    func withRegionNames(knowing places: [NamedPlace] = []) -> CellDescriptor {
        var named = self
        named.nameSections()
        let all = places + namedPlaces
        for index in memoryRegions.indices where named.memoryRegions[index].name.isEmpty {
            let region = memoryRegions[index]
            let place = all.first {
                $0.address != 0 && $0.address == region.physicalStart && region.size <= $0.largest
            }
            named.memoryRegions[index].name = place?.name ?? region.decompiledName
        }
        for index in ioPortRegions.indices where ioPortRegions[index].name.isEmpty {
            named.ioPortRegions[index].name = ioPortRegions[index].guessedName
        }
        return named
    }
}

extension CellDescriptor {
    /// Names the sections of ivshmem links by their link, as their table in the source does.
    private mutating func nameSections() {
        for device in pciDevices {
            guard let link = SharedMemoryLink(device, in: memoryRegions), let sections = link.regions else { continue }
            for (offset, section) in sections.enumerated() {
                let index = Int(device.firstSharedMemoryRegion) + offset
                if memoryRegions[index].name.isEmpty { memoryRegions[index].name = section.name }
            }
        }
    }
}

/// Where a device is.
struct NamedPlace {
    var address: UInt64
    var name: String
    /// In bytes; what is larger has more in it than this device.
    var largest: UInt64 = 16 << 20
}

extension CellDescriptor {
    /// The devices that the cell's own configuration tells.
    private var namedPlaces: [NamedPlace] {
        let chips = interruptChips.map {
            NamedPlace(address: $0.address, name: architecture == .x86 ? "IOAPIC" : "GIC distributor")
        }
        return console.namedPlaces + chips
    }
}

extension SystemDescriptor {
    /// The devices that the platform's description tells.
    var namedPlaces: [NamedPlace] {
        var places = [
            NamedPlace(address: platform.mmconfigBase, name: "PCI configuration (MMCONFIG)", largest: 256 << 20)
        ]
        places += platform.iommuUnits.enumerated().map {
            NamedPlace(address: $0.element.base, name: "IOMMU \($0.offset)")
        }
        if case .arm(let part) = platform.specific {
            places += [
                NamedPlace(address: part.gicdBase, name: "GIC distributor"),
                NamedPlace(address: part.giccBase, name: "GIC CPU interface"),
                NamedPlace(address: part.gichBase, name: "GIC hypervisor interface"),
                NamedPlace(address: part.gicvBase, name: "GIC virtual CPU interface"),
                NamedPlace(address: part.gicrBase, name: "GIC redistributors"),
            ]
        }
        return places + debugConsole.namedPlaces
    }
}

extension Console {
    fileprivate var namedPlaces: [NamedPlace] {
        guard flags.contains(.mmio), kind != .none else { return [] }
        let efiFramebuffer: UInt16 = 1
        return [NamedPlace(address: address, name: kind.rawValue == efiFramebuffer ? "framebuffer" : "UART")]
    }
}

extension MemoryRegion {
    /// For the source of a compiled file, where a guess may be bolder than in a message.
    fileprivate var decompiledName: String {
        if size == 0 && flags.isEmpty { return "unused" }
        if !guessedName.isEmpty { return guessedName }
        if flags.isSuperset(of: [.read, .write, .execute]) && !flags.contains(.io) { return "ram" }
        if flags.contains(.io) && size > 16 << 20 { return "devices" }
        guard physicalStart < 0x10_0000 else { return "" }
        if physicalStart == 0xa_0000 { return "VGA memory" }
        return physicalStart >= 0xc_0000 && !flags.contains(.write) ? "firmware" : ""
    }

    /// Its name or, when it has none, what it seems to be; `memory` when nothing can be seen.
    package var label: String {
        if !name.isEmpty { return name }
        return guessedName.isEmpty ? "memory" : guessedName
    }

    /// Empty when nothing can be seen.
    var guessedName: String {
        if flags.contains(.communicationRegion) { return "communication region" }
        if flags.isSuperset(of: [.loadable, .execute]) { return "ram" }
        if flags.contains(.rootShared) && !flags.contains(.execute) && !flags.contains(.io) { return "shared memory" }
        return MemoryRegion.wellKnown.first { $0.address == physicalStart }?.name ?? ""
    }

    private static let wellKnown: [(address: UInt64, name: String)] = [
        (0xfec0_0000, "IOAPIC"), (0xfed0_0000, "HPET"), (0xfee0_0000, "local APIC"),
    ]
}

extension IOPortRegion {
    /// Empty when the ports are not known.
    var guessedName: String {
        IOPortRegion.wellKnown.first { $0.ports.contains(base) && $0.ports.contains(base &+ (max(count, 1) - 1)) }?.name
            ?? ""
    }

    /// The first that holds all the ports.
    private static let wellKnown: [(ports: ClosedRange<UInt16>, name: String)] = [
        (0x0...0x1f, "DMA controller"), (0x20...0x21, "8259A, first"), (0x40...0x43, "8254 timer"),
        (0x61...0x61, "NMI status"), (0x60...0x64, "keyboard controller"), (0x70...0x77, "CMOS clock"),
        (0x80...0x80, "POST code"), (0x81...0x8f, "DMA pages"), (0x92...0x92, "fast A20"),
        (0xa0...0xa1, "8259A, second"), (0xb2...0xb3, "power management command"),
        (0xc0...0xdf, "second DMA controller"),
        (0x170...0x177, "second IDE"), (0x1ce...0x1d0, "display"), (0x1f0...0x1f7, "first IDE"),
        (0x2e8...0x2ef, "COM4"), (0x2f8...0x2ff, "COM2"), (0x378...0x37f, "LPT1"), (0x3d4...0x3d5, "VGA index"),
        (0x3b0...0x3df, "VGA"), (0x3e8...0x3ef, "COM3"), (0x3f0...0x3f7, "floppy"), (0x3f8...0x3ff, "COM1"),
        (0x4d0...0x4d1, "8259A edge or level"), (0xcf8...0xcff, "PCI configuration"), (0xd00...0xffff, "devices"),
    ]
}
