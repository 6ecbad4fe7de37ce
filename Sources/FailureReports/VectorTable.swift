// SPDX-License-Identifier: Apache-2.0

/// The exception vectors of Arm, when they were never set: at the address 0.
enum VectorTable {
    /// Which exception a processor in AArch64 takes there; nil: it takes none there, so the program jumped.
    ///
    /// From 0 on for EL1 on the stack pointer of EL0, which a cell does not begin with; from 0x200 on for EL1, from 0x400 on for EL0.
    static func exception(at address: UInt64) -> String? {
        guard (0x200..<0x800).contains(address), address & 0x7f == 0 else { return nil }
        return switch address & 0x180 {
        case 0x000: "a fault or a system call"
        case 0x080: "an interrupt"
        case 0x100: "a FIQ"
        default: "an SError"
        }
    }

    /// The same of a processor in AArch32.
    static func exception32(at address: UInt64) -> String? {
        switch address {
        case 0x4: "an undefined instruction"
        case 0x8: "a system call"
        case 0xc: "a prefetch abort"
        case 0x10: "a data abort"
        case 0x18: "an interrupt"
        case 0x1c: "a FIQ"
        default: nil
        }
    }

    /// By the dump as well: an exception masks all others, and is taken to EL1 on its own stack pointer.
    static func exception(at address: UInt64, _ registers: [String: UInt64]) -> String? {
        if registers["cpsr"] != nil { return exception32(at: address) }
        if let state = registers["spsr"], state & 0x3cf != 0x3c5 { return nil }
        return exception(at: address)
    }

    static func explanation(_ kind: String, at address: UInt64) -> Explanation {
        Explanation(
            summary:
                "An exception (\(kind)) went to the vector table at address 0 (0x\(hex(address))): the vector base "
                + "(VBAR) was never set.",
            advice: "Install exception vectors at the start of the program; the first exception is the actual fault.")
    }

    static func jump(to address: UInt64) -> Explanation {
        Explanation(
            summary: "The program jumped to 0x\(hex(address)), where the cell has no executable memory.",
            advice: address == 0
                ? "Most often this is a call through a pointer that is NULL: look at LR, and at function pointers."
                : "Check the image's load address, the reset address, and function pointers.")
    }

    /// What LR says of where a jump came from.
    ///
    /// - Parameters:
    ///   - caller: what LR holds.
    ///   - target: where the program jumped; nil: it did not.
    static func note(caller: UInt64, _ target: UInt64?, _ registers: [String: UInt64]) -> String {
        let plain = "LR, the last return address, is 0x\(hex(caller))"
        // bit 0 says that the code there is Thumb
        guard let target, exception(at: target, registers) == nil else { return plain + "." }
        if caller & ~1 == target & ~1 {
            return plain
                + ", the same: the program returned there. What overwrote the saved LR on the stack is to be found."
        }
        guard caller & 3 == 0, registers["cpsr"] == nil else {
            return plain + "; if the jump was a call, it is right before that."
        }
        return plain + "; if the jump was a call, it is the instruction at 0x\(hex(caller - 4))."
    }
}
