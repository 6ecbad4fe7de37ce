// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor.

/// From linear addresses to a cell's own physical ones, by its page tables (AMD's Architecture Programmer's Manual,
/// volume 2, chapter 5).
struct PageWalk {
    var cr0: UInt64
    var cr3: UInt64
    var cr4: UInt64
    var isInLongMode: Bool

    private static let addressBits: UInt64 = 0x000f_ffff_ffff_f000

    /// - Parameter read: an entry of the tables, by its physical address and size (4 or 8 bytes); nil when there is no
    ///   memory.
    /// - Returns: nil when the tables do not map the address.
    func address(of linear: UInt64, read: (UInt64, Int) -> UInt64?) -> UInt64? {
        guard cr0 & 1 << 31 != 0 else { return linear & 0xffff_ffff }
        guard cr4 & 1 << 5 != 0 else { return twoLevels(linear & 0xffff_ffff, cr3 & 0xffff_f000, read) }
        return isInLongMode
            ? walk(linear, cr3 & PageWalk.addressBits, from: 39, read)
            : walk(linear & 0xffff_ffff, cr3 & 0xffff_ffe0, from: 30, read)
    }

    private func twoLevels(_ linear: UInt64, _ root: UInt64, _ read: (UInt64, Int) -> UInt64?) -> UInt64? {
        guard let directory = present(root + (linear >> 22) * 4, 4, read) else { return nil }
        if directory & 0x80 != 0 && cr4 & 1 << 4 != 0 { return directory & 0xffc0_0000 | linear & 0x3f_ffff }
        guard let page = present(directory & 0xffff_f000 + (linear >> 12 & 0x3ff) * 4, 4, read) else { return nil }
        return page & 0xffff_f000 | linear & 0xfff
    }

    private func walk(
        _ linear: UInt64, _ root: UInt64, from highest: UInt64, _ read: (UInt64, Int) -> UInt64?
    ) -> UInt64? {
        var table = root
        for shift in stride(from: highest, through: 12, by: -9) {
            guard let entry = present(table + (linear >> shift & 0x1ff) * 8, 8, read) else { return nil }
            let offset = UInt64(1) << shift - 1
            if shift == 12 || (shift < 39 && entry & 0x80 != 0) {
                return entry & PageWalk.addressBits & ~offset | linear & offset
            }
            table = entry & PageWalk.addressBits
        }
        return nil
    }

    private func present(_ address: UInt64, _ size: Int, _ read: (UInt64, Int) -> UInt64?) -> UInt64? {
        guard let entry = read(address, size), entry & 1 != 0 else { return nil }
        return entry
    }
}
