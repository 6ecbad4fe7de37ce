// SPDX-License-Identifier: Apache-2.0

// What no configuration has, and bytes that are read in the wrong places soon have: so that a layout that fits the
// beginning of a file is not taken for the file's.

extension CellDescriptor {
    /// Whether a field has contents that no configuration has.
    var isStrange: Bool {
        [
            memoryRegions.contains { !$0.flags.subtracting(MemoryRegion.Flags.known.union(.colored)).isEmpty },
            memoryRegions.contains { $0.size == 0 && ($0.physicalStart != 0 || $0.virtualStart != 0) },
            cacheRegions.contains { !(1...3).contains($0.kind.rawValue) },
            interruptChips.contains { $0.address == 0 || $0.address % 0x1000 != 0 || $0.pinBase >= 1024 },
            ioPortRegions.contains { Int($0.base) + Int($0.count) > 0x1_0000 },
            pciDevices.contains { !(1...3).contains($0.kind.rawValue) },
            pciCapabilities.contains { $0.start == 0 || Int($0.start) + Int($0.length) > 0x1000 },
            console.isStrange, flags.rawValue & 0x3fff_fff8 != 0,
        ].contains(true)
    }
}

extension SystemDescriptor {
    /// As ``CellDescriptor/isStrange``, of all but the root cell.
    var hasStrangeMachine: Bool {
        let units = platform.iommuUnits
        return [
            hypervisorMemory.physicalStart % 0x1000 != 0, hypervisorMemory.size % 0x1000 != 0,
            !hypervisorMemory.flags.isSubset(of: .known), debugConsole.isStrange, flags.rawValue > 1,
            platform.mmconfigBase % 0x1000 != 0, platform.virtualPCI > 1, !platform.reserved.isEmpty,
            units.contains { $0.kind.rawValue > IOMMUUnit.Kind.mmu500.rawValue },
            units.contains { $0.base % 0x1000 != 0 },
            hypervisorMemory.size == 0 && (hypervisorMemory.physicalStart != 0 || !units.isEmpty),
            platform.mmconfigBase == 0 && platform.mmconfigEndBus != 0, !rootCellHeader.isEmpty,
            // the first without a base ends the list
            units.contains { $0.base == 0 },
            // before August 2019 there is no type
            format.iommuSize > 20 && units.contains { $0.base != 0 && $0.kind == .none },
        ].contains(true) || platform.specific.isStrange
    }
}

extension Platform.Specific {
    fileprivate var isStrange: Bool {
        switch self {
        case .x86(let part):
            return [
                part.apicMode.rawValue > 2, part.padding != 0, part.vtdInterruptLimit > 0x1_0000,
                part.tscKHz > 20_000_000, part.apicKHz > 20_000_000,
            ].contains(true)
        case .arm(let part):
            let bases = [part.gicdBase, part.giccBase, part.gichBase, part.gicvBase, part.gicrBase]
            return [
                !(1...4).contains(part.gicVersion) && bases.contains { $0 != 0 },
                bases.contains { $0 % 0x1000 != 0 }, part.padding != 0,
            ].contains(true)
        }
    }
}

extension Console {
    /// A type that nobody has, or an address and no type.
    fileprivate var isStrange: Bool {
        kind.rawValue > 11 || kind == .none && (address != 0 || size != 0)
            || flags.rawValue & ~0x3007 != 0
    }
}

extension MemoryRegion.Flags {
    /// The bit by which a fork gives cells parts of the cache: that has an error of its own.
    fileprivate static let colored = MemoryRegion.Flags(rawValue: ForeignFormat.colored)
}
