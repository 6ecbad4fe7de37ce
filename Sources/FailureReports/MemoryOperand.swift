// SPDX-License-Identifier: Apache-2.0

/// The memory that an x86 instruction accesses, as AT&T syntax writes it: `0x10(%rbx,%rcx,4)`.
package enum MemoryOperand {
    /// The address by the registers of a dump; nil without such an operand, or when a register is not in the dump.
    package static func address(in instruction: String, _ registers: [String: UInt64]) -> (
        address: UInt64, text: String
    )? {
        guard let open = instruction.firstIndex(of: "("), let close = instruction[open...].firstIndex(of: ")") else {
            return nil
        }
        let inside = instruction[instruction.index(after: open)..<close].split(
            separator: ",", omittingEmptySubsequences: false)
        guard (1...3).contains(inside.count), inside.contains(where: { $0.hasPrefix("%") }) else { return nil }
        var start = open
        while start > instruction.startIndex {
            let before = instruction.index(before: start)
            guard instruction[before].isHexDigit || instruction[before] == "x" || instruction[before] == "-" else {
                break
            }
            start = before
        }
        var address: UInt64 = 0
        if start < open {
            let text = instruction[start..<open]
            let digits = text.drop { $0 == "-" }
            guard digits.hasPrefix("0x"), let number = UInt64(digits.dropFirst(2), radix: 16) else { return nil }
            address = text.hasPrefix("-") ? 0 &- number : number
        }
        if !inside[0].isEmpty {
            guard let base = value(of: inside[0], registers) else { return nil }
            address &+= base
        }
        if inside.count > 1 {
            guard let index = value(of: inside[1], registers) else { return nil }
            address &+= index &* (inside.count == 3 ? UInt64(inside[2]) ?? 1 : 1)
        }
        if inside.allSatisfy({ !$0.hasPrefix("%r") }) { address &= 0xffff_ffff }
        return (address, String(instruction[start...close]))
    }

    /// Of `%rbx`, or of `%ebx`, which is its lower half.
    private static func value(of name: Substring, _ registers: [String: UInt64]) -> UInt64? {
        let name = name.dropFirst()
        if let value = registers[String(name)] { return value }
        guard name.hasPrefix("e"), let value = registers["r" + name.dropFirst()] else { return nil }
        return value & 0xffff_ffff
    }
}
