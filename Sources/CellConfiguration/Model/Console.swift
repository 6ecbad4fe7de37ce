/// A debug console: where the hypervisor, or an inmate, writes its text.
public struct Console: Hashable, Sendable {
    /// The device. Numbers without a name are kept.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        public static let none = Kind(rawValue: 0)
        public static let uart8250 = Kind(rawValue: 2)
    }

    /// How the device is reached. Bits that have no name are kept.
    public struct Flags: OptionSet, Hashable, Sendable {
        public var rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// Through memory; else through I/O ports.
        public static let mmio = Flags(rawValue: 0x1)
        /// Registers lie 4 bytes apart; else 1.
        public static let registerDistance4 = Flags(rawValue: 0x2)
        /// The framebuffer has 1920x1080 pixels; else 1024x768.
        public static let framebuffer1920x1080 = Flags(rawValue: 0x4)
        public static let invertedGate = Flags(rawValue: 0x1000)
        public static let mdrQuirk = Flags(rawValue: 0x2000)
    }

    /// A physical address or, without ``Flags/mmio``, a port.
    public var address: UInt64
    /// In bytes, of a memory-mapped device.
    public var size: UInt32
    public var kind: Kind
    public var flags: Flags
    /// The UART's clock divider; 0 leaves it as the boot loader set it.
    public var divider: UInt32
    public var gateNumber: UInt32
    public var clockRegister: UInt64

    public init(
        kind: Kind = .none, address: UInt64 = 0, size: UInt32 = 0, flags: Flags = [], divider: UInt32 = 0,
        gateNumber: UInt32 = 0, clockRegister: UInt64 = 0
    ) {
        self.kind = kind
        self.address = address
        self.size = size
        self.flags = flags
        self.divider = divider
        self.gateNumber = gateNumber
        self.clockRegister = clockRegister
    }

    /// All zero: no console.
    public static let none = Console()
}
