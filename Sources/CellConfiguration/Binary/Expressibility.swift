// SPDX-License-Identifier: Apache-2.0

// What a layout cannot have, although another can. Nothing is left out silently when a configuration is converted.

extension ConfigurationError {
    /// - Parameter what: such as `stream ids`.
    static func inexpressible(_ what: String, in format: FormatVariant) -> ConfigurationError {
        let variant = format.isStandard ? "" : " (layout \(format.rawValue))"
        return ConfigurationError(
            .inexpressible, "revision \(format.revision.rawValue)\(variant) cannot have \(what)")
    }
}

extension CellDescriptor {
    /// - Throws: ``ConfigurationError`` `inexpressible` for what would mean something else in another layout.
    func checkExpressible(in other: FormatVariant) throws(ConfigurationError) {
        if other.hasOldLinks != format.hasOldLinks,
            let device = pciDevices.first(where: { $0.kind == .sharedMemory })
        {
            throw .inexpressible(
                "the ivshmem device \(device.address): it is another device before January 2020, "
                    + "with other memory regions and other registers", in: other)
        }
        for region in memoryRegions { try region.checkExpressible(in: other) }
        if meaninglessFlags & ~other.meaninglessCellFlag != 0 {
            throw .inexpressible(
                "the cell's flag 0x\(String(meaninglessFlags, radix: 16)), which means nothing in revision "
                    + "\(revision.rawValue): there it is \"aarch32\"",
                in: other)
        }
        if other.revision.rawValue < 13 && flags.contains(.aarch32) {
            throw .inexpressible("a cell that starts in 32-bit mode (aarch32)", in: other)
        }
        if other.hasPortBitmap,
            let region = ioPortRegions.first(where: { Int($0.base) + Int($0.count) > 0x10000 })
        {
            throw .inexpressible("ports beyond 0xffff (0x\(String(region.base, radix: 16)))", in: other)
        }
        try console.checkExpressible(in: other)
    }
}

extension MemoryRegion {
    /// - Throws: ``ConfigurationError`` `inexpressible` for bits that mean something else in that layout.
    func checkExpressible(in format: FormatVariant) throws(ConfigurationError) {
        if format.hasEarlyUnalignedBit && flags.contains(.noHugePages) {
            throw .inexpressible("memory without huge pages (\(place))", in: format)
        }
        if meaninglessBits & ~format.meaninglessMemoryBit != 0 {
            throw .inexpressible(
                "memory with the bit 0x\(String(meaninglessBits, radix: 16)) (\(place)), which means nothing in its own "
                    + "layout: there it is \"io-unaligned\"",
                in: format)
        }
    }

    private var place: String { "\(label) at 0x\(String(physicalStart, radix: 16))" }
}

extension CellDescriptor {
    /// Of a file that would be read as a fork's, and refused.
    ///
    /// - Throws: ``ConfigurationError`` `inexpressible`.
    func checkRecognisable(in other: FormatVariant) throws(ConfigurationError) {
        guard other.revision == .revision13, let region = memoryRegions.first(where: \.isColored) else { return }
        throw .inexpressible(
            "memory with the flag 0x\(String(ForeignFormat.colored, radix: 16)) "
                + "(\(region.label) at 0x\(String(region.physicalStart, radix: 16))): there it is a fork's",
            in: other)
    }
}

extension SystemDescriptor {
    /// - Throws: as ``CellDescriptor/checkExpressible(in:)``.
    func checkExpressible(in other: FormatVariant) throws(ConfigurationError) {
        try debugConsole.checkExpressible(in: other)
        try rootCell.checkExpressible(in: other)
        if !platform.reserved.isEmpty && format.reservedSize(architecture) != other.reservedSize(architecture) {
            throw .inexpressible("reserved bytes of another layout", in: other)
        }
        for unit in platform.iommuUnits {
            // an unknown unit is skipped without a word: devices would reach all memory
            let first = unit.kind == .mmu500 ? 13 : unit.kind == .pvu ? 12 : 0
            guard other.revision.rawValue >= first else {
                throw .inexpressible("an IOMMU of type \(unit.kind == .mmu500 ? "MMU-500" : "PVU")", in: other)
            }
        }
    }
}

extension Console {
    /// What of it the hypervisor of a layout does not know, such as `a console of type SCIF`; nil: it knows all of it.
    package func unknownPart(in format: FormatVariant) -> String? {
        if format.revision.rawValue < 13, [.imxLPUART, .scif].contains(kind) {
            return "a console of type \(kind == .scif ? "SCIF" : "IMX_LPUART")"
        }
        return format.revision.rawValue < 12 && flags.contains(.mdrQuirk) ? "a console with the MDR quirk" : nil
    }

    fileprivate func checkExpressible(in other: FormatVariant) throws(ConfigurationError) {
        if let part = unknownPart(in: other) { throw .inexpressible(part, in: other) }
    }
}
