// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the memory regions of one cell, the root cell included.
enum MemoryRules {
    static let pageSize: UInt64 = 4096

    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH0201", severity: .warning, title: "a memory region has a size",
            consequence: "the cell does not have it: the first access there ends the cell",
            remedy: "give its size, or remove it; the section of a link that is not used has no access either",
            isSaidOnce: true
        ) { cell in
            let links = IvshmemRules.devices(of: cell).map(\.device)
            let sections = Set(links.flatMap { $0.sections(in: cell) ?? [] }.map(\.index))
            // what a link's wrong index leaves over is JH1020's, or JH1003's
            let isMisplaced = links.contains {
                $0.sections(in: cell) == nil || IvshmemRules.wrongAccess($0, in: cell) != nil
            }
            return cell.memoryRegions.enumerated().compactMap { index, region in
                guard region.size == 0, !region.isPlaceholder || !(isMisplaced || sections.contains(index)) else {
                    return nil
                }
                return .init(
                    location: "memory[\(index)]",
                    message: region.isPlaceholder
                        ? "the entry is empty, and is no section of an ivshmem device"
                        : "the region \(region.quotedName) has the size 0",
                    // no program looks for it
                    severity: region.isPlaceholder ? .note : nil)
            }
        },
        Rule(
            id: "JH0202", severity: .error, title: "a memory region ends within the address space",
            consequence: "the hypervisor does not check it and maps something else",
            remedy: "correct the address or the size"
        ) { cell in
            regions(of: cell).filter { !$0.region.endsWithinAddresses }.map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) of \(hexadecimal($0.region.size)) bytes at "
                        + "\(hexadecimal($0.region.physicalStart)), seen at \(hexadecimal($0.region.virtualStart)), ends "
                        + "beyond the last address"
                )
            }
        },
        Rule(
            id: "JH0203", severity: .error, title: "memory is given in whole pages of 4 KiB",
            consequence: "the hypervisor does not check it: the cell sees other memory than was meant",
            remedy: "begin at a multiple of 0x1000"
        ) { cell in
            // of a region that is no whole page, JH0204 speaks
            regions(of: cell).filter { !$0.region.isSubPage && $0.region.misalignedStart != nil }.map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) begins at \(hexadecimal($0.region.physicalStart)), "
                        + "which is not page-aligned"
                )
            }
        },
        Rule(
            id: "JH0204", severity: .error, title: "parts of a page are for device registers only",
            consequence:
                "the hypervisor checks each access to such a region, and refuses it unless its width is allowed: "
                + "the cell ends with an invalid MMIO access; if it is the root cell, that CPU of Linux stops",
            remedy: "use whole pages (multiples of 0x1000) or, for registers, say the widths in \"access\": "
                + "\"io\" with \"io-8\", \"io-16\", \"io-32\" or \"io-64\"",
            isSaidOnce: true
        ) { cell in
            // the communication region has a rule of its own
            regions(of: cell).filter {
                $0.region.isSubPage && $0.region.flags.isDisjoint(with: [.ioWidths, .communicationRegion])
            }.map {
                .init(
                    location: $0.location,
                    message: $0.region.size % pageSize == 0
                        ? "the region \($0.region.quotedName) begins at virtual \(hexadecimal($0.region.virtualStart)), "
                            + "which is not page-aligned"
                        : "the region \($0.region.quotedName) at \(hexadecimal($0.region.virtualStart)) has "
                            + "\(hexadecimal($0.region.size)) bytes, which are no whole pages"
                )
            }
        },
        Rule(
            id: "JH0205", severity: .error, title: "regions do not overlap where the cell sees them",
            consequence: "the hypervisor does not check it: the region that comes later in the list hides the other",
            remedy: "move one of them, or make it smaller"
        ) { cell in
            overlaps(in: cell) { !$0.concernsCommunication && !$0.isSameMemory }
        },
        Rule(
            id: "JH0206", severity: .warning, title: "a cell has each piece of memory once",
            consequence:
                "it is reached at two addresses or, at one address, with the access that the later region gives",
            remedy: "let one region end where the other begins; if it is seen twice on purpose, leave it so",
            isSaidOnce: true
        ) { cell in
            let aliases = AddressRange.overlaps(
                in: cell.memoryRegions.enumerated().compactMap { index, region in
                    region.physicalRange.map { (index: index, range: $0) }
                })
            return aliases.map { Overlap(cell, $0, $1) }.map { pair in
                // beside a link's section, the region that is none is the one in the wrong place
                let isFirstWrong =
                    !pair.first.flags.contains(.rootShared) && pair.second.flags.contains(.rootShared)
                let (own, other) = isFirstWrong ? (pair.first, pair.second) : (pair.second, pair.first)
                let (place, otherPlace) = (pair.location, "memory[\(pair.firstIndex)]")
                return .init(
                    location: isFirstWrong ? otherPlace : place,
                    message:
                        "the region \(own.quotedName) has physical memory (\(own.physicalText)) that "
                        + "\(other.quotedName) (\(isFirstWrong ? place : otherPlace), \(other.physicalText)) has, too"
                )
            }
        },
        Rule(
            id: "JH0207", severity: .warning, title: "an Arm cell's RAM is not mapped as a device's registers",
            consequence:
                "the processor does not cache it, and refuses unaligned and exclusive accesses: the program is slow, and "
                + "ends with an exception at the first lock or string that it copies",
            remedy: "remove \"io\" from the region's access",
            isSaidOnce: true
        ) { cell in
            guard cell.architecture != .x86, !cell.isArchitectureGuessed else { return [] }
            return regions(of: cell).filter { _, region in
                region.flags.contains(.io) && region.holdsPrograms
            }.map { .init(location: $0.location, message: "the region \($0.region.quotedName) is RAM, and \"io\"") }
        },
    ]

    /// Two regions of a cell, the later one in the list second.
    struct Overlap {
        let firstIndex: Int
        let first: MemoryRegion
        let second: MemoryRegion
        let location: String

        init(_ cell: CellDescriptor, _ one: Int, _ other: Int) {
            let (former, latter) = (min(one, other), max(one, other))
            (firstIndex, first, second) = (former, cell.memoryRegions[former], cell.memoryRegions[latter])
            location = "memory[\(latter)]"
        }

        var concernsCommunication: Bool {
            first.flags.union(second.flags).contains(.communicationRegion)
        }

        /// Whether both show the same memory wherever they overlap: of the two, the access alone can differ.
        var isSameMemory: Bool {
            first.physicalStart &- first.virtualStart == second.physicalStart &- second.virtualStart
        }
    }

    /// Pairs of regions over each other, as the cell sees them.
    static func overlaps(
        in cell: CellDescriptor, where isMeant: (Overlap) -> Bool
    ) -> [Rule<CellDescriptor>.Violation] {
        let ranges = cell.memoryRegions.enumerated().compactMap { index, region in
            region.virtualRange.map { (index: index, range: $0) }
        }
        return AddressRange.overlaps(in: ranges, where: { isMeant(Overlap(cell, $0, $1)) }).map { first, second in
            let pair = Overlap(cell, first, second)
            return .init(
                location: pair.location,
                message: "the region \(pair.second.quotedName) (\(pair.second.virtualText)) lies over "
                    + "\(pair.first.quotedName) (memory[\(pair.firstIndex)], \(pair.first.virtualText))"
            )
        }
    }

    /// Those that are more than an empty place, with their key paths.
    static func regions(of cell: CellDescriptor) -> [(location: String, region: MemoryRegion)] {
        cell.memoryRegions.enumerated().filter { !$0.element.isPlaceholder }
            .map { (location: "memory[\($0.offset)]", region: $0.element) }
    }
}

extension MemoryRegion {
    var quotedName: String { "\"\(label)\"" }

    var virtualText: String { virtualRange?.text ?? hexadecimal(virtualStart) }

    var physicalText: String { physicalRange?.text ?? hexadecimal(physicalStart) }

    /// Whether it is RAM: a cell's is loaded, Linux's may be executed and is for DMA.
    var holdsPrograms: Bool { flags.contains(.loadable) || flags.isSuperset(of: [.execute, .dma]) }

    /// As the hypervisor sees it: such a region is not mapped, each access is looked at.
    var isSubPage: Bool { (virtualStart | size) % MemoryRules.pageSize != 0 }

    fileprivate var misalignedStart: UInt64? {
        flags.contains(.communicationRegion) || physicalStart % MemoryRules.pageSize == 0 ? nil : physicalStart
    }

    fileprivate var endsWithinAddresses: Bool {
        let extent = max(size, 1) - 1
        return !physicalStart.addingReportingOverflow(extent).overflow
            && !virtualStart.addingReportingOverflow(extent).overflow
    }
}
