// Names for what a compiled file has no names for, so that its source can be read.

extension CellDescriptor {
    /// With a name for each memory and port region that has none and whose purpose can be seen.
    func withRegionNames() -> CellDescriptor {
        var named = self
        for index in memoryRegions.indices where memoryRegions[index].name.isEmpty {
            named.memoryRegions[index].name = memoryRegions[index].guessedName
        }
        for index in ioPortRegions.indices where ioPortRegions[index].name.isEmpty {
            named.ioPortRegions[index].name = ioPortRegions[index].guessedName
        }
        return named
    }
}

extension MemoryRegion {
    /// Its name or, when it has none, what it seems to be; `memory` when nothing can be seen.
    public var label: String {
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

    private static let wellKnown: [(ports: ClosedRange<UInt16>, name: String)] = [
        (0x20...0x21, "8259A, first"), (0x40...0x43, "8254 timer"), (0x60...0x64, "keyboard controller"),
        (0x70...0x71, "CMOS clock"), (0xa0...0xa1, "8259A, second"), (0x2e8...0x2ef, "COM4"), (0x2f8...0x2ff, "COM2"),
        (0x3d4...0x3d5, "VGA index"), (0x3e8...0x3ef, "COM3"), (0x3f8...0x3ff, "COM1"),
        (0x4d0...0x4d1, "8259A edge or level"), (0xcf8...0xcff, "PCI configuration"),
    ]
}
