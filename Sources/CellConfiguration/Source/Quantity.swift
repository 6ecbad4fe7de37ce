// SPDX-License-Identifier: Apache-2.0

/// Sizes and times as people write them.
package enum Quantity {
    private static let sizeUnits: [(name: String, bytes: UInt64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    private static let timeUnits: [(name: String, microseconds: Int64)] = [
        ("us", 1), ("µs", 1), ("ms", 1000), ("s", 1_000_000), ("min", 60_000_000), ("h", 3_600_000_000),
    ]

    /// `8 MiB`, `4KiB`, `512 B`; nil for anything else, a number without its unit included.
    package static func size(_ text: String) -> UInt64? {
        guard let (number, unit) = split(text), let bytes = sizeUnits.first(where: { $0.name == unit })?.bytes else {
            return nil
        }
        let (size, overflow) = number.multipliedReportingOverflow(by: bytes)
        return overflow ? nil : size
    }

    /// In the largest unit that leaves no fraction, from KiB up: `8 MiB`; nil when there is none.
    package static func sizeText(_ size: UInt64) -> String? {
        guard size > 0, let unit = sizeUnits.dropFirst().last(where: { size % $0.bytes == 0 }) else { return nil }
        return "\(size / unit.bytes) \(unit.name)"
    }

    /// `100 ms`, `5s`, `2 min`; nil for anything else.
    package static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text), let count = Int64(exactly: number),
            let microseconds = timeUnits.first(where: { $0.name == unit })?.microseconds
        else { return nil }
        let (total, overflow) = count.multipliedReportingOverflow(by: microseconds)
        return overflow ? nil : .microseconds(total)
    }

    private static func split(_ text: String) -> (UInt64, String)? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = UInt64(digits) else { return nil }
        return (number, String(text.dropFirst(digits.count).drop { $0 == " " }))
    }
}
