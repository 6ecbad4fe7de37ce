// SPDX-License-Identifier: Apache-2.0

/// The I/O ports of a PC that are the board's own.
enum PCPorts {
    struct Device: Sendable {
        let ports: ClosedRange<UInt64>
        let name: String
        /// What a program in a cell does instead; nil: Linux needs the device, and there is nothing to put in its place.
        let instead: String?
    }

    static func device(at port: UInt64) -> Device? { all.first { $0.ports.contains(port) } }

    private static let timer = "use the local APIC's timer, calibrated by the communication region or the PM timer"
    private static let interrupts = "use the local APIC, the IOAPIC's pins that the cell has, and MSI"

    private static let all: [Device] = [
        Device(ports: 0x00...0x1f, name: "the DMA controller", instead: "copy with the CPU"),
        Device(ports: 0x20...0x21, name: "the first 8259A interrupt controller", instead: interrupts),
        Device(ports: 0x40...0x43, name: "the 8254 timer", instead: timer),
        Device(ports: 0x60...0x60, name: "the keyboard controller", instead: nil),
        Device(ports: 0x61...0x61, name: "the speaker and the 8254's gate", instead: timer),
        Device(
            ports: 0x64...0x64, name: "the keyboard controller", instead: "end the program by the state in the region"),
        Device(ports: 0x70...0x77, name: "the CMOS clock", instead: "use the time-stamp counter"),
        Device(ports: 0x80...0x91, name: "the DMA page registers", instead: "leave the delay by port 0x80 out"),
        Device(
            ports: 0x92...0x92, name: "the fast A20 gate, which also resets the machine", instead: "leave A20 alone"),
        Device(ports: 0xa0...0xa1, name: "the second 8259A interrupt controller", instead: interrupts),
        Device(ports: 0xc0...0xdf, name: "the second DMA controller", instead: "copy with the CPU"),
        Device(ports: 0x2e8...0x2ef, name: "the serial port COM4", instead: nil),
        Device(ports: 0x2f8...0x2ff, name: "the serial port COM2", instead: nil),
        Device(ports: 0x3b0...0x3df, name: "the screen's controller (VGA)", instead: "print to a serial port"),
        Device(ports: 0x3e8...0x3ef, name: "the serial port COM3", instead: nil),
        Device(ports: 0x3f8...0x3ff, name: "the serial port COM1", instead: nil),
        Device(ports: 0x1f0...0x1f7, name: "the first IDE channel", instead: "leave the disk driver out"),
        Device(ports: 0x170...0x177, name: "the second IDE channel", instead: "leave the disk driver out"),
        Device(ports: 0x4d0...0x4d1, name: "the interrupt controllers' trigger modes", instead: interrupts),
        Device(ports: 0xcf8...0xcff, name: "the access to PCI configuration space", instead: nil),
    ]

    /// Which of them a cell may have: Linux can be kept from using a serial port.
    static func isSerial(_ port: UInt64) -> Bool {
        [0x2e8, 0x2f8, 0x3e8, 0x3f8].contains { ($0...$0 + 7).contains(port) }
    }

    static func serialBase(of port: UInt64) -> UInt64 { port & ~7 }
}
