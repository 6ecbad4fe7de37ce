// SPDX-License-Identifier: Apache-2.0

// The records of the binary format (include/jailhouse/cell-config.h). Offsets are from the record's beginning, and those
// of revision 14 where layouts differ.

extension MemoryRegion: BinaryRecord {
    static let blank = MemoryRegion()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&physicalStart)  // 0
        try coder.field(&virtualStart)  // 8
        try coder.field(&size)  // 16
        if !coder.isReading { try checkExpressible(in: coder.format) }
        var bits = bits(in: coder.format)
        try coder.field(&bits)  // 24
        if coder.isReading { set(bits, in: coder.format) }
    }
}

extension MemoryRegion {
    /// Its flags as a layout has them. Before v0.12, bit 8 meant unaligned accesses, and bit 15 nothing.
    func bits(in format: FormatVariant) -> UInt64 {
        guard format.hasEarlyUnalignedBit, flags.contains(.ioUnaligned) else { return flags.rawValue | meaninglessBits }
        return flags.subtracting(.ioUnaligned).rawValue | meaninglessBits | MemoryRegion.earlyUnaligned
    }

    mutating func set(_ bits: UInt64, in format: FormatVariant) {
        meaninglessBits = bits & format.meaninglessMemoryBit
        flags = Flags(rawValue: bits & ~meaninglessBits)
        if format.hasEarlyUnalignedBit, bits & MemoryRegion.earlyUnaligned != 0 {
            flags.subtract(Flags(rawValue: MemoryRegion.earlyUnaligned))
            flags.insert(.ioUnaligned)
        }
    }

    private static let earlyUnaligned: UInt64 = 0x100
}

extension Console: BinaryRecord {
    static let blank = Console.none

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&address)  // 0
        try coder.field(&size)  // 8
        try coder.field(&kind.rawValue)  // 12
        try coder.field(&flags.rawValue)  // 14
        try coder.field(&divider)  // 16
        try coder.field(&gateNumber)  // 20
        try coder.field(&clockRegister)  // 24
    }
}

extension CacheRegion: BinaryRecord {
    static let blank = CacheRegion()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&start)  // 0
        try coder.field(&size)  // 4
        try coder.field(&kind.rawValue)  // 8
        try coder.field(&padding)  // 9
        try coder.field(&flags.rawValue)  // 10
    }
}

extension InterruptChip: BinaryRecord {
    static let blank = InterruptChip()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&address)  // 0
        try coder.field(&id)  // 8
        try coder.field(&pinBase)  // 12
        for word in pinBitmap.indices { try coder.field(&pinBitmap[word]) }  // 16
    }
}

extension IOPortRegion: BinaryRecord {
    static let blank = IOPortRegion()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&base)  // 0
        try coder.field(&count)  // 2
    }
}

extension PCIDevice: BinaryRecord {
    static let blank = PCIDevice()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        guard barMasks.count == PCIDevice.barCount else {
            throw ConfigurationError(.outOfRange, "a PCI device has 6 BAR masks, not \(barMasks.count)")
        }
        try coder.field(&kind.rawValue)  // 0
        try coder.field(&iommu)  // 1
        try coder.field(&domain)  // 2
        try coder.field(&address.rawValue)  // 4
        for bar in barMasks.indices { try coder.field(&barMasks[bar]) }  // 6
        try coder.field(&firstCapability)  // 30
        try coder.field(&capabilityCount)  // 32
        try coder.field(&msiVectors)  // 34
        try coder.field(&msiFlags.rawValue)  // 35
        try coder.field(&msixVectors)  // 36
        try coder.field(&msixRegionSize)  // 38
        try coder.field(&msixAddress)  // 40
        try coder.field(&firstSharedMemoryRegion)  // 48
        // in the old layout the other two are padding
        if coder.format.hasOldLinks { try coder.field(&sharedMemoryProtocol) }
        try coder.field(&sharedMemoryID)  // 52
        try coder.field(&sharedMemoryPeers)  // 53
        if !coder.format.hasOldLinks { try coder.field(&sharedMemoryProtocol) }  // 54
    }
}

extension PCICapability: BinaryRecord {
    static let blank = PCICapability()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&id)  // 0
        try coder.field(&start)  // 2
        try coder.field(&length)  // 4
        try coder.field(&flags.rawValue)  // 6
    }
}

extension UInt32: BinaryRecord {
    static let blank: UInt32 = 0

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&self)
    }
}
