// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Two ends of one link.
struct IvshmemLink {
    var location: String
    var path: String?
    var device: PCIDevice
    var cell: CellDescriptor
    var partner: PCIDevice
    var partnerCell: CellDescriptor
    /// `the root cell`, or a file.
    var partnerName: String

    var hasSameID: Bool { device.sharedMemoryID == partner.sharedMemoryID }

    /// The first section that is not the same memory at both ends; one that either leaves empty does not count.
    var differingSection: (index: Int, own: MemoryRegion, other: MemoryRegion)? {
        guard let own = device.sections(in: cell), let others = partner.sections(in: partnerCell) else { return nil }
        for (mine, other) in zip(own, others) where mine.region.size > 0 && other.region.size > 0 {
            if mine.region.physicalRange != other.region.physicalRange {
                return (mine.index, mine.region, other.region)
            }
        }
        return nil
    }

    var agreesOnProtocol: Bool { speaksSame && device.sharedMemoryPeers == partner.sharedMemoryPeers }

    private var speaksSame: Bool {
        let virtio: UInt16 = 0x8000
        // the two ends of a virtio device differ in one bit
        let backEnd: UInt16 = 0x4000
        let (own, other) = (device.sharedMemoryProtocol, partner.sharedMemoryProtocol)
        return own == other || (own & other & virtio != 0 && own ^ other == backEnd)
    }

    /// `the protocol 0x1, but 0x2 in the root cell`
    var difference: String {
        var own: [String] = []
        var others: [String] = []
        if !speaksSame {
            own.append("the protocol " + SharedMemoryLink.protocolText(device.sharedMemoryProtocol))
            others.append(SharedMemoryLink.protocolText(partner.sharedMemoryProtocol))
        }
        if device.sharedMemoryPeers != partner.sharedMemoryPeers {
            own.append("\(device.sharedMemoryPeers) peers")
            others.append("\(partner.sharedMemoryPeers)")
        }
        return own.joined(separator: " and ") + ", but \(others.joined(separator: " and ")) in \(partnerName)"
    }

    static func rules<Subject>(
        ids: (id: String, sections: String, protocol: String), of whose: String,
        links: @escaping @Sendable (Subject) -> [IvshmemLink]
    ) -> [Rule<Subject>] {
        [
            Rule(
                id: ids.id, severity: .error, title: "an ivshmem peer's id is not that of \(whose)",
                consequence: "creating the cell that comes second fails with EBUSY",
                remedy: "give each peer of a link an id of its own: 0, 1, …"
            ) { subject in
                links(subject).filter(\.hasSameID).map {
                    .init(
                        location: $0.location,
                        message: "the device \($0.device.address) is peer \($0.device.sharedMemoryID), as it is in "
                            + $0.partnerName,
                        path: $0.path
                    )
                }
            },
            Rule(
                id: ids.sections, severity: .error, title: "an ivshmem device shares the same memory as in \(whose)",
                consequence:
                    "the hypervisor links devices by their bdf alone and does not compare: each side writes where the "
                    + "other does not look",
                remedy:
                    "use the same physical addresses and sizes at both ends or, if they are not one link, another bdf"
            ) { subject in
                links(subject).compactMap { link in
                    link.differingSection.map { section in
                        .init(
                            location: "memory[\(section.index)]",
                            message:
                                "the device \(link.device.address) shares physical \(section.own.physicalText) here, "
                                + "but \(section.other.physicalText) in \(link.partnerName)",
                            path: link.path
                        )
                    }
                }
            },
            Rule(
                id: ids.protocol, severity: .warning, title: "an ivshmem device speaks the protocol of \(whose)",
                consequence:
                    "the hypervisor does not compare (old releases did, and refuse it with EINVAL): drivers that "
                    + "expect different things meet, or none is found",
                remedy:
                    "set the same \"protocol\" and \"peers\" at both ends; the ends of a virtio device differ in bit 14"
            ) { subject in
                // with other memory it is another link, of which the protocol says nothing
                links(subject).filter { $0.differingSection == nil && !$0.agreesOnProtocol }.map {
                    .init(
                        location: $0.location,
                        message: "the device \($0.device.address) has \($0.difference)", path: $0.path
                    )
                }
            },
        ]
    }
}
