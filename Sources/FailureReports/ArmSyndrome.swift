// SPDX-License-Identifier: Apache-2.0

/// What the syndrome of an Arm trap says (Arm Architecture Reference Manual, ESR_ELx).
enum ArmSyndrome {
    /// A sentence each.
    static func notes(class kind: UInt64, _ registers: [String: UInt64]) -> [String] {
        let syndrome = registers["iss"] ?? registers["hsr"].map { $0 & 0x1ff_ffff }
        return switch kind {
        case 0x12, 0x16: syndrome.map { ["The instruction was HVC #0x\(hex($0 & 0xffff))."] } ?? []
        case 0x17, 0x13: (registers["x0"] ?? registers["r0"]).map { [call($0)] } ?? []
        case 0x18: syndrome.map { [systemRegister($0)] } ?? []
        case 0x24: syndrome.map { [dataAbort($0)] } ?? []
        default: []
        }
    }

    /// Bit 6: a write; bit 24: the size (bits 22 and 23) and the register (16 to 20) are valid.
    private static func dataAbort(_ syndrome: UInt64) -> String {
        let access = syndrome & 0x40 != 0 ? "wrote" : "read"
        guard syndrome & 0x100_0000 != 0 else { return "By its syndrome the instruction \(access)." }
        let register = syndrome >> 16 & 0x1f
        let name = register == 31 ? "the zero register" : "register \(register)"
        return
            "By its syndrome the instruction \(access) \(bytes(1 << (syndrome >> 22 & 3))), \(access == "read" ? "into" : "from") \(name)."
    }

    /// By the SMC Calling Convention: bits 24 to 29 of the function are its owner.
    private static func call(_ function: UInt64) -> String {
        let owner =
            switch function >> 24 & 0x3f {
            case 0: "the architecture's"
            case 1: "the processor's"
            case 2: "the chip vendor's (SiP)"
            case 3: "the board vendor's (OEM)"
            case 4: "the standard services', such as PSCI"
            case 5, 6: "a hypervisor's"
            case 48, 49: "a trusted application's"
            case 50...63: "a trusted operating system's, such as OP-TEE"
            default: "reserved"
            }
        return "The function in the first register is 0x\(hex(function)), which is \(owner)."
    }

    private static func systemRegister(_ syndrome: UInt64) -> String {
        let (op0, op1, op2) = (syndrome >> 20 & 3, syndrome >> 14 & 7, syndrome >> 17 & 7)
        let (crn, crm) = (syndrome >> 10 & 0xf, syndrome >> 1 & 0xf)
        let name = "S\(op0)_\(op1)_C\(crn)_C\(crm)_\(op2)"
        let known = [
            "S3_0_C1_C0_1": "ACTLR_EL1", "S3_0_C12_C11_5": "ICC_SGI1R_EL1", "S3_0_C12_C11_6": "ICC_ASGI1R_EL1",
            "S3_0_C12_C11_7": "ICC_SGI0R_EL1",
        ]
        return "It \(syndrome & 1 == 1 ? "read" : "wrote") \(known[name] ?? name)."
    }
}
