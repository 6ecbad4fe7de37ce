// SPDX-License-Identifier: Apache-2.0

/// The I/O ports that hardware has on every PC.
package enum PCPorts {
    package struct Device: Hashable, Sendable {
        /// As in a sentence: "the first 8259A".
        package let name: String
        package let ports: ClosedRange<UInt64>

        package init(_ name: String, _ ports: ClosedRange<UInt64>) {
            self.name = name
            self.ports = ports
        }
    }

    /// As Linux numbers them: `ttyS0` is the first.
    package static let serial = [
        Device("COM1", 0x3f8...0x3ff), Device("COM2", 0x2f8...0x2ff), Device("COM3", 0x3e8...0x3ef),
        Device("COM4", 0x2e8...0x2ef),
    ]

    /// Moderated by the hypervisor for cells that do not list them.
    package static let pciConfiguration = Device("PCI configuration", 0xcf8...0xcff)

    package static let firstInterruptController = Device("the first 8259A", 0x20...0x21)
    package static let secondInterruptController = Device("the second 8259A", 0xa0...0xa1)
    package static let interruptTriggers = Device("the 8259A's trigger registers", 0x4d0...0x4d1)
    package static let intervalTimer = Device("the 8254 timer", 0x40...0x43)
    package static let keyboardController = Device("the keyboard controller", 0x60...0x64)
    package static let clock = Device("the CMOS clock", 0x70...0x77)
    package static let display = Device("the VGA", 0x3b0...0x3df)
    package static let dmaController = Device("the DMA controller", 0x0...0x1f)
    package static let dmaPages = Device("the DMA page registers", 0x80...0x92)
    package static let secondDMAController = Device("the second DMA controller", 0xc0...0xdf)

    /// What the firmware, the board's power supply and an emulated machine have, where a machine has them at all: a write may stop
    /// the machine.
    package static let firmware = [
        Device("the firmware's command port (SMI)", 0xb2...0xb3), Device("the embedded controller", 0x66...0x66),
        Device("the power management (AMD)", 0xcd6...0xcd7), Device("QEMU's fw_cfg", 0x510...0x51b),
        Device("the display of QEMU and Bochs", 0x1ce...0x1d0),
    ]

    /// The board's own, which Linux needs: a CPU of Linux that uses one which a cell has is parked for good.
    package static let board = [
        dmaController, firstInterruptController, intervalTimer, keyboardController, clock, dmaPages,
        secondInterruptController, secondDMAController, display, interruptTriggers,
    ]
}
