/// A range of x86 I/O ports.
public struct IOPortRegion: Hashable, Sendable {
    /// For people. Only the TOML source has it; empty when read from a binary.
    public var name: String
    public var base: UInt16
    public var count: UInt16

    public init(name: String = "", base: UInt16 = 0, count: UInt16 = 0) {
        self.name = name
        self.base = base
        self.count = count
    }
}

/// A part of the last-level cache that only this cell may fill.
public struct CacheRegion: Hashable, Sendable {
    /// Numbers without a name are kept.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        public static let code = Kind(rawValue: 1)
        public static let data = Kind(rawValue: 2)
        public static let both = Kind(rawValue: 3)
    }

    public struct Flags: OptionSet, Hashable, Sendable {
        public var rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        public static let rootShared = Flags(rawValue: 0x1)
    }

    public var start: UInt32
    public var size: UInt32
    public var kind: Kind
    /// Unused by the hypervisor.
    public var padding: UInt8
    public var flags: Flags

    public init(start: UInt32 = 0, size: UInt32 = 0, kind: Kind = .both, flags: Flags = [], padding: UInt8 = 0) {
        self.start = start
        self.size = size
        self.kind = kind
        self.flags = flags
        self.padding = padding
    }
}

/// The pins of an interrupt chip (IOAPIC or GIC distributor) that the cell may use.
public struct InterruptChip: Hashable, Sendable {
    public var address: UInt64
    public var id: UInt32
    /// The pin of the bitmap's first bit.
    public var pinBase: UInt32
    /// 128 bits: pin `pinBase + n` is bit `n % 32` of word `n / 32`.
    public var pinBitmap: SIMD4<UInt32>

    public init(address: UInt64 = 0, id: UInt32 = 0, pinBase: UInt32 = 0, pinBitmap: SIMD4<UInt32> = .zero) {
        self.address = address
        self.id = id
        self.pinBase = pinBase
        self.pinBitmap = pinBitmap
    }

    /// - Parameter pins: numbers from `pinBase` to `pinBase + 127`; others are left out.
    public init(address: UInt64, id: UInt32, pinBase: UInt32 = 0, pins: some Sequence<Int>) {
        self.init(address: address, id: id, pinBase: pinBase)
        for bit in pins.map({ $0 - Int(pinBase) }) where (0..<128).contains(bit) {
            pinBitmap[bit / 32] |= 1 << UInt32(bit % 32)
        }
    }

    /// The pins' numbers in ascending order.
    public var pins: [Int] {
        (0..<128).filter { pinBitmap[$0 / 32] & (1 << UInt32($0 % 32)) != 0 }.map { Int(pinBase) + $0 }
    }
}
