/// A PCI device that the cell owns, or one that the hypervisor makes for it (ivshmem).
public struct PCIDevice: Hashable, Sendable {
    /// Numbers without a name are kept.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        public static let device = Kind(rawValue: 1)
        public static let bridge = Kind(rawValue: 2)
        public static let sharedMemory = Kind(rawValue: 3)
    }

    /// What the device's message-signalled interrupts can do.
    public struct MSIFlags: OptionSet, Hashable, Sendable {
        public var rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        public static let address64 = MSIFlags(rawValue: 0x1)
        public static let maskable = MSIFlags(rawValue: 0x2)
    }

    public var kind: Kind
    /// Index of the IOMMU unit in the system configuration.
    public var iommu: UInt8
    public var domain: UInt16
    public var address: PCIAddress
    /// One a base address register, six in all: the bits that can be written.
    public var barMasks: [UInt32]
    /// Index of its first capability in the cell's list, and how many follow.
    public var firstCapability: UInt16
    public var capabilityCount: UInt16
    public var msiVectors: UInt8
    public var msiFlags: MSIFlags
    public var msixVectors: UInt16
    /// Of the MSI-X table, in bytes.
    public var msixRegionSize: UInt16
    public var msixAddress: UInt64
    /// Index of the first of the memory regions that an ivshmem device shares.
    public var firstSharedMemoryRegion: UInt32
    /// The number of this end of the link, below ``sharedMemoryPeers``.
    public var sharedMemoryID: UInt8
    public var sharedMemoryPeers: UInt8
    public var sharedMemoryProtocol: UInt16

    public static let barCount = 6

    public init(
        kind: Kind = .device, iommu: UInt8 = 0, domain: UInt16 = 0, address: PCIAddress = PCIAddress(rawValue: 0),
        barMasks: [UInt32] = Array(repeating: 0, count: barCount), firstCapability: UInt16 = 0,
        capabilityCount: UInt16 = 0, msiVectors: UInt8 = 0, msiFlags: MSIFlags = [], msixVectors: UInt16 = 0,
        msixRegionSize: UInt16 = 0, msixAddress: UInt64 = 0, firstSharedMemoryRegion: UInt32 = 0,
        sharedMemoryID: UInt8 = 0, sharedMemoryPeers: UInt8 = 0, sharedMemoryProtocol: UInt16 = 0
    ) {
        self.kind = kind
        self.iommu = iommu
        self.domain = domain
        self.address = address
        self.barMasks = barMasks
        self.firstCapability = firstCapability
        self.capabilityCount = capabilityCount
        self.msiVectors = msiVectors
        self.msiFlags = msiFlags
        self.msixVectors = msixVectors
        self.msixRegionSize = msixRegionSize
        self.msixAddress = msixAddress
        self.firstSharedMemoryRegion = firstSharedMemoryRegion
        self.sharedMemoryID = sharedMemoryID
        self.sharedMemoryPeers = sharedMemoryPeers
        self.sharedMemoryProtocol = sharedMemoryProtocol
    }
}

/// A capability in the configuration space of a PCI device.
public struct PCICapability: Hashable, Sendable {
    public struct Flags: OptionSet, Hashable, Sendable {
        public var rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        public static let write = Flags(rawValue: 0x1)
    }

    /// The bit in ``id`` that marks an extended (PCI Express) capability.
    public static let extendedBit: UInt16 = 0x8000

    public var id: UInt16
    /// Offset and length in the configuration space, in bytes.
    public var start: UInt16
    public var length: UInt16
    public var flags: Flags

    public init(id: UInt16 = 0, start: UInt16 = 0, length: UInt16 = 0, flags: Flags = []) {
        self.id = id
        self.start = start
        self.length = length
        self.flags = flags
    }
}
