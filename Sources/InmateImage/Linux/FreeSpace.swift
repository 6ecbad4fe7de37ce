// SPDX-License-Identifier: Apache-2.0

/// Parts of a cell's memory that nothing is loaded to yet.
struct FreeSpace {
    /// Ascending, neither empty nor adjacent.
    private(set) var ranges: [Range<UInt64>]

    /// - Parameter ceiling: nothing above it is free.
    init(_ regions: [CellRegion], below ceiling: UInt64) {
        ranges = []
        let all = regions.filter { $0.start < ceiling && $0.size > 0 }.map {
            $0.start..<min(ceiling, $0.start.addingReportingOverflow($0.size).overflow ? ceiling : $0.start + $0.size)
        }
        for range in all.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            // the driver loads each piece into one region: adjacent ones are not joined
            if let last = ranges.last, last.upperBound > range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    func contains(_ start: UInt64, _ size: UInt64) -> Bool {
        ranges.contains { start >= $0.lowerBound && start < $0.upperBound && size <= $0.upperBound - start }
    }

    mutating func take(_ start: UInt64, _ size: UInt64) {
        let end = start.addingReportingOverflow(size).overflow ? .max : start + size
        ranges = ranges.flatMap { range -> [Range<UInt64>] in
            guard start < range.upperBound, end > range.lowerBound else { return [range] }
            return [range.lowerBound..<max(start, range.lowerBound), min(end, range.upperBound)..<range.upperBound]
                .filter { !$0.isEmpty }
        }
    }

    /// - Parameters:
    ///   - alignment: a power of two.
    ///   - from: no address below it.
    func lowest(_ size: UInt64, alignment: UInt64, from: UInt64 = 0) -> UInt64? {
        for range in ranges {
            let (raised, overflow) = max(range.lowerBound, from).addingReportingOverflow(alignment - 1)
            let start = raised & ~(alignment - 1)
            if !overflow, start < range.upperBound, size <= range.upperBound - start { return start }
        }
        return nil
    }

    /// - Parameters:
    ///   - alignment: a power of two.
    ///   - end: the address behind the last byte is not above it.
    func highest(_ size: UInt64, alignment: UInt64, below end: UInt64) -> UInt64? {
        for range in ranges.reversed() {
            let top = min(range.upperBound, end)
            guard top > range.lowerBound, size <= top - range.lowerBound else { continue }
            let start = (top - size) & ~(alignment - 1)
            if start >= range.lowerBound { return start }
        }
        return nil
    }
}
