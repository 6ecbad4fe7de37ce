// SPDX-License-Identifier: Apache-2.0

/// What the hypervisor prints of a CPU's registers, with numbers of our own.
enum Dump {
    /// - Parameters:
    ///   - registers: others are 0.
    ///   - is64: in 64-bit mode with paging; else in 32-bit protected mode without.
    static func x86(_ registers: [String: UInt64] = [:], is64: Bool = true) -> String {
        func value(_ name: String) -> String {
            let digits = String(registers[name] ?? defaults(is64)[name] ?? 0, radix: 16)
            return "0x" + String(repeating: "0", count: 16 - digits.count) + digits
        }
        return """
            RIP: \(value("rip")) RSP: \(value("rsp")) FLAGS: 2
            RAX: \(value("rax")) RBX: \(value("rbx")) RCX: \(value("rcx"))
            RDX: \(value("rdx")) RSI: \(value("rsi")) RDI: \(value("rdi"))
            CS: \(is64 ? 18 : 8) BASE: 0x0000000000000000 AR-BYTES: \(is64 ? "a9b" : "c9b") EFER.LMA \(is64 ? 1 : 0)
            CR0: \(value("cr0")) CR3: \(value("cr3")) CR4: \(value("cr4"))
            EFER: \(value("efer"))
            """
    }

    private static func defaults(_ is64: Bool) -> [String: UInt64] {
        is64
            ? ["rip": 0x10_0100, "rsp": 0x1f_fff0, "cr0": 0x8001_0033, "cr3": 0x8000, "cr4": 0x620, "efer": 0x1500]
            : ["rip": 0x10_0100, "rsp": 0x1f_fff0, "cr0": 0x11, "efer": 0x1000]
    }

    /// - Parameters:
    ///   - registers: `pc`, `elr` (the same if it is not given), `lr`, `sp` and `x0` to `x29`; others are 0.
    ///   - esr: as printed: class, length, syndrome.
    ///   - hasLink: releases up to v0.12 print no `elr:`.
    static func arm64(_ registers: [String: UInt64] = [:], esr: String, hasLink: Bool = true) -> String {
        func value(_ name: String) -> String {
            let counter = registers["pc"] ?? 0x8_1040
            let digits = String(registers[name] ?? (name == "pc" || name == "elr" ? counter : 0), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        var lines = [
            "Cell state before exception:",
            " pc: \(value("pc"))   lr: \(value("lr")) spsr: 600003c5     EL1",
            " sp: \(value("sp"))  \(hasLink ? "elr: \(value("elr"))  " : "")esr: \(esr)",
        ]
        for first in stride(from: 0, to: 30, by: 3) {
            lines.append(
                (first..<first + 3).map { "\($0 < 10 ? " " : "")x\($0): \(value("x\($0)"))" }.joined(separator: "  "))
        }
        return (lines + [""]).joined(separator: "\n")
    }

    static func arm32(_ registers: [String: UInt64] = [:], hsr: UInt64) -> String {
        func value(_ name: String) -> String {
            let digits = String(registers[name] ?? (name == "pc" ? 0x8_1040 : 0), radix: 16)
            return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
        }
        var lines = ["pc=\(value("pc")) cpsr=0x600001d3 hsr=0x\(String(hsr, radix: 16))"]
        for first in stride(from: 0, to: 15, by: 4) {
            lines.append((first..<min(first + 4, 15)).map { "r\($0)=\(value("r\($0)"))" }.joined(separator: " "))
        }
        return lines.joined(separator: "\n")
    }
}
