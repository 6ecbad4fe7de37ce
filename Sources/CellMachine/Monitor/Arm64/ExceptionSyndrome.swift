// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// Why a CPU left the cell: ESR_EL2 (Arm's DDI0487, D17.2.37).
struct ExceptionSyndrome: Hashable {
    var rawValue: UInt64

    /// Its class.
    enum Class {
        static let coprocessor15: UInt64 = 0x03
        static let hypervisorCall32: UInt64 = 0x12
        static let secureCall32: UInt64 = 0x13
        static let hypervisorCall: UInt64 = 0x16
        static let secureCall: UInt64 = 0x17
        static let systemRegister: UInt64 = 0x18
        static let instructionAbort: UInt64 = 0x20
        static let dataAbort: UInt64 = 0x24
    }

    var kind: UInt64 { rawValue >> 26 & 0x3f }
    var isLongInstruction: Bool { rawValue >> 25 & 1 != 0 }
    /// What it means depends on the class.
    var details: UInt64 { rawValue & 0x1ff_ffff }

    /// Of a call: what the instruction says.
    var immediate: UInt64 { details & 0xffff }
}

/// A data abort that says what the instruction wanted.
struct DataAccess: Hashable {
    /// 1, 2, 4 or 8 bytes.
    var size: Int
    var isWrite: Bool
    /// 31 is the zero register.
    var register: Int
    private var isSigned: Bool

    private enum Bit {
        static let isValid: UInt64 = 1 << 24
        static let isSigned: UInt64 = 1 << 21
        static let isWrite: UInt64 = 1 << 6
        static let sizeShift: UInt64 = 22
        static let registerShift: UInt64 = 16
    }

    /// Nil for pairs, addresses that are changed by the way, vectors, and what else the processor does not describe.
    init?(_ syndrome: ExceptionSyndrome) {
        let details = syndrome.details
        isWrite = DataAccess.isWrite(syndrome)
        size = 1 << Int(details >> Bit.sizeShift & 3)
        register = Int(details >> Bit.registerShift & 0x1f)
        isSigned = details & Bit.isSigned != 0
        guard details & Bit.isValid != 0 else { return nil }
    }

    static func isWrite(_ syndrome: ExceptionSyndrome) -> Bool { syndrome.details & Bit.isWrite != 0 }

    /// What the register has afterwards. The hypervisor does not cut what a device gave to the access's size; where the
    /// instruction extends a sign it does so to 64 bits.
    func result(of value: UInt64) -> UInt64 {
        guard isSigned, size < 8 else { return value }
        let shift = UInt64(64 - size * 8)
        return UInt64(bitPattern: Int64(bitPattern: value << shift) >> Int64(shift))
    }

    /// What an instruction stores.
    func stored(_ value: UInt64) -> UInt64 { size < 8 ? value & (1 << UInt64(size * 8) - 1) : value }
}
