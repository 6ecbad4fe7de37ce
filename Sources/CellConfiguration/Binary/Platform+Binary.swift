// SPDX-License-Identifier: Apache-2.0

// The description of the platform in a system. Offsets are those of revision 14, from the record's beginning.

extension IOMMUUnit: BinaryRecord {
    static let blank = IOMMUUnit()

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        let size = coder.format.iommuSize
        if !coder.isReading { try checkKind(in: coder.format) }
        if size > 20 { try coder.field(&kind.rawValue) }  // 0
        try coder.field(&base)  // 4
        try coder.field(&self.size)  // 12
        try coder.field(&details)  // 16
        if size > 24 { try coder.field(&moreDetails) }  // 24
        if size == 20 && coder.isReading { kind = typicalKind }
    }

    /// Of a unit whose record has no type: on x86 there were AMD's and Intel's.
    private var typicalKind: Kind {
        if base == 0 { return .none }
        return amd.address.rawValue != 0 && amd.baseCapability != 0 ? .amd : .intel
    }

    private func checkKind(in format: FormatVariant) throws(ConfigurationError) {
        if format.iommuSize < 28 && moreDetails != 0 {
            throw .inexpressible("an IOMMU unit with more than 24 bytes of details", in: format)
        }
        if format.iommuSize < 24 && ![.none, .amd, .intel].contains(kind) {
            throw .inexpressible("an IOMMU unit that is neither Intel's nor AMD's", in: format)
        }
    }
}

extension Platform {
    mutating func code(
        _ coder: inout RecordCoder, _ architecture: Architecture
    ) throws(ConfigurationError) {
        guard iommuUnits.count <= Platform.iommuUnitLimit else {
            throw ConfigurationError(.outOfRange, "a system has at most 8 IOMMU units, not \(iommuUnits.count)")
        }
        let format = coder.format
        try coder.field(&mmconfigBase)  // 0
        try coder.field(&mmconfigEndBus)  // 8
        try coder.field(&virtualPCI)  // 9
        try coder.field(&pciDomain)  // 10
        if format.hasIOMMUsFirst { try codeUnits(&coder) }  // 12
        switch specific {  // 236
        case .x86(var part):
            try part.code(&coder)
            specific = .x86(part)
        case .arm(var part):
            try part.code(&coder)
            specific = .arm(part)
        }
        if !format.hasIOMMUsFirst {
            if format.hasArmIOMMUs || architecture == .x86 {
                try codeUnits(&coder)
            } else if !iommuUnits.isEmpty {
                throw .inexpressible("an IOMMU unit of an Arm system", in: format)
            }
        }
        let room = format.reservedSize(architecture)
        guard reserved.count <= room else {
            throw .inexpressible("\(reserved.count) reserved bytes of the platform (there are \(room))", in: format)
        }
        try coder.padded(&reserved, width: room)
    }

    private mutating func codeUnits(_ coder: inout RecordCoder) throws(ConfigurationError) {
        var units = iommuUnits + repeatElement(IOMMUUnit(), count: Platform.iommuUnitLimit - iommuUnits.count)
        try coder.list(&units, count: units.count)
        while units.last == IOMMUUnit() { units.removeLast() }
        iommuUnits = units
    }
}

extension X86Platform {
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&pmTimerPort)  // 0
        if coder.format.hasPaddedPlatform {
            try coder.field(&apicMode.rawValue)  // 2
            try coder.field(&padding, width: 1)  // 3
            try coder.field(&vtdInterruptLimit)  // 4
        } else {
            try coder.field(&vtdInterruptLimit)
            try coder.field(&apicMode.rawValue)
            try coder.field(&padding, width: 3)
        }
        try coder.field(&tscKHz)  // 8
        try coder.field(&apicKHz)  // 12
    }
}

extension ArmPlatform {
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&maintenanceInterrupt)  // 0
        try coder.field(&gicVersion)  // 1
        if coder.format.hasPaddedPlatform { try coder.field(&padding) }  // 2
        try coder.field(&gicdBase)  // 4
        try coder.field(&giccBase)  // 12
        try coder.field(&gichBase)  // 20
        try coder.field(&gicvBase)  // 28
        try coder.field(&gicrBase)  // 36
    }
}
