// SPDX-License-Identifier: Apache-2.0

/// A set of CPU numbers, as a bitmap whose length in bytes is part of the value.
///
/// The format lets a bitmap be longer than its highest CPU needs; the length is kept, so that a file can be
/// written again as it was.
package struct CPUSet: Hashable, Sendable {
    /// The bitmap: CPU `n` is bit `n % 8` of byte `n / 8`.
    package let bitmap: [UInt8]

    /// The highest number that a list may have; more than any machine has.
    package static let highestNumber = (1 << 20) - 1

    package init(bitmap: [UInt8]) {
        self.bitmap = bitmap
    }

    /// A bitmap of the usual length, which is a multiple of 8 bytes, or of `byteCount`, whichever is longer.
    ///
    /// - Parameter members: numbers from 0 to ``highestNumber``; others are left out.
    package init(_ members: some Sequence<Int>, byteCount: Int? = nil) {
        let numbers = members.filter { (0...CPUSet.highestNumber).contains($0) }
        let needed = numbers.max().map { $0 / 8 + 1 } ?? 0
        var bitmap = [UInt8](repeating: 0, count: max(needed, byteCount ?? max(8, (needed + 7) / 8 * 8)))
        for number in numbers { bitmap[number / 8] |= 1 << UInt8(number % 8) }
        self.bitmap = bitmap
    }

    /// From a list as Linux writes it: `3-5,8`; an empty one is the empty set.
    package init(list: String) throws(ConfigurationError) {
        self.init(try NumberList.members(of: list, upTo: CPUSet.highestNumber))
    }

    /// The CPU numbers in ascending order.
    package var members: [Int] {
        bitmap.indices.flatMap { byte in
            (0..<8).filter { bitmap[byte] & (1 << UInt8($0)) != 0 }.map { byte * 8 + $0 }
        }
    }

    package var isEmpty: Bool { bitmap.allSatisfy { $0 == 0 } }

    package func contains(_ number: Int) -> Bool {
        bitmap.indices.contains(number / 8) && number >= 0 && bitmap[number / 8] & (1 << UInt8(number % 8)) != 0
    }

    /// `3-5,8`.
    package var list: String { NumberList.text(of: members) }
}
