// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// The kernel parameter that keeps memory from Linux on x86, as everything here proposes it.
package enum MemoryParameter {
    /// `memmap=80M$0x3a000000`
    ///
    /// - Parameter range: physical addresses; not all that there are.
    package static func text(_ range: ClosedRange<UInt64>) -> String {
        "memmap=\(kernelSize(range.upperBound - range.lowerBound &+ 1))$\(hexadecimal(range.lowerBound))"
    }

    /// To a shell and to GRUB the dollar sign means something.
    package static let escaping =
        "where GRUB needs \\\\\\$ for $ between the double quotes of /etc/default/grub, \\$ in grub.cfg"

    /// The name of the root cell's region with memory that Linux leaves to cells.
    package static let regionForCells = "memory for cells"

    /// Whether a region of the root cell is memory that Linux leaves to cells, by its name.
    package static func isForCells(_ region: MemoryRegion) -> Bool {
        ["cell", "inmate"].contains { region.name.lowercased().contains($0) }
    }

    /// As the kernel's command line writes sizes: `80M`, `4K`, bytes.
    private static func kernelSize(_ size: UInt64) -> String {
        for (unit, bytes) in [("G", UInt64(1) << 30), ("M", 1 << 20), ("K", 1 << 10)]
        where size > 0 && size % bytes == 0 {
            return "\(size / bytes)\(unit)"
        }
        return hexadecimal(size)
    }
}
