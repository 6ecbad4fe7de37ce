// SPDX-License-Identifier: Apache-2.0

/// An IOMMU of the machine.
package struct IOMMUUnit: Hashable, Sendable {
    /// Numbers without a name are kept; 0 marks an unused place in the list.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let none = Kind(rawValue: 0)
        package static let amd = Kind(rawValue: 1)
        package static let intel = Kind(rawValue: 2)
        package static let smmuV3 = Kind(rawValue: 3)
        package static let pvu = Kind(rawValue: 4)
        package static let mmu500 = Kind(rawValue: 5)
    }

    package var kind: Kind
    package var base: UInt64
    package var size: UInt32
    /// The rest of the record: what it means depends on the kind, see ``amd`` and the PVU's names below.
    package var details: UInt64
    package var moreDetails: UInt32

    package init(
        kind: Kind = .none, base: UInt64 = 0, size: UInt32 = 0, details: UInt64 = 0, moreDetails: UInt32 = 0
    ) {
        self.kind = kind
        self.base = base
        self.size = size
        self.details = details
        self.moreDetails = moreDetails
    }

    /// ``details`` as an AMD IOMMU has them.
    package struct AMD: Hashable, Sendable {
        package var address: PCIAddress
        package var baseCapability: UInt8
        package var msiCapability: UInt8
        package var features: UInt32

        package init(
            address: PCIAddress = PCIAddress(rawValue: 0), baseCapability: UInt8 = 0, msiCapability: UInt8 = 0,
            features: UInt32 = 0
        ) {
            self.address = address
            self.baseCapability = baseCapability
            self.msiCapability = msiCapability
            self.features = features
        }
    }

    package var amd: AMD {
        get {
            AMD(
                address: PCIAddress(rawValue: UInt16(truncatingIfNeeded: details)),
                baseCapability: UInt8(truncatingIfNeeded: details >> 16),
                msiCapability: UInt8(truncatingIfNeeded: details >> 24),
                features: UInt32(truncatingIfNeeded: details >> 32)
            )
        }
        set {
            details =
                UInt64(newValue.address.rawValue) | UInt64(newValue.baseCapability) << 16
                | UInt64(newValue.msiCapability) << 24 | UInt64(newValue.features) << 32
        }
    }

    /// ``details`` and ``moreDetails`` as a PVU has them.
    package var tlbBase: UInt64 {
        get { details }
        set { details = newValue }
    }
    package var tlbSize: UInt32 {
        get { moreDetails }
        set { moreDetails = newValue }
    }
}

/// What the hypervisor must know of the machine.
package struct Platform: Hashable, Sendable {
    /// PCI configuration space in memory; 0 when there is none.
    package var mmconfigBase: UInt64
    /// The last bus that it covers.
    package var mmconfigEndBus: UInt8
    /// 1: there is no PCI host controller, only the hypervisor's virtual one. Other values are kept.
    package var virtualPCI: UInt8
    package var pciDomain: UInt16
    /// At most eight; PCI devices refer to them by index.
    package var iommuUnits: [IOMMUUnit]
    /// The part that differs between architectures.
    package var specific: Specific

    /// The bytes that only other architectures use, without zeros at their end.
    package var reserved: [UInt8]

    package static let iommuUnitLimit = 8

    package enum Specific: Hashable, Sendable {
        case x86(X86Platform)
        case arm(ArmPlatform)

        /// With nothing said.
        package init(for architecture: Architecture) {
            self = architecture == .x86 ? .x86(X86Platform()) : .arm(ArmPlatform())
        }

        package func fits(_ architecture: Architecture) -> Bool {
            switch self {
            case .x86: architecture == .x86
            case .arm: architecture != .x86
            }
        }
    }

    package init(
        mmconfigBase: UInt64 = 0, mmconfigEndBus: UInt8 = 0, virtualPCI: UInt8 = 0, pciDomain: UInt16 = 0,
        iommuUnits: [IOMMUUnit] = [], specific: Specific = .x86(X86Platform()), reserved: [UInt8] = []
    ) {
        self.mmconfigBase = mmconfigBase
        self.mmconfigEndBus = mmconfigEndBus
        self.virtualPCI = virtualPCI
        self.pciDomain = pciDomain
        self.iommuUnits = iommuUnits
        self.specific = specific
        self.reserved = reserved
    }
}

/// The x86 part of ``Platform``.
package struct X86Platform: Hashable, Sendable {
    package struct APICMode: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let automatic = APICMode(rawValue: 0)
        package static let xAPIC = APICMode(rawValue: 1)
        package static let x2APIC = APICMode(rawValue: 2)
    }

    package var pmTimerPort: UInt16
    package var apicMode: APICMode
    /// Unused by the hypervisor: one byte, or three before revision 13.
    package var padding: UInt32
    /// The size of the VT-d interrupt remapping table, in entries.
    package var vtdInterruptLimit: UInt32
    /// 0: the hypervisor measures it.
    package var tscKHz: UInt32
    /// 0: the hypervisor measures it.
    package var apicKHz: UInt32

    package init(
        pmTimerPort: UInt16 = 0, apicMode: APICMode = .automatic, vtdInterruptLimit: UInt32 = 0, tscKHz: UInt32 = 0,
        apicKHz: UInt32 = 0, padding: UInt32 = 0
    ) {
        self.pmTimerPort = pmTimerPort
        self.apicMode = apicMode
        self.vtdInterruptLimit = vtdInterruptLimit
        self.tscKHz = tscKHz
        self.apicKHz = apicKHz
        self.padding = padding
    }
}

/// The Arm part of ``Platform``: the interrupt controller.
package struct ArmPlatform: Hashable, Sendable {
    package var maintenanceInterrupt: UInt8
    package var gicVersion: UInt8
    /// Unused by the hypervisor.
    package var padding: UInt16
    package var gicdBase: UInt64
    package var giccBase: UInt64
    package var gichBase: UInt64
    package var gicvBase: UInt64
    package var gicrBase: UInt64

    package init(
        maintenanceInterrupt: UInt8 = 0, gicVersion: UInt8 = 0, gicdBase: UInt64 = 0, giccBase: UInt64 = 0,
        gichBase: UInt64 = 0, gicvBase: UInt64 = 0, gicrBase: UInt64 = 0, padding: UInt16 = 0
    ) {
        self.maintenanceInterrupt = maintenanceInterrupt
        self.gicVersion = gicVersion
        self.gicdBase = gicdBase
        self.giccBase = giccBase
        self.gichBase = gichBase
        self.gicvBase = gicvBase
        self.gicrBase = gicrBase
        self.padding = padding
    }
}
