// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// What of an x86 machine the hypervisor can print to: serial ports, those of PCI cards, the firmware's framebuffer.
enum ProposedConsoles {
    /// The likeliest first.
    static func all(
        _ machine: RunningMachine, _ functions: [PCIFunction]
    ) -> [(name: String, console: Console)] {
        let known: [(name: String, port: UInt64)] = [
            ("COM1", 0x3f8), ("COM2", 0x2f8), ("COM3", 0x3e8), ("COM4", 0x2e8),
        ]
        var consoles = known.filter { port in
            machine.ports.contains { $0.first == port.port && !$0.name.hasPrefix("PCI ") }
        }
        .map { (name: $0.name, console: Console(kind: .uart8250, address: $0.port)) }
        for function in functions where function.deviceClass == 0x0700 {
            guard let window = function.windows.first else { continue }
            let size = UInt32(clamping: window.last - window.first + 1)
            consoles.append(
                (
                    "serial port \(function.address)",
                    window.isPorts
                        ? Console(kind: .uart8250, address: window.first)
                        : Console(kind: .uart8250, address: window.first, size: max(size, 0x1000), flags: .mmio)
                ))
        }
        if let buffer = machine.memory.first(where: { $0.name == "BOOTFB" }), buffer.first > 0,
            buffer.last > buffer.first
        {
            let size = UInt32(clamping: buffer.last - buffer.first + 1)
            let isLarge = size >= 1920 * 1080 * 4
            consoles.append(
                (
                    "the firmware's framebuffer",
                    Console(
                        kind: .efiFramebuffer, address: buffer.first, size: size,
                        flags: isLarge ? [.mmio, .framebuffer1920x1080] : .mmio)
                ))
        }
        return consoles
    }
}
