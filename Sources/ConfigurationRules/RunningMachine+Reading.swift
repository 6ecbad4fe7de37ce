// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// What Linux's texts say.

extension RunningMachine {
    /// A line of `/proc/interrupts` with a driver.
    package struct InterruptUse: Hashable, Sendable {
        /// Of the GIC or IOAPIC.
        package var pin: Int
        /// `e6e68000.serial`
        package var device: String
    }

    /// A node of the device tree with registers and interrupts.
    package struct TreeDevice: Hashable, Sendable {
        /// `serial@e6e68000`
        package var name: String
        /// Of its first register, as the processors see it.
        package var address: UInt64
        /// Of the GIC.
        package var pins: [Int]

        package init(name: String, address: UInt64, pins: [Int]) {
            (self.name, self.address, self.pins) = (name, address, pins)
        }
    }

    /// A device that Linux uses, by its first address.
    package struct UsedDevice: Hashable, Sendable {
        /// `driver renesas-cpg-mssr`, `clock controller clock-controller@e6150000`
        package var user: String
        package var address: UInt64

        /// Nil for a device without an address in its name, and for a bus.
        ///
        /// - Parameters:
        ///   - name: in `/sys/bus/platform/devices`: `e6150000.clock-controller`.
        ///   - driver: the name of what its link `driver` leads to.
        package init?(platformDevice name: String, driver: String) {
            // a bus has a driver, which touches nothing
            guard driver != "simple-pm-bus", let end = name.firstIndex(of: "."),
                let address = UInt64(name[..<end], radix: 16)
            else { return nil }
            self.init(user: "driver \(driver)", address: address)
        }

        /// - Parameters:
        ///   - name: of a node of the device tree that provides clocks.
        ///   - address: of its first register, as the processors see it.
        package init(clockController name: String, address: UInt64) {
            self.init(user: "clock controller \(name)", address: address)
        }

        private init(user: String, address: UInt64) {
            (self.user, self.address) = (user, address)
        }
    }

    /// `/proc/interrupts`: ` 85:  1  0  GICv3 185 Level  e6e68000.serial`, `  4:  7  0  IO-APIC  4-edge  ttyS0`.
    package static func interrupts(in text: String) -> [InterruptUse] {
        text.split(separator: "\n").flatMap { line -> [InterruptUse] in
            let words = line.split(separator: " ")
            guard let chip = words.firstIndex(where: { $0.hasPrefix("GIC") || $0.hasSuffix("IO-APIC") }),
                chip + 2 < words.count, let pin = Int(words[chip + 1].prefix { $0.isASCII && $0.isNumber })
            else { return [] }
            let rest = words[(chip + 2)...].drop { ["Level", "Edge"].contains($0) }
            return rest.joined(separator: " ").split(separator: ",").map {
                InterruptUse(pin: pin, device: String($0.drop { $0 == " " }))
            }
        }
    }

    /// The serial ports that Linux prints to, by `/proc/consoles` and the kernel's command line.
    package static func serialConsoles(consoles: String, commandLine: String) -> Set<Int> {
        let listed = consoles.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first.flatMap { number(ofPort: $0) }
        }
        let parameters = ["console=", "earlyprintk=", "earlycon=", "kgdboc="]
        let named = commandLine.split { $0 == " " || $0 == "\n" }.flatMap { word -> [Int] in
            guard let parameter = parameters.first(where: word.hasPrefix) else { return [] }
            let values = word.dropFirst(parameter.count).split(separator: ",")
            if values.first == "serial" {
                // the first one unless another is named
                return [values.dropFirst().first.flatMap { number(ofPort: $0) ?? number(ofAddress: $0) } ?? 0]
            }
            return values.compactMap { number(ofPort: $0) ?? number(ofAddress: $0) }
        }
        return Set(listed + named)
    }

    private static func number(ofPort name: Substring) -> Int? {
        name.hasPrefix("ttyS") ? Int(name.dropFirst(4)) : nil
    }

    private static func number(ofAddress text: Substring) -> Int? {
        guard text.hasPrefix("0x"), let address = UInt64(text.dropFirst(2), radix: 16) else { return nil }
        return PCPorts.serial.firstIndex { $0.ports.lowerBound == address }
    }
}
