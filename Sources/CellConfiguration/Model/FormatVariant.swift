// SPDX-License-Identifier: Apache-2.0

/// A layout of the binary format. Upstream changed the layout several times without changing the revision's number; each
/// of these is one such state (include/jailhouse/cell-config.h at the commits that changed it).
package enum FormatVariant: String, CaseIterable, Hashable, Sendable {
    /// Releases v0.10 and v0.11: a bitmap of I/O ports, no stream ids, IOMMU units without a type.
    case r10 = "10"
    /// July 2019: port regions in place of the bitmap.
    case r11a = "11a"
    /// From 11 August 2019: IOMMU units have a type.
    case r11b = "11b"
    /// 24 August 2019: Arm systems have IOMMU units.
    case r11c = "11c"
    /// From 24 August 2019: stream ids. ivshmem devices are those of v0.11.
    case r12a = "12a"
    /// From 6 January 2020: today's ivshmem devices.
    case r12b = "12b"
    /// From 13 January 2020: IOMMU units of 28 bytes.
    case r12c = "12c"
    /// Release v0.12: the bit of memory regions that meant unaligned accesses means no huge pages.
    case r12d = "12d"
    /// 1 June 2020: the IOMMU units come before what differs between architectures.
    case r13a = "13a"
    /// Until January 2023: other paddings.
    case r13b = "13b"
    case r14 = "14"

    package var revision: FormatRevision {
        switch self {
        case .r10: .revision10
        case .r11a, .r11b, .r11c: .revision11
        case .r12a, .r12b, .r12c, .r12d: .revision12
        case .r13a, .r13b: .revision13
        case .r14: .revision14
        }
    }

    /// Whether this is the layout that is meant when only the revision is given.
    package var isStandard: Bool { revision.standard == self }
}

extension FormatRevision {
    /// The layout of its release or, when it was in none, the last one that lasted.
    package var standard: FormatVariant {
        switch self {
        case .revision10: .r10
        case .revision11: .r11b
        case .revision12: .r12d
        case .revision13: .r13b
        case .revision14: .r14
        }
    }

    /// The standard layout first.
    var variants: [FormatVariant] {
        [standard] + FormatVariant.allCases.filter { $0.revision == self && $0 != standard }
    }
}

extension FormatVariant {
    /// From a revision's number, for its standard layout, or that of a layout: `12`, `12a`.
    package init?(word: String) {
        if let number = UInt16(word), let revision = FormatRevision(rawValue: number) {
            self = revision.standard
        } else {
            self.init(rawValue: word)
        }
    }

    /// Whether a hypervisor that was built for this layout reads a file that says it has the other: the same one, or one
    /// with everything in the same places whose ivshmem devices are not of another kind.
    package func reads(_ other: FormatVariant, hasLinks: Bool) -> Bool {
        self == other
            || hasSamePlaces(as: other) && revision == other.revision && (!hasLinks || hasOldLinks == other.hasOldLinks)
    }

    /// Whether all the bytes that another layout has are at the same offsets.
    func hasSamePlaces(as other: FormatVariant) -> Bool {
        rootOffset == other.rootOffset && iommuSize == other.iommuSize && cellSize == other.cellSize
            && hasArmIOMMUs == other.hasArmIOMMUs && hasIOMMUsFirst == other.hasIOMMUsFirst
    }
}

// Sizes and offsets in bytes.
extension FormatVariant {
    /// Whether the allowed I/O ports are a bitmap rather than regions.
    var hasPortBitmap: Bool { self == .r10 }

    var hasStreamIDs: Bool { revision.rawValue >= 12 }

    /// Whether ivshmem devices are those of v0.11: one memory region, two peers.
    package var hasOldLinks: Bool { revision.rawValue <= 11 || self == .r12a }

    /// Whether bit 8 of a memory region's flags means unaligned accesses, as bit 15 does later.
    var hasEarlyUnalignedBit: Bool { revision.rawValue <= 11 || [.r12a, .r12b, .r12c].contains(self) }

    /// The bit of a memory region's flags that means nothing, although later layouts have it.
    var meaninglessMemoryBit: UInt64 { hasEarlyUnalignedBit ? MemoryRegion.Flags.ioUnaligned.rawValue : 0 }

    /// The same of a cell's flags. In files of revision 12 a vendor has it.
    var meaninglessCellFlag: UInt32 { revision.rawValue <= 11 ? CellDescriptor.Flags.aarch32.rawValue : 0 }

    /// Of a cell's descriptor, before its lists.
    var cellSize: Int { hasStreamIDs ? 132 : 128 }

    /// Of an IOMMU unit.
    var iommuSize: Int {
        switch self {
        case .r10, .r11a: 20
        case .r11b, .r11c, .r12a, .r12b: 24
        default: 28
        }
    }

    /// Whether the IOMMU units come before the architecture's part, which is the same size for each architecture then.
    var hasIOMMUsFirst: Bool { revision.rawValue >= 13 }

    var hasArmIOMMUs: Bool { ![.r10, .r11a, .r11b].contains(self) }

    /// Whether the fields of the architecture's part are in today's order, and padded.
    var hasPaddedPlatform: Bool { self == .r13b || self == .r14 }

    /// Of the root cell's descriptor in a system.
    var rootOffset: Int {
        switch self {
        case .r10, .r11a: 266
        case .r11b: 298
        case .r11c, .r12a, .r12b: 322
        case .r12c, .r12d, .r13a: 354
        case .r13b, .r14: 356
        }
    }

    /// Of the bytes between what an architecture uses of the platform's description and the root cell.
    func reservedSize(_ architecture: Architecture) -> Int {
        let units = Platform.iommuUnitLimit * iommuSize
        let part: Int
        switch architecture {
        case .x86: part = hasPaddedPlatform ? 16 : 18
        case .arm, .arm64: part = hasPaddedPlatform ? 44 : 42
        }
        let hasUnits = hasIOMMUsFirst || hasArmIOMMUs || architecture == .x86
        return rootOffset - 88 - part - (hasUnits ? units : 0)
    }
}
