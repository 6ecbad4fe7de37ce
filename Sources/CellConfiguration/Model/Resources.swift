// SPDX-License-Identifier: Apache-2.0

/// A range of x86 I/O ports.
package struct IOPortRegion: Hashable, Sendable {
    /// For people. Only the TOML source has it; empty when read from a binary.
    package var name: String
    package var base: UInt16
    package var count: UInt16

    package init(name: String = "", base: UInt16 = 0, count: UInt16 = 0) {
        self.name = name
        self.base = base
        self.count = count
    }
}

/// A part of the last-level cache that only this cell may fill.
package struct CacheRegion: Hashable, Sendable {
    /// Numbers without a name are kept.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let code = Kind(rawValue: 1)
        package static let data = Kind(rawValue: 2)
        package static let both = Kind(rawValue: 3)
    }

    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        package static let rootShared = Flags(rawValue: 0x1)
    }

    package var start: UInt32
    package var size: UInt32
    package var kind: Kind
    /// Unused by the hypervisor.
    package var padding: UInt8
    package var flags: Flags

    package init(start: UInt32 = 0, size: UInt32 = 0, kind: Kind = .both, flags: Flags = [], padding: UInt8 = 0) {
        self.start = start
        self.size = size
        self.kind = kind
        self.flags = flags
        self.padding = padding
    }
}

/// The pins of an interrupt chip (IOAPIC or GIC distributor) that the cell may use.
package struct InterruptChip: Hashable, Sendable {
    package var address: UInt64
    package var id: UInt32
    /// The pin of the bitmap's first bit.
    package var pinBase: UInt32
    /// 128 bits: pin `pinBase + n` is bit `n % 32` of word `n / 32`.
    package var pinBitmap: SIMD4<UInt32>

    package init(address: UInt64 = 0, id: UInt32 = 0, pinBase: UInt32 = 0, pinBitmap: SIMD4<UInt32> = .zero) {
        self.address = address
        self.id = id
        self.pinBase = pinBase
        self.pinBitmap = pinBitmap
    }

    /// - Parameter pins: numbers from `pinBase` to `pinBase + 127`; others are left out.
    package init(address: UInt64, id: UInt32, pinBase: UInt32 = 0, pins: some Sequence<Int>) {
        self.init(address: address, id: id, pinBase: pinBase)
        for bit in pins.map({ $0 - Int(pinBase) }) where (0..<128).contains(bit) {
            pinBitmap[bit / 32] |= 1 << UInt32(bit % 32)
        }
    }

    /// The pins' numbers in ascending order.
    package var pins: [Int] {
        (0..<128).filter { pinBitmap[$0 / 32] & (1 << UInt32($0 % 32)) != 0 }.map { Int(pinBase) + $0 }
    }
}
