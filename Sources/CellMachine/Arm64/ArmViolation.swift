// SPDX-License-Identifier: Apache-2.0

/// What the Arm64 monitor wrote down when it parked a CPU, and the hypervisor's lines for it.
struct ArmViolation: Hashable, Sendable {
    typealias Register = MonitorMemory.Arm64.Register

    var reason: MonitorMemory.Arm64.Reason
    var details: [UInt64]
    /// In the order of MonitorMemory.Arm64.Register, then x0 to x30.
    var registers: [UInt64]

    static let registerCount = Register.general + Register.generalCount

    private enum Verdict: String {
        case unhandled = "unhandled trap"
        case forbidden = "forbidden access"
    }

    /// What happened, an empty line, and what the hypervisor thinks of it.
    var reasonLines: [String] {
        let kind = hexadecimal(syndrome.kind, 2)
        return firstLines + ["", "FATAL: \(verdict.rawValue) (exception class 0x\(kind))"]
    }

    private var firstLines: [String] {
        let (first, second, third) = (details[0], details[1], details[2])
        func direction(_ isRead: UInt64) -> String { isRead != 0 ? "read" : "write" }
        switch reason {
        case .memory: return ["Unhandled data \(direction(third)) at 0x\(hexadecimal(first))(\(second))"]
        case .checkedRegion:
            return [
                "FATAL: Invalid MMIO \(direction(third)), address: \(hexadecimal(first)), size: \(hexadecimal(second))"
            ]
        case .fetch: return ["FATAL: instruction abort at 0x\(hexadecimal(first))"]
        case .configurationMemory:
            // whichever it was
            return [
                "FATAL: Invalid PCI MMCONFIG write, device \(function(first >> 16)), reg: 0x\(hexadecimal(first & 0xfff)), "
                    + "size: \(second)"
            ]
        case .vectorTable: return ["FATAL: Invalid PCI MSI-X table/PBA access, device \(function(first))"]
        case .route: return ["Attempt to route IRQ\(first) outside of cell"]
        case .firmwareCall: return ["Unhandled SMC arch trap \(hexadecimal(first))"]
        case .message, .call, .trap: return []
        }
    }

    private var verdict: Verdict {
        switch reason {
        case .memory, .firmwareCall, .trap: .unhandled
        case .checkedRegion, .fetch, .configurationMemory, .vectorTable, .route, .message, .call: .forbidden
        }
    }

    private var syndrome: ExceptionSyndrome { ExceptionSyndrome(rawValue: register(.esr)) }

    /// 0 or 1; of an AArch32 cell it is 0.
    private var level: UInt64 {
        let isAArch32 = register(.spsr) & 0x10 != 0
        return isAArch32 ? 0 : register(.spsr) >> 2 & 3
    }

    var registerLines: [String] {
        let general = registers.dropFirst(Register.general)
        let rows = stride(from: 0, to: 30, by: 3).map { first in
            (first..<first + 3).map { number in
                "\(number < 10 ? " " : "")x\(number): \(hexadecimal(general[general.startIndex + number], 16))"
            }.joined(separator: "  ")
        }
        return [
            "Cell state before exception:",
            " pc: \(hexadecimal(register(.pc), 16))   lr: \(hexadecimal(general[general.startIndex + 30], 16)) "
                + "spsr: \(hexadecimal(register(.spsr), 8))     EL\(level)",
            " sp: \(hexadecimal(register(.sp), 16))  elr: \(hexadecimal(register(.elr), 16))  "
                + "esr: \(hexadecimal(syndrome.kind, 2)) \(syndrome.isLongInstruction ? 1 : 0) "
                + hexadecimal(syndrome.details, 7),
        ] + rows + [""]
    }

    private func register(_ register: Register) -> UInt64 { registers[register.rawValue] }

    private func function(_ number: UInt64) -> String {
        "\(hexadecimal(number >> 8 & 0xff, 2)):\(hexadecimal(number >> 3 & 0x1f, 2)).\(number & 7)"
    }
}

private func hexadecimal(_ number: UInt64, _ width: Int = 1) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
