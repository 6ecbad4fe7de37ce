// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// A range of addresses that is not empty.
struct AddressRange: Hashable {
    var first: UInt64
    /// Inclusive, so that a range may end at the last address there is.
    var last: UInt64

    /// Nil when there is nothing in it; what goes beyond the last address is left out.
    init?(start: UInt64, size: UInt64) {
        guard size > 0 else { return nil }
        first = start
        let (last, overflow) = start.addingReportingOverflow(size - 1)
        self.last = overflow ? .max : last
    }

    func overlaps(_ other: AddressRange) -> Bool {
        first <= other.last && other.first <= last
    }

    func contains(_ address: UInt64) -> Bool {
        (first...last).contains(address)
    }

    /// `0x0–0x7fffff`
    var text: String { "\(hexadecimal(first))–\(hexadecimal(last))" }
}

extension AddressRange {
    /// All pairs of ranges that overlap and are meant, by their indexes, the one that begins first in front; no more
    /// than `limit`. A sweep: the work grows as sorting does, and with the pairs that overlap.
    static func overlaps(
        in ranges: [(index: Int, range: AddressRange)], limit: Int = 1000,
        where isMeant: (Int, Int) -> Bool = { _, _ in true }
    ) -> [(Int, Int)] {
        var pairs: [(Int, Int)] = []
        var open: [(index: Int, range: AddressRange)] = []
        for current in ranges.sorted(by: { ($0.range.first, $0.index) < ($1.range.first, $1.index) }) {
            open.removeAll { $0.range.last < current.range.first }
            for earlier in open where isMeant(earlier.index, current.index) {
                guard pairs.count < limit else { return pairs }
                pairs.append((earlier.index, current.index))
            }
            open.append(current)
        }
        return pairs
    }

    /// Whether other ranges together hold all of this one.
    func isCovered(by others: [AddressRange]) -> Bool {
        var next = first
        for other in others.sorted(by: { $0.first < $1.first }) where other.contains(next) {
            if other.last >= last { return true }
            next = other.last + 1
        }
        return false
    }
}

extension MemoryRegion {
    /// Where it is in the machine; nil when it has no physical address: empty, or the communication region.
    var physicalRange: AddressRange? {
        flags.contains(.communicationRegion) ? nil : AddressRange(start: physicalStart, size: size)
    }

    /// Where the cell sees it; nil when it is empty.
    var virtualRange: AddressRange? { AddressRange(start: virtualStart, size: size) }

    /// A place in the list that is left empty on purpose, as the unused part of a shared memory is.
    var isPlaceholder: Bool { size == 0 && flags.isEmpty }
}

package func hexadecimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
    "0x" + String(number, radix: 16)
}
