// SPDX-License-Identifier: Apache-2.0

/// The IOAPIC of a PC. A cell has the pins that its configuration lists; an access to the entry of another pin ends it.
struct IOAPIC {
    private let registers = DeviceMemory(at: 0xfec0_0000)

    var version: UInt32 { read(1) & 0xff }

    /// Edge-triggered, to one processor.
    func route(pin: UInt8, to interrupt: Interrupt, processor: UInt32) {
        write(1 << 16, at: Self.entry(pin))  // masked while it changes
        write(processor << 24, at: Self.entry(pin) + 1)
        write(UInt32(interrupt.vector), at: Self.entry(pin))
    }

    func mask(pin: UInt8) { write(1 << 16, at: Self.entry(pin)) }

    func read(_ index: UInt32) -> UInt32 {
        registers.write(index, at: 0)
        return registers.read(0x10)
    }

    func write(_ value: UInt32, at index: UInt32) {
        registers.write(index, at: 0)
        registers.write(value, at: 0x10)
    }

    static func entry(_ pin: UInt8) -> UInt32 { 0x10 + UInt32(pin) * 2 }
}
