// SPDX-License-Identifier: Apache-2.0

/// The IOAPIC: the cell may set up the pins that its configuration lists, and no others.
enum Pins {
    private typealias Offset = MonitorMemory.Parameter

    private static let base: UInt64 = 0xfec0_0000
    private static let index: UInt64 = 0x00
    private static let data: UInt64 = 0x10
    private static let endOfInterrupt: UInt64 = 0x40
    private static let firstEntry: UInt32 = 0x10
    private static let pinCount: UInt32 = 24
    private static let masked: UInt32 = 0x1_0000

    /// Nil when it is elsewhere.
    static func memory(_ address: UInt64, write: UInt32?) -> Access? {
        guard Parameters.pins != 0, address >= base, address < base + 0x1000 else { return nil }
        return Parameters.locked(Offset.pinLock) { access(address - base, write) }
    }

    private static func access(_ register: UInt64, _ write: UInt32?) -> Access {
        let selected = Parameters.word(Offset.pinIndex)
        let refused = Access.refused(Violation(.pins, register, UInt64(selected), write == nil ? 1 : 0))
        switch register {
        case index:
            if let write { Parameters.setWord(Offset.pinIndex, write) }
            return .value(UInt64(selected))
        // identity, version, arbitration: Linux reads all three to see whether there is an IOAPIC (arch/x86/kernel/apic/io_apic.c)
        case data where selected < 3:
            return write == nil ? .value(UInt64(read(selected))) : refused
        case data:
            let pin = (selected &- firstEntry) / 2
            guard selected >= firstEntry, pin < pinCount else { return refused }
            // another's pin is left alone, and nobody learns of it
            guard Parameters.pins & 1 << pin != 0 else { return .value(0) }
            guard let write else { return .value(UInt64(shadow(selected))) }
            setEntry(selected, write)
            return .value(0)
        case endOfInterrupt:
            guard let write else { return refused }
            Machine.write32(write, to: base + register)
            return .value(0)
        default: return refused
        }
    }

    /// A masked entry is only kept; unmasking writes both halves.
    private static func setEntry(_ selected: UInt32, _ value: UInt32) {
        Parameters.setWord(place(selected), value)
        let low = selected & ~1
        guard shadow(low) & masked == 0 else {
            if selected == low { Pins.write(low, masked) }
            return
        }
        Pins.write(low | 1, shadow(low | 1))
        Pins.write(low, shadow(low))
    }

    private static func place(_ selected: UInt32) -> Int { Offset.pinTable + Int(selected - firstEntry) * 4 }

    private static func shadow(_ selected: UInt32) -> UInt32 { Parameters.word(place(selected)) }

    private static func read(_ register: UInt32) -> UInt32 {
        Machine.write32(register, to: base + index)
        return Machine.read32(base + data)
    }

    private static func write(_ register: UInt32, _ value: UInt32) {
        Machine.write32(register, to: base + index)
        Machine.write32(value, to: base + data)
    }
}
