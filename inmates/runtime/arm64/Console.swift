// SPDX-License-Identifier: Apache-2.0

/// Where a cell's program prints: the serial port that the configuration names, which the hypervisor or Linux has set
/// up, and the hypervisor's console where the cell may.
struct Console {
    private let port: SerialPort?
    private let isVirtual: Bool

    init() {
        let region = CommunicationRegion()
        let console = region.console
        port = SerialPort.Kind(rawValue: console.type).map {
            SerialPort(
                kind: $0, registers: DeviceMemory(at: UInt(console.address)), distance: UInt(console.registerDistance))
        }
        isVirtual =
            region.isVirtualConsoleActive || region.mayUseVirtualConsole && CommandLine.wantsVirtualConsole
    }

    func write(_ byte: UInt8) {
        port?.write(byte)
        if isVirtual { Hypercall.debugConsolePutCharacter.call(UInt32(byte)) }
    }
}

/// A serial port in memory: where its data goes, and what says that there is room.
struct SerialPort {
    /// As a cell configuration numbers them.
    enum Kind: UInt32 {
        case uart8250 = 2, pl011, xuartps, mvebu, hscif, scifa, imx, lpuart, scif
    }

    let kind: Kind
    let registers: DeviceMemory
    /// Of an 8250's registers, in bytes.
    let distance: UInt

    func write(_ byte: UInt8) {
        switch kind {
        case .uart8250:
            while registers.read8(5 * distance) & 0x20 == 0 { pause() }
            registers.write8(byte, at: 0)
        case .pl011: write(byte, at: 0x00, unless: 0x20, in: 0x18)
        case .xuartps: write(byte, at: 0x30, unless: 0x10, in: 0x2c)
        case .mvebu: write(byte, at: 0x04, unless: 0x800, in: 0x0c)
        case .imx: write(byte, at: 0x40, unless: 0x10, in: 0xb4)
        case .lpuart:
            while registers.read(0x14) & 0x80_0000 == 0 { pause() }
            registers.write(UInt32(byte), at: 0x1c)
        case .scif, .hscif: writeRenesas(byte, at: 0x0c, status: 0x10)
        case .scifa: writeRenesas(byte, at: 0x20, status: 0x14)
        }
    }

    private func write(_ byte: UInt8, at data: UInt, unless full: UInt32, in status: UInt) {
        while registers.read(status) & full != 0 { pause() }
        registers.write(UInt32(byte), at: data)
    }

    /// Its status says until it is told otherwise that there is room and that all has been sent.
    private func writeRenesas(_ byte: UInt8, at data: UInt, status: UInt) {
        let (room, sent): (UInt16, UInt16) = (0x20, 0x40)
        while registers.read16(status) & room == 0 { pause() }
        registers.write8(byte, at: data)
        registers.write16(registers.read16(status) & ~(room | sent), at: status)
    }
}
