// SPDX-License-Identifier: Apache-2.0

/// One end of a link between cells through shared memory (ivshmem): a virtual PCI device and the regions behind it.
///
/// The regions follow each other without gaps: a table with the state of each peer, which all may read; a section
/// that all may write; and for each peer a section that it alone may write. In the binary format they are ordinary
/// memory regions, and the device has the index of the first.
package struct SharedMemoryLink: Hashable, Sendable {
    /// For people, as a region's; the regions' names begin with it.
    package var name: String
    package var address: PCIAddress
    package var domain: UInt16
    package var iommu: UInt8
    /// The number of this end, below ``peers``.
    package var peerID: UInt8
    package var peers: UInt8
    package var linkProtocol: UInt16
    /// 0: one legacy interrupt.
    package var msixVectors: UInt16
    package var barMasks: [UInt32]
    /// Of the state table, in the machine and as the cell sees it; the other regions follow.
    package var physicalStart: UInt64
    package var virtualStart: UInt64
    /// Sizes in bytes; without a common section or output sections their regions are empty, at address 0.
    package var stateTableSize: UInt64
    package var commonSize: UInt64
    package var outputSize: UInt64
    /// Whether the regions are marked as the root cell's, too.
    package var isRootShared: Bool

    package init(
        name: String = "", address: PCIAddress = PCIAddress(rawValue: 0), domain: UInt16 = 0, iommu: UInt8 = 0,
        peerID: UInt8 = 0, peers: UInt8 = 2, linkProtocol: UInt16 = 0, msixVectors: UInt16 = 0,
        barMasks: [UInt32]? = nil, physicalStart: UInt64 = 0, virtualStart: UInt64? = nil,
        stateTableSize: UInt64 = standardStateTableSize, commonSize: UInt64 = 0, outputSize: UInt64 = 0,
        isRootShared: Bool = true
    ) {
        self.name = name
        self.address = address
        self.domain = domain
        self.iommu = iommu
        self.peerID = peerID
        self.peers = peers
        self.linkProtocol = linkProtocol
        self.msixVectors = msixVectors
        self.barMasks = barMasks ?? SharedMemoryLink.usualBARMasks(msixVectors: msixVectors)
        self.physicalStart = physicalStart
        self.virtualStart = virtualStart ?? physicalStart
        self.stateTableSize = stateTableSize
        self.commonSize = commonSize
        self.outputSize = outputSize
        self.isRootShared = isRootShared
    }

    package static let standardStateTableSize: UInt64 = 0x1000

    /// Registers in the first BAR, and the MSI-X table, if there is one, in the second; a page each.
    package static func usualBARMasks(msixVectors: UInt16) -> [UInt32] {
        [0xffff_f000, msixVectors == 0 ? 0 : 0xffff_f000, 0, 0, 0, 0]
    }

    /// How many regions the device has: state table, common section, and one section a peer.
    package static func regionCount(peers: UInt8) -> Int { 2 + Int(peers) }

    /// Nil when they go beyond 2^64.
    package var regions: [MemoryRegion]? {
        let shared: MemoryRegion.Flags = isRootShared ? .rootShared : []
        let sections: [(name: String, size: UInt64, flags: MemoryRegion.Flags)] =
            [("state table", stateTableSize, [.read]), ("common section", commonSize, [.read, .write])]
            + (0..<peers).map { ("output of peer \($0)", outputSize, $0 == peerID ? [.read, .write] : [.read]) }
        var regions: [MemoryRegion] = []
        var offset: UInt64 = 0
        for (index, section) in sections.enumerated() {
            // the device has a state table in any case; virtio needs no output sections
            if index > 0 && section.size == 0 {
                regions.append(MemoryRegion())
                continue
            }
            let (physical, overflow) = physicalStart.addingReportingOverflow(offset)
            let (virtual, virtualOverflow) = virtualStart.addingReportingOverflow(offset)
            let (end, endOverflow) = offset.addingReportingOverflow(section.size)
            guard !overflow, !virtualOverflow, !endOverflow else { return nil }
            regions.append(
                MemoryRegion(
                    name: "\(label): \(section.name)", physicalStart: physical, virtualStart: virtual,
                    size: section.size, flags: section.flags.union(shared)))
            offset = end
        }
        return regions
    }

    /// Without a name, what it is by its protocol; where that is not known, its address.
    private var label: String { name.isEmpty ? SharedMemoryLink.kindName(of: linkProtocol) ?? unnamed : name }

    private var unnamed: String { "ivshmem \(address)" }

    package func device(firstRegion: UInt32) -> PCIDevice {
        PCIDevice(
            kind: .sharedMemory, iommu: iommu, domain: domain, address: address, barMasks: barMasks,
            msixVectors: msixVectors, firstSharedMemoryRegion: firstRegion, sharedMemoryID: peerID,
            sharedMemoryPeers: peers, sharedMemoryProtocol: linkProtocol
        )
    }

    /// The link of a device among its cell's regions; nil when the device is none, or is not laid out as one.
    package init?(_ device: PCIDevice, in regions: [MemoryRegion]) {
        guard device.kind == .sharedMemory, let first = Int(exactly: device.firstSharedMemoryRegion),
            device.sharedMemoryID < device.sharedMemoryPeers,
            regions.count - first >= SharedMemoryLink.regionCount(peers: device.sharedMemoryPeers)
        else { return nil }
        let state = regions[first]
        self.init(
            address: device.address, domain: device.domain, iommu: device.iommu, peerID: device.sharedMemoryID,
            peers: device.sharedMemoryPeers, linkProtocol: device.sharedMemoryProtocol,
            msixVectors: device.msixVectors, barMasks: device.barMasks, physicalStart: state.physicalStart,
            virtualStart: state.virtualStart, stateTableSize: state.size, commonSize: regions[first + 1].size,
            outputSize: regions[first + 2].size, isRootShared: state.flags.contains(.rootShared)
        )
        let found = regions[first..<first + SharedMemoryLink.regionCount(peers: peers)].map(\.withoutName)
        guard self.device(firstRegion: device.firstSharedMemoryRegion) == device,
            self.regions?.map(\.withoutName) == found
        else { return nil }
        let suffix = ": state table"
        if state.name.hasSuffix(suffix) {
            let before = String(state.name.dropLast(suffix.count))
            name = before == unnamed ? "" : before
        } else {
            name = SharedMemoryLink.kindName(of: linkProtocol) ?? ""
        }
    }

    /// A virtual Ethernet.
    static let networkProtocol: UInt16 = 1

    /// `0xc002 (virtio block, back end)`; the number alone where nothing is known of it.
    package static func protocolText(_ linkProtocol: UInt16) -> String {
        "0x\(String(linkProtocol, radix: 16))" + (kindName(of: linkProtocol).map { " (\($0))" } ?? "")
    }

    /// What the link is for; nil for a protocol that is not known.
    private static func kindName(of linkProtocol: UInt16) -> String? {
        linkProtocol == networkProtocol ? "network" : virtioName(of: linkProtocol)
    }

    /// `virtio block, front end`: the kind of device of a virtio link, and which end of it; nil for another protocol.
    ///
    /// The numbers of devices are those of the Virtual I/O Device specification, section 5.
    package static func virtioName(of linkProtocol: UInt16) -> String? {
        guard linkProtocol & 0x8000 != 0 else { return nil }
        let number = linkProtocol & 0x3fff
        let kinds: [UInt16: String] = [
            1: "network", 2: "block", 3: "console", 4: "entropy", 5: "balloon", 8: "SCSI", 9: "9P", 16: "GPU",
            18: "input",
            19: "socket", 26: "file system",
        ]
        let isBackEnd = linkProtocol & 0x4000 != 0
        return "virtio \(kinds[number] ?? "device \(number)"), \(isBackEnd ? "back end" : "front end")"
    }
}

extension MemoryRegion {
    fileprivate var withoutName: MemoryRegion {
        var region = self
        region.name = ""
        return region
    }
}
