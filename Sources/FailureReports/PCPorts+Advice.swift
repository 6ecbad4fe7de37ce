// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension PCPorts {
    /// The device of the board at a port, which a cell must not have.
    static func boardDevice(at port: UInt64) -> Device? {
        (board + [pciConfiguration] + firmware).first { $0.ports.contains(port) }
    }

    /// The address and the data port of the PCI configuration: the hypervisor refuses only strings there without another line.
    static func isModerated(_ port: UInt64) -> Bool { port == 0xcf8 || (0xcfc...0xcff).contains(port) }

    /// Registers that say more than the name of their device does.
    static let registers: [UInt64: String] = [
        0x20: "the command register of the first 8259A", 0x21: "the mask register of the first 8259A",
        0xa0: "the command register of the second 8259A", 0xa1: "the mask register of the second 8259A",
        0x61: "the system control port (NMI status, speaker)", 0x92: "the fast A20 and reset register",
        0xcf9: "the reset control register", 0xcf8: "the PCI configuration address register",
        0xcfc: "the PCI configuration data register",
    ]

    /// What a Linux that was built as a guest of Jailhouse does not touch.
    static let linuxDoesWithout = [
        firstInterruptController.ports, secondInterruptController.ports, interruptTriggers.ports, intervalTimer.ports,
        keyboardController.ports, clock.ports,
    ]

    /// What a program does instead of using a register, where its device's ``Device/substitute`` does not fit.
    static func substitute(at port: UInt64) -> String? {
        switch port {
        case 0x61: "leave out the speaker and the NMI status"
        case 0x92: "leave out A20, which is always on in a cell"
        case 0x80: "leave out the delay by port 0x80, or write it with 1 byte, which the hypervisor ignores"
        case 0xcf9: "do not reset the machine: end the program by its state in the communication region"
        default: nil
        }
    }

    static func serialPort(at port: UInt64) -> Device? { serial.first { $0.ports.contains(port) } }
}

extension PCPorts.Device {
    /// What a program in a cell does without the device of the board.
    var substitute: String {
        switch self {
        case PCPorts.firstInterruptController, PCPorts.secondInterruptController, PCPorts.interruptTriggers:
            "use the local APIC, the IOAPIC's pins that the cell has, and MSI"
        case PCPorts.intervalTimer:
            "use the local APIC's timer, calibrated by the communication region or the PM timer"
        case PCPorts.keyboardController:
            "do not reset the machine or switch A20: end the program by its state in the communication region"
        case PCPorts.clock: "use the time-stamp counter"
        case PCPorts.display: "print to a serial port or the virtual console"
        case PCPorts.pciConfiguration: "write the address port with 4 bytes: the hypervisor moderates it for every cell"
        default: "leave out its driver"
        }
    }
}
