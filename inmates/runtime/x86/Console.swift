// SPDX-License-Identifier: Apache-2.0

/// Where a cell's program prints.
struct Console {
    private let uart: CommunicationRegion.Console?
    private let isVirtual: Bool

    init() {
        let region = CommunicationRegion()
        let console = region.console
        uart = console.type == Self.typeOf8250 ? console : nil
        isVirtual =
            region.isVirtualConsoleActive || region.mayUseVirtualConsole && CommandLine.wantsVirtualConsole
    }

    private static let typeOf8250: UInt32 = 2
    private static let data: UInt32 = 0
    private static let divisorLow: UInt32 = 0
    private static let divisorHigh: UInt32 = 1
    private static let lineControl: UInt32 = 3
    private static let lineStatus: UInt32 = 5

    /// Sets the 8250 up when the configuration has a divider for it: 8 bits, no parity. Without one the hypervisor or
    /// Linux has done it.
    func prepare() {
        guard let uart, uart.divider != 0 else { return }
        put(0x83, Self.lineControl, uart)
        put(UInt8(truncatingIfNeeded: uart.divider), Self.divisorLow, uart)
        put(UInt8(truncatingIfNeeded: uart.divider >> 8), Self.divisorHigh, uart)
        put(0x03, Self.lineControl, uart)
    }

    func write(_ byte: UInt8) {
        if let uart {
            while get(Self.lineStatus, uart) & 0x20 == 0 { pause() }
            put(byte, Self.data, uart)
        }
        if isVirtual { Hypercall.debugConsolePutCharacter.call(UInt32(byte)) }
    }

    private func put(_ value: UInt8, _ register: UInt32, _ uart: CommunicationRegion.Console) {
        if uart.isInMemory {
            DeviceMemory(at: UInt(uart.address)).write8(value, at: UInt(register * uart.registerDistance))
        } else {
            Port.write(value, to: UInt16(truncatingIfNeeded: uart.address + register))
        }
    }

    private func get(_ register: UInt32, _ uart: CommunicationRegion.Console) -> UInt8 {
        if uart.isInMemory {
            return DeviceMemory(at: UInt(uart.address)).read8(UInt(register * uart.registerDistance))
        }
        return Port.read(UInt16(truncatingIfNeeded: uart.address + register))
    }
}
