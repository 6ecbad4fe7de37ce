// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What an access needs of a region that is smaller than a page.
struct SubPageRights {
    let flags: MemoryRegion.Flags

    init(_ access: Access, _ address: UInt64, size: UInt64) {
        var flags: MemoryRegion.Flags = access == .read ? .read : .write
        switch size {
        case 1: flags.insert(.io8)
        case 2: flags.insert(.io16)
        case 8: flags.insert(.io64)
        default: flags.insert(.io32)
        }
        if size > 1, address % size != 0 { flags.insert(.ioUnaligned) }
        self.flags = flags
    }

    /// As a definition's `access` has them.
    var words: [String] { flags.words }

    /// What a region does not have of them.
    func missing(in region: MemoryRegion) -> [String] { flags.subtracting(region.flags).words }
}
