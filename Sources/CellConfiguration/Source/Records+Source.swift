// SPDX-License-Identifier: Apache-2.0

// The tables of the lists. The order of the keys is the order in which they are written.

extension MemoryRegion: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.string("name", &name)
        // an absent `virtual` is the same address; an absent `physical` is 0, which is said when both are
        let isAtZero = physicalStart == 0 && virtualStart == 0
        try coder.hexadecimal("physical", &physicalStart, default: coder.isWriting && isAtZero ? nil : 0)
        try coder.hexadecimal("virtual", &virtualStart, default: physicalStart)
        try coder.size("size", &size, default: nil)
        try coder.words("access", &flags.rawValue, Words.memoryAccess)
        var bits = flags.rawValue & ~Words.bits(Words.memoryAccess) | meaninglessBits
        try coder.hexadecimal("other-access", &bits)
        guard coder.isReading else { return }
        // whether it has one, the file's revision tells
        meaninglessBits = bits & MemoryRegion.onceMeaningless
        flags.formUnion(Flags(rawValue: bits & ~MemoryRegion.onceMeaningless))
    }
}

extension Console: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.word("type", &kind.rawValue, Words.consoleKinds, default: 0)
        try coder.choice("access", &flags, .mmio, (clear: "pio", set: "mmio"))
        try coder.hexadecimal("address", &address)
        try coder.size("size", &size)
        try coder.choice("register-distance", &flags, .registerDistance4, (clear: "1 byte", set: "4 bytes"))
        try coder.choice("resolution", &flags, .framebuffer1920x1080, (clear: "1024x768", set: "1920x1080"))
        try coder.decimal("divider", &divider)
        try coder.hexadecimal("clock-register", &clockRegister)
        try coder.decimal("gate", &gateNumber)
        try coder.flag("inverted-gate", &flags, .invertedGate)
        try coder.flag("mdr-quirk", &flags, .mdrQuirk)
        try coder.otherBits("other-flags", &flags.rawValue, named: Flags.named.rawValue)
    }
}

extension CacheRegion: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.decimal("start", &start)
        try coder.decimal("size", &size, default: nil)
        try coder.word("type", &kind.rawValue, Words.cacheKinds, default: CacheRegion.Kind.both.rawValue)
        try coder.flag("root-shared", &flags, .rootShared)
        try coder.otherBits("other-flags", &flags.rawValue, named: Flags.rootShared.rawValue)
        try coder.hexadecimal("padding", &padding)
    }
}

extension InterruptChip: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.hexadecimal("address", &address, default: nil)
        try coder.hexadecimal("id", &id)
        try coder.decimal("pin-base", &pinBase)
        var numbers = pins
        try coder.numbers("pins", &numbers, in: Int(pinBase)...Int(pinBase) + 127)
        self = InterruptChip(address: address, id: id, pinBase: pinBase, pins: numbers)
    }
}

extension IOPortRegion: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.string("name", &name)
        try coder.hexadecimal("base", &base, default: nil)
        try coder.decimal("count", &count, default: nil)
    }
}

extension PCIDevice: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.word("type", &kind.rawValue, Words.pciDeviceKinds, default: PCIDevice.Kind.device.rawValue)
        try coder.pciAddress("bdf", &address, default: nil)
        try coder.hexadecimal("domain", &domain)
        try coder.decimal("iommu", &iommu)
        try coder.list("bar-masks", &barMasks, default: PCIDevice().barMasks, count: PCIDevice.barCount)
        try coder.decimal("first-capability", &firstCapability)
        try coder.decimal("capabilities", &capabilityCount)
        try coder.decimal("msi-vectors", &msiVectors)
        try coder.flag("msi-64-bit", &msiFlags, .address64)
        try coder.flag("msi-maskable", &msiFlags, .maskable)
        try coder.otherBits("other-msi-flags", &msiFlags.rawValue, named: MSIFlags.named.rawValue)
        try coder.decimal("msix-vectors", &msixVectors)
        try coder.size("msix-region-size", &msixRegionSize)
        try coder.hexadecimal("msix-address", &msixAddress)
        try coder.decimal("first-memory-region", &firstSharedMemoryRegion)
        try coder.decimal("peer-id", &sharedMemoryID)
        try coder.decimal("peers", &sharedMemoryPeers)
        try coder.hexadecimal("protocol", &sharedMemoryProtocol)
        if kind == .sharedMemory, let name = SharedMemoryLink.virtioName(of: sharedMemoryProtocol) {
            coder.comment(on: "protocol", name)
        }
    }
}

extension PCICapability: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        var plainID = id & ~PCICapability.extendedBit
        var isExtended = id & PCICapability.extendedBit != 0
        try coder.hexadecimal("id", &plainID, default: nil)
        try coder.boolean("extended", &isExtended)
        id = plainID | (isExtended ? PCICapability.extendedBit : 0)
        try coder.hexadecimal("start", &start, default: nil)
        try coder.decimal("length", &length, default: nil)
        try coder.flag("writable", &flags, .write)
        try coder.otherBits("other-flags", &flags.rawValue, named: Flags.write.rawValue)
    }
}

extension IOMMUUnit: SourceRecord {
    var variants: [IOMMUUnit] { [Kind.amd, .pvu, .none].map { IOMMUUnit(kind: $0) } }

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.word("type", &kind.rawValue, Words.iommuKinds, default: nil)
        try coder.hexadecimal("base", &base)
        try coder.size("size", &size)
        switch kind {
        case .amd:
            var part = amd
            try coder.pciAddress("bdf", &part.address, default: PCIAddress(rawValue: 0))
            try coder.hexadecimal("base-capability", &part.baseCapability)
            try coder.hexadecimal("msi-capability", &part.msiCapability)
            try coder.hexadecimal("features", &part.features)
            amd = part
            try coder.hexadecimal("more-details", &moreDetails)
        case .pvu:
            try coder.hexadecimal("tlb-base", &tlbBase)
            try coder.size("tlb-size", &tlbSize)
        default:
            try coder.hexadecimal("details", &details)
            try coder.hexadecimal("more-details", &moreDetails)
        }
    }
}

extension Console.Flags {
    static let named: Self = [.mmio, .registerDistance4, .framebuffer1920x1080, .invertedGate, .mdrQuirk]
}

extension PCIDevice.MSIFlags {
    static let named: Self = [.address64, .maskable]
}

extension SourceCoder {
    mutating func boolean(
        _ key: String, _ value: inout Bool, default standard: Bool = false
    ) throws(ConfigurationError) {
        try self.value(
            key, .boolean, &value, default: standard,
            read: { found throws(ConfigurationError) in try found.boolean() }, write: { $0 ? "true" : "false" }
        )
    }

    /// `"00:1f.2"`: bus, device and function, in hexadecimal.
    mutating func pciAddress(
        _ key: String, _ address: inout PCIAddress, default standard: PCIAddress?
    ) throws(ConfigurationError) {
        try value(
            key, .pciAddress, &address, default: standard,
            read: { found throws(ConfigurationError) in
                let text = try found.string()
                guard let address = PCIAddress(text) else {
                    throw found.error(
                        .invalidValue, "\"\(text)\" is no PCI address; write bus, device and function like \"00:1f.2\""
                    )
                }
                return address
            },
            write: { SourceText.string($0.description) }
        )
    }
}
