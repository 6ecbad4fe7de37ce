// SPDX-License-Identifier: Apache-2.0

/// A debug console: where the hypervisor, or an inmate, writes its text.
package struct Console: Hashable, Sendable {
    /// The device. Numbers without a name are kept.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        package static let none = Kind(rawValue: 0)
        package static let efiFramebuffer = Kind(rawValue: 1)
        package static let uart8250 = Kind(rawValue: 2)
        package static let pl011 = Kind(rawValue: 3)
        package static let xuartps = Kind(rawValue: 4)
        package static let mvebu = Kind(rawValue: 5)
        package static let hscif = Kind(rawValue: 6)
        package static let scifa = Kind(rawValue: 7)
        package static let imx = Kind(rawValue: 8)
        package static let imxLPUART = Kind(rawValue: 9)
        package static let scif = Kind(rawValue: 10)

        /// As sources have it; the number where there is no word.
        package var word: String { Words.consoleKinds.first { $0.number == rawValue }?.word ?? "\(rawValue)" }
    }

    /// How the device is reached. Bits that have no name are kept.
    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// Through memory; else through I/O ports.
        package static let mmio = Flags(rawValue: 0x1)
        /// Registers lie 4 bytes apart; else 1.
        package static let registerDistance4 = Flags(rawValue: 0x2)
        /// The framebuffer has 1920x1080 pixels; else 1024x768.
        package static let framebuffer1920x1080 = Flags(rawValue: 0x4)
        package static let invertedGate = Flags(rawValue: 0x1000)
        package static let mdrQuirk = Flags(rawValue: 0x2000)
    }

    /// A physical address or, without ``Flags/mmio``, a port.
    package var address: UInt64
    /// In bytes, of a memory-mapped device.
    package var size: UInt32
    package var kind: Kind
    package var flags: Flags
    /// The UART's clock divider; 0 leaves it as the boot loader set it.
    package var divider: UInt32
    package var gateNumber: UInt32
    package var clockRegister: UInt64

    package init(
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
    package static let none = Console()
}
