// SPDX-License-Identifier: Apache-2.0

// The records of the binary format, revisions 13 and 14 (include/jailhouse/cell-config.h). Offsets are from the record's begin.

extension MemoryRegion: BinaryRecord {
    static let encodedSize = 32
    static let blank = MemoryRegion()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&physicalStart)  // 0
        try coder.field(&virtualStart)  // 8
        try coder.field(&size)  // 16
        try coder.field(&flags.rawValue)  // 24
    }
}

extension Console: BinaryRecord {
    static let encodedSize = 32
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
    static let encodedSize = 12
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
    static let encodedSize = 32
    static let blank = InterruptChip()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&address)  // 0
        try coder.field(&id)  // 8
        try coder.field(&pinBase)  // 12
        for word in pinBitmap.indices { try coder.field(&pinBitmap[word]) }  // 16
    }
}

extension IOPortRegion: BinaryRecord {
    static let encodedSize = 4
    static let blank = IOPortRegion()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&base)  // 0
        try coder.field(&count)  // 2
    }
}

extension PCIDevice: BinaryRecord {
    static let encodedSize = 56
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
        try coder.field(&sharedMemoryID)  // 52
        try coder.field(&sharedMemoryPeers)  // 53
        try coder.field(&sharedMemoryProtocol)  // 54
    }
}

extension PCICapability: BinaryRecord {
    static let encodedSize = 8
    static let blank = PCICapability()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&id)  // 0
        try coder.field(&start)  // 2
        try coder.field(&length)  // 4
        try coder.field(&flags.rawValue)  // 6
    }
}

extension UInt32: BinaryRecord {
    static let encodedSize = 4
    static let blank: UInt32 = 0

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&self)
    }
}

extension IOMMUUnit: BinaryRecord {
    static let encodedSize = 28
    static let blank = IOMMUUnit()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&kind.rawValue)  // 0
        try coder.field(&base)  // 4
        try coder.field(&size)  // 12
        try coder.field(&details)  // 16
        try coder.field(&moreDetails)  // 24
    }
}

extension Platform {
    static let encodedSize = 280

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        guard iommuUnits.count <= Platform.iommuUnitLimit else {
            throw ConfigurationError(.outOfRange, "a system has at most 8 IOMMU units, not \(iommuUnits.count)")
        }
        try coder.field(&mmconfigBase)  // 0
        try coder.field(&mmconfigEndBus)  // 8
        try coder.field(&virtualPCI)  // 9
        try coder.field(&pciDomain)  // 10
        var units = iommuUnits + repeatElement(IOMMUUnit(), count: Platform.iommuUnitLimit - iommuUnits.count)
        try coder.list(&units, count: units.count)  // 12
        while units.last == IOMMUUnit() { units.removeLast() }
        iommuUnits = units
        switch specific {  // 236
        case .x86(var part):
            try part.code(&coder)
            specific = .x86(part)
        case .arm(var part):
            try part.code(&coder)
            specific = .arm(part)
        }
    }
}

extension X86Platform {
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&pmTimerPort)  // 0
        try coder.field(&apicMode.rawValue)  // 2
        try coder.field(&padding)  // 3
        try coder.field(&vtdInterruptLimit)  // 4
        try coder.field(&tscKHz)  // 8
        try coder.field(&apicKHz)  // 12
        try coder.padded(&reserved, width: 28)  // 16
    }
}

extension ArmPlatform {
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&maintenanceInterrupt)  // 0
        try coder.field(&gicVersion)  // 1
        try coder.field(&padding)  // 2
        try coder.field(&gicdBase)  // 4
        try coder.field(&giccBase)  // 12
        try coder.field(&gichBase)  // 20
        try coder.field(&gicvBase)  // 28
        try coder.field(&gicrBase)  // 36
    }
}
