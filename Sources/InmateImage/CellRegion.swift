// SPDX-License-Identifier: Apache-2.0

/// A range of a cell's addresses, by the name that its configuration has for it.
package struct CellRegion: Hashable, Sendable {
    package var name: String
    /// As the cell sees it.
    package var start: UInt64
    /// In bytes.
    package var size: UInt64

    package init(name: String, start: UInt64, size: UInt64) {
        self.name = name
        self.start = start
        self.size = size
    }

    func contains(_ address: UInt64) -> Bool {
        address >= start && address - start < size
    }

    /// Whether all of `size` bytes at `start` are inside.
    func contains(_ start: UInt64, _ size: UInt64) -> Bool {
        start >= self.start && start - self.start <= self.size && size <= self.size - (start - self.start)
    }

    /// Whether any of `size` bytes at `start` is inside. Ends beyond the last address do not matter.
    func overlaps(_ start: UInt64, _ size: UInt64) -> Bool {
        size > 0 && self.size > 0 && (start >= self.start ? start - self.start < self.size : self.start - start < size)
    }

    /// `"ram" (0x0–0x7fffff)`
    var description: String { "\"\(name)\" (\(rangeText(start, size)))" }
}

/// `0x100000–0x1fffff`; one address alone when nothing is there.
func rangeText(_ start: UInt64, _ size: UInt64) -> String {
    size == 0 ? hexadecimal(start) : "\(hexadecimal(start))–\(hexadecimal(start &+ (size - 1)))"
}

func hexadecimal(_ number: UInt64) -> String {
    "0x" + String(number, radix: 16)
}
