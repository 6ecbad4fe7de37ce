// SPDX-License-Identifier: Apache-2.0

/// A PCI device that the cell owns, or one that the hypervisor makes for it (ivshmem).
package struct PCIDevice: Hashable, Sendable {
    /// Numbers without a name are kept.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let device = Kind(rawValue: 1)
        package static let bridge = Kind(rawValue: 2)
        package static let sharedMemory = Kind(rawValue: 3)
    }

    /// What the device's message-signalled interrupts can do.
    package struct MSIFlags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let address64 = MSIFlags(rawValue: 0x1)
        package static let maskable = MSIFlags(rawValue: 0x2)
    }

    package var kind: Kind
    /// Index of the IOMMU unit in the system configuration.
    package var iommu: UInt8
    package var domain: UInt16
    package var address: PCIAddress
    /// One a base address register, six in all: the bits that can be written.
    package var barMasks: [UInt32]
    /// Index of its first capability in the cell's list, and how many follow.
    package var firstCapability: UInt16
    package var capabilityCount: UInt16
    package var msiVectors: UInt8
    package var msiFlags: MSIFlags
    package var msixVectors: UInt16
    /// Of the MSI-X table, in bytes.
    package var msixRegionSize: UInt16
    package var msixAddress: UInt64
    /// Index of the first of the memory regions that an ivshmem device shares.
    package var firstSharedMemoryRegion: UInt32
    /// The number of this end of the link, below ``sharedMemoryPeers``.
    package var sharedMemoryID: UInt8
    package var sharedMemoryPeers: UInt8
    package var sharedMemoryProtocol: UInt16

    package static let barCount = 6

    package init(
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
package struct PCICapability: Hashable, Sendable {
    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        package static let write = Flags(rawValue: 0x1)
    }

    /// The bit in ``id`` that marks an extended (PCI Express) capability.
    package static let extendedBit: UInt16 = 0x8000

    package var id: UInt16
    /// Offset and length in the configuration space, in bytes.
    package var start: UInt16
    package var length: UInt16
    package var flags: Flags

    package init(id: UInt16 = 0, start: UInt16 = 0, length: UInt16 = 0, flags: Flags = []) {
        self.id = id
        self.start = start
        self.length = length
        self.flags = flags
    }
}
