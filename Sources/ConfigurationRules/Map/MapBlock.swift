// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Something that has a range of addresses: a box in a map.
package struct MapBlock: Hashable, Sendable {
    /// Whose it is, which decides its colour.
    package enum Owner: Hashable, Sendable {
        /// The root cell.
        case linux
        case hypervisor
        /// Devices that the hypervisor keeps for itself or looks after.
        case platform
        /// The index of the cell in the map.
        case cell(Int)
    }

    package enum Kind: Hashable, Sendable {
        case region
        /// The page where hypervisor and cell talk.
        case communicationRegion
        /// A part of an image that is loaded there.
        case segment
    }

    package var owner: Owner
    package var kind: Kind
    /// What it is: `ram`.
    package var name: String
    /// The words of its access and, in a cell's space, where it is in the machine; may be empty.
    package var detail: String
    package var first: UInt64
    /// Inclusive.
    package var last: UInt64
    /// In a cell's space: where it begins in the machine; nil for what is nowhere there.
    package var physicalStart: UInt64?
    /// Its column, from 0; boxes that overlap are side by side.
    package internal(set) var lane = 0
    /// The numbers of the remarks about it, ascending; see ``MemoryMap/remarks``.
    package internal(set) var remarks: [Int] = []
    /// The keys that remarks may name.
    var anchors: [MapAnchor]

    /// Nil when there is nothing in it.
    init?(
        _ owner: Owner, _ name: String, start: UInt64, size: UInt64, kind: Kind = .region, detail: String = "",
        physicalStart: UInt64? = nil, anchors: [MapAnchor] = []
    ) {
        guard let range = AddressRange(start: start, size: size) else { return nil }
        self.owner = owner
        self.kind = kind
        self.name = name
        self.detail = detail
        (first, last) = (range.first, range.last)
        self.physicalStart = physicalStart
        self.anchors = anchors
    }

    /// `8 MiB`
    package var sizeText: String { MapText.size(first: first, last: last) }

    func overlaps(_ other: MapBlock) -> Bool {
        first <= other.last && other.first <= last
    }
}

/// A key in a file, such as `memory[1]` of `rtems.toml`.
struct MapAnchor: Hashable, Sendable {
    var file: String
    /// Empty: anything in the file.
    var key: String

    func holds(_ remark: MapRemark) -> Bool {
        guard remark.file == file else { return false }
        return key.isEmpty || ([remark.location] + remark.others).contains { $0 == key || $0.hasPrefix(key + ".") }
    }
}

/// Sizes and access as a map writes them.
package enum MapText {
    /// `8 MiB`, `1.5 MiB`, `28 B`: at most one decimal, so not always exact.
    package static func size(first: UInt64, last: UInt64) -> String {
        let (size, overflow) = (last - first).addingReportingOverflow(1)
        if overflow { return "16 EiB" }
        if let text = Quantity.sizeText(size), text.count <= 8 { return text }
        let units: [(name: String, shift: UInt64)] = [
            ("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10),
        ]
        guard let unit = units.first(where: { size >> $0.shift > 0 }) else { return "\(size) B" }
        let (whole, rest) = (size >> unit.shift, size & ((1 << unit.shift) - 1))
        let tenth = ((rest >> (unit.shift - 10)) * 10) >> 10
        return tenth == 0 ? "\(whole) \(unit.name)" : "\(whole).\(tenth) \(unit.name)"
    }

    /// `rwx dma loadable`
    ///
    /// - Parameter isRoot: of Linux's own memory, which it does not share with itself.
    static func access(_ flags: MemoryRegion.Flags, isRoot: Bool = false) -> String {
        let letters: [(MemoryRegion.Flags, String)] = [(.read, "r"), (.write, "w"), (.execute, "x")]
        let words: [(MemoryRegion.Flags, String)] =
            [
                (.dma, "dma"), (.io, "io"), (.loadable, "loadable"),
            ] + (isRoot ? [] : [(.rootShared, "shared with Linux")])
        let basic = letters.map { flags.contains($0.0) ? $0.1 : "-" }.joined()
        return ([basic] + words.filter { flags.contains($0.0) }.map(\.1)).joined(separator: " ")
    }
}
