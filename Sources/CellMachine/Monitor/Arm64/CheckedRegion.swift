// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// A region that is not whole pages: each access is looked at.
struct CheckedRegion: Hashable {
    /// The cell's address.
    var begin: UInt64
    /// The configuration's physical address.
    var place: UInt64
    var size: UInt64
    var flags: UInt64

    /// Bits of a memory region's flags (include/jailhouse/cell-config.h).
    private enum Flag {
        static let read: UInt64 = 0x1
        static let write: UInt64 = 0x2
        static let unaligned: UInt64 = 0x8000
        /// 16, 32 and 64 bit follow.
        static let width8: UInt64 = 0x1_0000
    }

    /// Whether an access lies wholly in it.
    func contains(_ address: UInt64, _ count: Int) -> Bool {
        address >= begin && address - begin < size && UInt64(count) <= size - (address - begin)
    }

    /// - Parameter count: 1, 2, 4 or 8 bytes.
    func permits(_ address: UInt64, _ count: Int, isWrite: Bool) -> Bool {
        let isAligned = flags & Flag.unaligned != 0 || address & (UInt64(count) - 1) == 0
        return flags & (isWrite ? Flag.write : Flag.read) != 0 && flags & (Flag.width8 * UInt64(count)) != 0
            && isAligned
    }
}
