// SPDX-License-Identifier: Apache-2.0

/// Page tables of 512 entries of 64 bits a page before they are in memory: for nested paging, for VT-d's second level,
/// for the x86 monitor itself, and for stage 2 of Arm64.
struct PageTables {
    /// Bits of entries that point to tables, and of those that map.
    struct Format {
        var table: UInt64
        var large: UInt64
        /// Of the last level's entries; where ``large`` is 0 it is these that large pages do not have.
        var page: UInt64 = 0
        var levels: Int

        /// Nested pages count as a user's: AMD's Architecture Programmer's Manual, volume 2, 15.25.5.
        static let nested = Format(table: 0x7, large: 0x80, levels: 4)
        /// VT-d's second level for 39-bit addresses.
        static let remapping = Format(table: 0x3, large: 0x80, levels: 3)
        static let host = Format(table: 0x3, large: 0x80, levels: 4)
        /// Arm's DDI0487, D8.3: tables and pages have bits 0 and 1, blocks bit 0.
        static let stage2 = Format(table: 0x3, large: 0, page: 0x2, levels: 4)

        func isLarge(_ entry: UInt64) -> Bool { large != 0 ? entry & large != 0 : entry & page == 0 }
    }

    static let pageSize: UInt64 = 0x1000
    private static let addressBits: UInt64 = 0x000f_ffff_ffff_f000
    private static let present: UInt64 = 0x3

    let format: Format
    /// Machine address of the first page, which is the root.
    let base: UInt64
    private let pageLimit: Int
    private(set) var entries: [UInt64]

    var pageCount: Int { entries.count / 512 }

    init(_ format: Format, at base: UInt64, pageLimit: Int) {
        self.format = format
        self.base = base
        self.pageLimit = pageLimit
        entries = Array(repeating: 0, count: 512)
    }

    /// Maps whole pages, with large ones of 2 MiB and 1 GiB where both addresses allow it. What was mapped there
    /// before is replaced.
    ///
    /// - Parameters:
    ///   - flags: of the entries that map: present, writable …; 0 unmaps.
    ///   - large: whether large pages may be used.
    mutating func map(
        _ from: UInt64, to machine: UInt64, size: UInt64, flags: UInt64, large: Bool = true
    ) throws(CellMachineError) {
        var offset: UInt64 = 0
        while offset < size {
            let address = from + offset
            let target = machine + offset
            var level = 0
            if large {
                for candidate in [2, 1] where level == 0 {
                    let span = PageTables.span(of: candidate)
                    if candidate < format.levels, (address | target) & (span - 1) == 0, size - offset >= span {
                        level = candidate
                    }
                }
            }
            let index = try entryIndex(of: address, level: level)
            entries[index] = flags == 0 ? 0 : target | flags | (level > 0 ? format.large : format.page)
            offset += PageTables.span(of: level)
        }
    }

    /// The entry that maps an address, with its flags; nil when nothing does.
    func entry(for address: UInt64) -> (target: UInt64, entry: UInt64)? {
        var page = 0
        for level in (0..<format.levels).reversed() {
            let entry = entries[page * 512 + PageTables.index(of: address, level: level)]
            if entry & PageTables.present == 0 { return nil }
            let span = PageTables.span(of: level)
            if level == 0 || format.isLarge(entry) {
                return (entry & PageTables.addressBits & ~(span - 1) | address & (span - 1), entry)
            }
            page = Int((entry & PageTables.addressBits - base) / PageTables.pageSize)
        }
        return nil
    }

    /// Where the entry of a level is, with tables down to it.
    private mutating func entryIndex(of address: UInt64, level wanted: Int) throws(CellMachineError) -> Int {
        var page = 0
        for level in (wanted..<format.levels).reversed() {
            let index = page * 512 + PageTables.index(of: address, level: level)
            if level == wanted { return index }
            if entries[index] & PageTables.present == 0 {
                entries[index] = try newPage() | format.table
            } else if format.isLarge(entries[index]) {
                try split(index, level: level)
            }
            page = Int((entries[index] & PageTables.addressBits - base) / PageTables.pageSize)
        }
        return PageTables.index(of: address, level: wanted)
    }

    /// A large page becomes 512 smaller ones.
    private mutating func split(_ index: Int, level: Int) throws(CellMachineError) {
        let old = entries[index]
        let page = try newPage()
        let first = Int((page - base) / PageTables.pageSize) * 512
        let kept = level == 1 ? old & ~format.large | format.page : old
        for number in 0..<512 {
            entries[first + number] = kept + UInt64(number) * PageTables.span(of: level - 1)
        }
        entries[index] = page | format.table
    }

    private mutating func newPage() throws(CellMachineError) -> UInt64 {
        guard pageCount < pageLimit else {
            throw CellMachineError(
                .configuration,
                "the cell's memory regions need more than \(pageLimit) pages of tables: align them to 2 MiB")
        }
        entries += repeatElement(0, count: 512)
        return base + UInt64(pageCount - 1) * PageTables.pageSize
    }

    private static func span(of level: Int) -> UInt64 { pageSize << UInt64(9 * level) }

    private static func index(of address: UInt64, level: Int) -> Int {
        Int(address >> UInt64(12 + 9 * level) & 0x1ff)
    }
}
