// SPDX-License-Identifier: Apache-2.0

/// A PCI function's address: bus, device, function.
package struct PCIAddress: RawRepresentable, Hashable, Sendable {
    /// Bus in the high byte, device in 5 bits, function in 3.
    package var rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Nil when a number does not fit its bits.
    package init?(bus: Int, device: Int, function: Int) {
        guard (0...255).contains(bus), (0...31).contains(device), (0...7).contains(function) else { return nil }
        rawValue = UInt16(bus << 8 | device << 3 | function)
    }

    package var bus: Int { Int(rawValue >> 8) }
    package var device: Int { Int(rawValue >> 3 & 31) }
    package var function: Int { Int(rawValue & 7) }
}

extension PCIAddress: LosslessStringConvertible {
    /// `00:1f.2`, in hexadecimal, as lspci writes it.
    package var description: String {
        func twoDigits(_ number: Int) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }
        return "\(twoDigits(bus)):\(twoDigits(device)).\(function)"
    }

    /// From ``description``.
    package init?(_ description: String) {
        let parts = description.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "." }
        guard parts.count == 3, parts.allSatisfy({ $0.allSatisfy(\.isHexDigit) && (1...2).contains($0.count) }),
            let bus = Int(parts[0], radix: 16), let device = Int(parts[1], radix: 16),
            let function = Int(parts[2], radix: 16), description.contains("\(parts[0]):\(parts[1]).\(parts[2])")
        else { return nil }
        self.init(bus: bus, device: device, function: function)
    }
}
