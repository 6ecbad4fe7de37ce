// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// A serial port that QEMU's machine does not have: what is written to its data register is printed, and its status says
/// that there is room. The numbers are those of a cell configuration's console (include/jailhouse/console.h).
struct SerialPortModel: Hashable {
    var kind: Kind
    /// Of an 8250's registers, in bytes: 1 or 4.
    var distance: UInt64
    /// Of an 8250: what the cell wrote to its line control register.
    var lineControl: UInt32 = 0

    enum Kind: UInt32 {
        case uart8250 = 2, xuartps = 4, mvebu, hscif, scifa, imx, lpuart, scif
    }

    private enum UART8250 {
        static let interruptIdentification: UInt64 = 2
        static let nothingPending: UInt64 = 1
        static let lineControl: UInt64 = 3
        static let divisorIsMapped: UInt32 = 0x80
        static let lineStatus: UInt64 = 5
        static let transmitterEmpty: UInt64 = 0x60
    }

    /// Where characters go.
    private var data: UInt64 {
        switch kind {
        case .uart8250: 0
        case .xuartps: 0x30
        case .mvebu: 0x04
        case .hscif, .scif: 0x0c
        case .scifa: 0x20
        case .imx: 0x40
        case .lpuart: 0x1c
        }
    }

    /// A register that says that all has been sent, and what it says; some ports have another one.
    private var statuses: (register: UInt64, value: UInt64, other: UInt64, otherValue: UInt64) {
        switch kind {
        case .uart8250:
            (
                UART8250.lineStatus * distance, UART8250.transmitterEmpty,
                UART8250.interruptIdentification * distance, UART8250.nothingPending
            )
        case .xuartps: (0x2c, 0x0a, .max, 0)
        case .mvebu: (0x0c, 0x60, .max, 0)
        case .hscif, .scif: (0x10, 0x60, .max, 0)
        case .scifa: (0x14, 0x60, .max, 0)
        case .imx: (0xb4, 0x60, 0x98, 0x4008)
        case .lpuart: (0x14, 0xc0_0000, .max, 0)
        }
    }

    func read(_ offset: UInt64) -> UInt64 {
        if kind == .uart8250, offset == UART8250.lineControl * distance { return UInt64(lineControl) }
        let statuses = statuses
        if offset == statuses.register { return statuses.value }
        return offset == statuses.other ? statuses.otherValue : 0
    }

    /// - Returns: the character that is printed.
    mutating func write(_ value: UInt64, at offset: UInt64) -> UInt8? {
        if kind == .uart8250, offset == UART8250.lineControl * distance {
            lineControl = UInt32(value & 0xff)
            return nil
        }
        if kind == .uart8250, lineControl & UART8250.divisorIsMapped != 0 { return nil }
        return offset == data ? UInt8(value & 0xff) : nil
    }
}
