// SPDX-License-Identifier: Apache-2.0

/// Whose hypervisor prints: `serve --console`. The lines differ where the processors' own words are in them.
package enum ConsoleWording: String, Hashable, Sendable, CaseIterable {
    case amd, intel

    /// The lines of a death as they are printed on this machine.
    ///
    /// - Parameter lines: as an AMD machine prints them.
    func lines(_ lines: [String]) -> [String] {
        self == .amd ? lines : lines.flatMap { Self.intel($0) }
    }

    private static func intel(_ line: String) -> [String] {
        // only AMD's processors have VMLOAD to SKINIT
        if let code = number(behind: "FATAL: Unexpected #VMEXIT, exitcode ", in: line, radix: 16),
            !(0x82...0x86).contains(code)
        {
            // 7f is the triple fault; VMRUN and its like are VMLAUNCH and its like
            return exit(code == 0x7f ? 2 : code == 0x80 ? 20 : 18)
        }
        if line.hasPrefix("FATAL: VM-Entry failure") {
            return ["FATAL: VM-Entry failure, reason 33"] + exit(33).dropFirst()
        }
        if line.hasPrefix("FATAL: Unable to parse MOV-to-CR") || line.hasPrefix("FATAL: Unsupported CR access") {
            return ["FATAL: Unhandled CR access, qualification 13"]
        }
        if let offset = number(behind: "FATAL: Unhandled APIC access, offset ", in: line, radix: 10) {
            let direction: UInt64 = line.hasSuffix("is_write: 1") ? 0x1000 : 0
            return ["FATAL: Unhandled APIC access, qualification \(String(direction | offset, radix: 16))"]
        }
        return [line]
    }

    static func exit(_ reason: Int) -> [String] {
        ["FATAL: Unhandled VM-Exit, reason \(reason)", "qualification 0", "vectoring info: 0 interrupt info: 0"]
    }

    private static func number(behind beginning: String, in line: String, radix: Int) -> UInt64? {
        guard line.hasPrefix(beginning) else { return nil }
        return UInt64(line.dropFirst(beginning.count).prefix(while: \.isHexDigit), radix: radix)
    }
}
