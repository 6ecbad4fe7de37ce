// SPDX-License-Identifier: Apache-2.0

/// What binutils, or LLVM's tools, say of a program's file; they need not be installed.
enum SymbolTool {
    /// How objdump is told what a flat program is for.
    enum Mode: String {
        case i8086, i386
        case x8664 = "i386:x86-64"
    }

    /// Whether there is a tool that reads lines.
    static var readsLines: Bool {
        run("addr2line", ["--version"]) != nil || run("llvm-symbolizer", ["--version"]) != nil
    }

    /// `clock.c:42`, or `io.h:7, inlined at clock.c:42`; nil when the file has no line for it, or there is no tool.
    static func line(of address: UInt64, in path: String) -> String? {
        let place = "0x" + String(address, radix: 16)
        let output =
            run("addr2line", ["-i", "-e", path, place])
            ?? run("llvm-symbolizer", ["--functions=none", "--obj=\(path)", place])
        // the innermost function first
        let lines = (output?.split(separator: "\n") ?? []).map(line)
        guard let first = lines.first, let inner = first else { return nil }
        guard lines.count > 1, let outer = lines.last ?? nil, outer != inner else { return inner }
        return "\(inner), inlined at \(outer)"
    }

    private static func line(_ text: Substring) -> String? {
        guard !text.hasPrefix("??"), !text.hasSuffix(":0"), !text.hasSuffix(":?") else { return nil }
        let name = text.split(separator: "/").last ?? text
        // addr2line adds which of several places of a line it is
        let words = name.split(separator: " ")
        // LLVM adds the column
        let parts = words.first?.split(separator: ":") ?? []
        return parts.count >= 2 ? "\(parts[0]):\(parts[1])" : nil
    }

    /// One instruction, as objdump writes it.
    static func instruction(at address: UInt64, in path: String) -> String? {
        first(run("objdump", ["-d", "--no-show-raw-insn"] + range(address) + [path]), address)
    }

    /// The same in a file without headers that begins at `start`.
    static func instruction(at address: UInt64, inFlat path: String, from start: UInt64, _ mode: Mode) -> String? {
        let arguments = [
            "-D", "-b", "binary", "-m", mode.rawValue, "--no-show-raw-insn",
            "--adjust-vma=0x\(String(start, radix: 16))",
        ]
        return first(run("objdump", arguments + range(address) + [path]), address)
    }

    private static func range(_ address: UInt64) -> [String] {
        [
            "--start-address=0x\(String(address, radix: 16))", "--stop-address=0x\(String(address &+ 16, radix: 16))",
        ]
    }

    /// `  200:\tmov %al,(%dx)`
    private static func first(_ output: String?, _ address: UInt64) -> String? {
        let beginning = String(address, radix: 16) + ":\t"
        for line in output?.split(separator: "\n") ?? [] {
            let text = line.drop { $0 == " " }
            guard text.hasPrefix(beginning) else { continue }
            let words = text.dropFirst(beginning.count).prefix { $0 != "#" && $0 != "<" }.split(separator: " ")
            let instruction = words.joined(separator: " ")
            return instruction == "(bad)" || instruction.isEmpty ? nil : instruction
        }
        return nil
    }

    private static func run(_ program: String, _ arguments: [String]) -> String? {
        OtherProgram.output(of: program, arguments)
    }
}
