// SPDX-License-Identifier: Apache-2.0

/// The registers in a line of a dump.
enum DumpRegisters {
    /// `RIP: 0x… RSP: 0x…`, ` pc: … lr: …`, ` x0: …`, `esr: 24 1 0000046`; 32-bit Arm: `pc=0x…`. By their names in lower case.
    ///
    /// A number that is cut off is left out, and so is all that an inmate's own text only resembles.
    static func found(in line: String) -> [String: UInt64] {
        guard mayHave(Array(line.utf8)) else { return [:] }
        var found: [String: UInt64] = [:]
        let words = line.split(separator: " ")
        func digits(_ index: Int) -> Substring {
            guard words.indices.contains(index) else { return "" }
            let word = words[index].prefix { $0 != "\r" && $0 != "\r\n" }
            return word.hasPrefix("0x") ? word.dropFirst(2) : word
        }
        for (index, word) in words.enumerated() {
            if word.hasSuffix(":") {
                let (name, text) = (word.dropLast().lowercased(), digits(index + 1))
                guard let value = UInt64(text, radix: 16), let width = widths[name], width == 0 || text.count == width
                else { continue }
                switch (name, index > 0 ? words[index - 1] : "") {
                // the class, whether the instruction has 32 bits, the syndrome
                case ("esr", _):
                    found[name] = value
                    found["iss"] = UInt64(digits(index + 3), radix: 16)
                case ("info", "vectoring"): found["vectoring"] = value
                case ("info", _): continue
                case ("code", "Error"): found["error"] = value
                case ("address", "Physical"): found["physical"] = value
                case ("code", _), ("address", _): continue
                default: found[name] = value
                }
            } else if let equals = word.firstIndex(of: "="), word[equals...].hasPrefix("=0x") {
                let (name, text) = (word[..<equals].lowercased(), word[word.index(equals, offsetBy: 3)...])
                guard arm32.contains(name), text.prefix(while: \.isHexDigit).count == 8 || name == "hsr",
                    let value = UInt64(text.prefix(while: \.isHexDigit), radix: 16)
                else { continue }
                found[name] = value
            }
        }
        return found
    }

    /// Of a CPU that did not die.
    private static let others = WordFilter(["Unknown hypercall"])

    /// Whether a name and a number are there at all: most lines of a console have none.
    private static func mayHave(_ line: [UInt8]) -> Bool {
        for (index, byte) in line.enumerated() where byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=") {
            let next = line[(index + 1)...].first { $0 != UInt8(ascii: " ") }
            if let next, Character(Unicode.Scalar(next)).isHexDigit { return !others.isOne(in: line) }
        }
        return false
    }

    private static let arm32 = Set((0...14).map { "r\($0)" } + ["pc", "cpsr", "hsr"])

    /// How many digits they have; 0: any number.
    private static let widths: [String: Int] = {
        var widths = [
            "flags": 0, "cs": 0, "ar-bytes": 0, "spsr": 8, "esr": 0, "info": 0, "code": 0, "address": 0, "hsr": 0,
        ]
        let x86 = ["rip", "rsp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "base", "cr0", "cr2", "cr3", "cr4", "efer"]
        for name in x86 + ["phys", "linear", "pc", "lr", "sp", "elr"] + (0...30).map({ "x\($0)" }) {
            widths[name] = 16
        }
        for number in 0...14 { widths["r\(number)"] = 8 }
        return widths
    }()
}
