// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// Rules about ivshmem: virtual PCI devices through which cells share memory.
///
/// The hypervisor links the devices of several cells by their bdf alone. Each has a list of memory sections: the
/// state table, the section that all may write, and one for the output of each peer.
enum IvshmemRules {
    /// Of the hypervisor.
    static let peerLimit = 12
    static let vectorLimit: UInt16 = 16

    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1003", severity: .error, title: "an ivshmem device has all its sections among the memory regions",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "list the state table, the common section and one output section a peer, one after the other, and "
                + "set first-memory-region to the first of them, counted from 0; one that is not used stays empty"
        ) { cell in
            devices(of: cell).filter { $0.device.lastSection >= cell.memoryRegions.count }.map {
                .init(
                    location: $0.location,
                    message: "the device \($0.device.address) has its sections in memory[\($0.device.firstSection)] to "
                        + "memory[\($0.device.lastSection)], but there are \(cell.memoryRegions.count) regions"
                )
            }
                + oldDevices(of: cell).filter { $0.device.firstSection >= cell.memoryRegions.count }.map {
                    .init(
                        location: $0.location,
                        message:
                            "the device \($0.device.address) shares memory[\($0.device.firstSection)], but there are "
                            + "\(cell.memoryRegions.count) regions"
                    )
                }
        },
        Rule(
            id: "JH1004", severity: .error, title: "an ivshmem link has at most \(peerLimit) peers",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "number the peers from 0 to \(peerLimit - 1)"
        ) { cell in
            devices(of: cell).filter {
                $0.device.sharedMemoryID >= peerLimit || $0.device.sharedMemoryPeers > peerLimit
            }.map {
                .init(
                    location: $0.location,
                    message: "the device \($0.device.address) is peer \($0.device.sharedMemoryID) of "
                        + "\($0.device.sharedMemoryPeers)"
                )
            }
        },
        Rule(
            id: "JH1020", severity: .error, title: "an ivshmem device writes its own output section only",
            consequence:
                "a program that may write another peer's section can overwrite what that peer sends; one that may not "
                + "write its own is stopped at the first write, as a violation",
            remedy:
                "give \"write\" to the section of the device's own peer-id, and \"read\" alone to the state table and to "
                + "the other output sections"
        ) { cell in
            devices(of: cell).compactMap { _, device in wrongAccess(device, in: cell) }
        },
        Rule(
            id: "JH1005", severity: .error, title: "an ivshmem device has at most \(vectorLimit) vectors",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "lower msix-vectors; without MSI-X it is 0"
        ) { cell in
            devices(of: cell).filter { $0.device.msixVectors > vectorLimit }.map {
                .init(
                    location: $0.location,
                    message: "the device \($0.device.address) has \($0.device.msixVectors) MSI-X vectors"
                )
            }
        },
        Rule(
            id: "JH1006", severity: .warning, title: "the sections of an ivshmem device adjoin",
            consequence:
                "the device tells where the first section is and how long they are: programs compute the addresses of "
                + "the others from that, and look in the wrong place",
            remedy: "let each section begin where the one before it ends, and make all output sections of one size"
        ) { cell in
            devices(of: cell).compactMap { location, device in
                // where the index is wrong, JH1020 has said it
                guard let sections = device.sections(in: cell), wrongAccess(device, in: cell) == nil else { return nil }
                let used = sections.filter { $0.region.size > 0 }
                let gap = zip(used, used.dropFirst()).first { earlier, later in
                    earlier.region.virtualStart &+ earlier.region.size != later.region.virtualStart
                }
                guard let gap else { return nil }
                return .init(
                    location: location,
                    message:
                        "of the device \(device.address), memory[\(gap.0.index)] (\(gap.0.region.virtualText)) and "
                        + "memory[\(gap.1.index)] (\(gap.1.region.virtualText)) do not adjoin"
                )
            }
        },
        Rule(
            id: "JH1026", severity: .warning, title: "an ivshmem device has registers of whole pages",
            consequence: "drivers do not find the device's registers, or its MSI-X table, and give it up",
            remedy:
                "set bar-masks to [0xfffff000, 0, 0, 0, 0, 0], with MSI-X [0xfffff000, 0xfffff000, 0, 0, 0, 0]; where "
                + "Linux has pages of 64 KiB, 0xffff0000"
        ) { cell in
            devices(of: cell).compactMap { location, device in
                let mask = device.barMasks[0]
                let isPages = mask != 0 && mask.trailingZeroBitCount >= 12 && ~mask & (~mask &+ 1) == 0
                let surplus = device.barMasks.indices.dropFirst(device.msixVectors > 0 ? 2 : 1).first {
                    device.barMasks[$0] != 0
                }
                if !isPages {
                    return .init(
                        location: location,
                        message:
                            "the device \(device.address) has the mask \(hexadecimal(mask)) for BAR 0, its registers")
                }
                if device.msixVectors > 0, device.barMasks[1] == 0 {
                    return .init(
                        location: location,
                        message:
                            "the device \(device.address) has \(device.msixVectors) MSI-X vectors, and no mask of BAR 1"
                    )
                }
                return surplus.map {
                    .init(
                        location: location,
                        message: "the device \(device.address) has nothing behind BAR \($0), but the mask "
                            + hexadecimal(device.barMasks[$0]),
                        severity: .note)
                }
            }
        },
    ]

    /// The state table and others' output that may be written, own output that may not: one mistake, at the first of
    /// these sections.
    static func wrongAccess(
        _ device: PCIDevice, in cell: CellDescriptor
    ) -> Rule<CellDescriptor>.Violation? {
        guard let sections = device.sections(in: cell) else { return nil }
        var faults: [String] = []
        var first: Int?
        for (number, section) in zip(0..., sections) where number != 1 && section.region.size > 0 {
            // the common section belongs to all
            let isOwn = number == 2 + Int(device.sharedMemoryID)
            let isWritable = section.region.flags.contains(.write)
            guard isOwn != isWritable else { continue }
            first = first ?? section.index
            let name = number == 0 ? "the state table" : "the output section of peer \(number - 2)"
            faults.append(
                isWritable
                    ? "may write \(name) (memory[\(section.index)])"
                    : "may not write \(name), its own (memory[\(section.index)])")
        }
        return first.map {
            .init(
                location: "memory[\($0)]",
                message: "the device \(device.address) is peer \(device.sharedMemoryID), but "
                    + faults.joined(separator: ", and "))
        }
    }

    /// What a cell does to links that Linux has.
    static let linuxLinks: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH0511", severity: .error, title: "a cell takes no memory of Linux's ivshmem links",
            consequence:
                "creating the cell takes the memory from Linux: its next access to the link stops that CPU of Linux "
                + "for good",
            remedy: "add \"root-shared\" (root-shared = true in [[ivshmem]]), or use other memory"
        ) { placement in
            rootSections(placement).compactMap { device, sections in
                let taken = MemoryRules.regions(of: placement.cell).filter { _, region in
                    !region.flags.contains(.rootShared)
                        && sections.contains { region.physicalRange?.overlaps($0) ?? false }
                }
                guard let first = taken.first else { return nil }
                // one that is left private takes all its sections along
                let others = taken.dropFirst().map(\.location)
                return .init(
                    location: first.location,
                    message: "the region \(first.region.quotedName) (physical \(first.region.physicalText)) is memory "
                        + "of Linux's link \(device.address), and is not \"root-shared\""
                        + (others.isEmpty ? "" : "; nor are \(others.joined(separator: ", "))"), others: others)
            }
        },
        Rule(
            id: "JH1021", severity: .warning, title: "both ends of an ivshmem link have the same bdf",
            consequence: "the hypervisor links devices by their bdf alone: the two are never connected",
            remedy: "give the device the bdf that Linux's end has in the system"
        ) { placement in
            let links = rootSections(placement)
            return devices(of: placement.cell).compactMap { location, device in
                guard !links.contains(where: { $0.device.address == device.address }) else { return nil }
                let own = device.sections(in: placement.cell)?.compactMap(\.region.physicalRange) ?? []
                let other = links.first { link in
                    own.contains { range in link.sections.contains(where: range.overlaps) }
                }
                return other.map {
                    .init(
                        location: location,
                        message: "the device \(device.address) has memory of Linux's link \($0.device.address), but "
                            + "another bdf")
                }
            }
        },
    ]

    private static func rootSections(
        _ placement: SystemRules.Placement
    ) -> [(device: PCIDevice, sections: [AddressRange])] {
        let root = placement.system.rootCell
        return devices(of: root).map { _, device in
            (device, device.sections(in: root)?.compactMap(\.region.physicalRange) ?? [])
        }
    }

    /// A cell's devices against the root cell's.
    static let placement: [Rule<SystemRules.Placement>] =
        linuxLinks
        + IvshmemLink.rules(
            ids: (id: "JH1012", sections: "JH1013", protocol: "JH1014"), of: "the root cell", links: linksWithRoot
        )

    private static let linksWithRoot: @Sendable (SystemRules.Placement) -> [IvshmemLink] = { placement in
        let root = placement.system.rootCell
        let partners = Dictionary(devices(of: root).map { ($0.device.address, $0.device) }) { first, _ in first }
        return devices(of: placement.cell).compactMap { location, device in
            partners[device.address].map { partner in
                IvshmemLink(
                    location: location, path: nil, device: device, cell: placement.cell, partner: partner,
                    partnerCell: root, partnerName: "the root cell"
                )
            }
        }
    }

    /// The sections of links whose two ends differ, of which JH1013 and JH1014 speak.
    static func sectionsOfUnequalLinks(_ placement: SystemRules.Placement) -> Set<String> {
        let unequal = linksWithRoot(placement).filter { $0.differingSection != nil || !$0.agreesOnProtocol }
        return Set(unequal.flatMap { $0.device.sections(in: placement.cell) ?? [] }.map { "memory[\($0.index)]" })
    }

    /// Those of today. Before January 2020 the device was another one, which shares one region between two peers.
    static func devices(of cell: CellDescriptor) -> [(location: String, device: PCIDevice)] {
        cell.format.hasOldLinks ? [] : PCIRules.devices(of: cell).filter { $0.device.kind == .sharedMemory }
    }

    private static func oldDevices(of cell: CellDescriptor) -> [(location: String, device: PCIDevice)] {
        cell.format.hasOldLinks ? PCIRules.devices(of: cell).filter { $0.device.kind == .sharedMemory } : []
    }
}

extension PCIDevice {
    fileprivate var firstSection: Int { Int(firstSharedMemoryRegion) }

    /// Of an ivshmem device: the state table, the common section, and one a peer.
    fileprivate var lastSection: Int { firstSection + 1 + Int(sharedMemoryPeers) }

    /// The sections of an ivshmem device among the cell's regions: the state table, the common section, and one a peer.
    /// Nil when they are not all there.
    package func sections(in cell: CellDescriptor) -> [(index: Int, region: MemoryRegion)]? {
        guard lastSection < cell.memoryRegions.count else { return nil }
        return (firstSection...lastSection).map { ($0, cell.memoryRegions[$0]) }
    }
}
