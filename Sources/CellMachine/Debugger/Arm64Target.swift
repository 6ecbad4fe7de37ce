// SPDX-License-Identifier: Apache-2.0

/// Cells for Arm64: QEMU's registers are gdb's, and stage 2 is QEMU's affair as long as a CPU is in the cell.
struct Arm64Target: DebugTarget {
    let preparation: String? = nil
    let description: String? = nil
    let speaksAsStub = true

    func registers(_ answer: [UInt8]) -> (any StubRegisters)? { ArmRegisters(answer: answer) }
}

/// QEMU's gdb-xml/aarch64-core.xml: x0 to x30, SP, PC in 8 bytes each, CPSR in 4; behind them what the monitor does not use.
struct ArmRegisters: StubRegisters {
    private(set) var bytes: [UInt8]
    /// Of a CPU in the monitor.
    private var walk: ArmPageWalk?

    private enum Number {
        static let stackPointer = 31
        static let instruction = 32
        static let state = 33
    }

    private static let coreSize = 33 * 8 + 4

    init?(answer: [UInt8]) {
        guard let bytes = RemotePackets.bytes(fromHexadecimal: answer), bytes.count >= ArmRegisters.coreSize else {
            return nil
        }
        self.bytes = bytes
    }

    var all: [UInt8] { bytes }

    func one(_ number: Int) -> [UInt8]? {
        guard (0...Number.state).contains(number) else { return nil }
        return Array(bytes[(number * 8)...].prefix(number == Number.state ? 4 : 8))
    }

    // what is written goes to QEMU as it is

    mutating func setAll(_ values: [UInt8]) {}
    mutating func setOne(_ number: Int, to value: [UInt8]) -> Bool { false }

    /// At EL2.
    func isMonitor(_ area: SharedArea) -> Bool {
        let (level, aarch32): (UInt8, UInt8) = (0xc, 0x10)
        return bytes[Number.state * 8] & (level | aarch32) == 0x8
    }

    /// Of a CPU that is held or parked as it was then; else as it will begin.
    mutating func setCell(_ area: SharedArea, cpu index: Int) {
        typealias Register = MonitorMemory.Arm64.Register
        let isReported = area.isHeld(cpu: index) || area.hasFailed(cpu: index)
        func recorded(_ place: Int) -> UInt64 { isReported ? area.recordedRegister(place, cpu: index) : 0 }
        func recorded(_ register: Register) -> UInt64 { recorded(register.rawValue) }
        for number in 0..<Register.generalCount { set(number, recorded(Register.general + number), size: 8) }
        set(Number.stackPointer, recorded(.sp), size: 8)
        set(Number.instruction, recorded(.elr), size: 8)
        set(Number.state, recorded(.spsr), size: 4)
        walk = ArmPageWalk(
            systemControl: recorded(.systemControl), control: recorded(.translationControl),
            tables: (recorded(.lowerTable), recorded(.upperTable)))
    }

    func address(of linear: UInt64, _ read: (UInt64, Int) -> UInt64?) -> UInt64? {
        walk.map { $0.address(of: linear, read) } ?? linear
    }

    private mutating func set(_ number: Int, _ value: UInt64, size: Int) {
        for byte in 0..<size { bytes[number * 8 + byte] = UInt8(truncatingIfNeeded: value >> UInt64(byte * 8)) }
    }
}

/// The first stage of the translation, which is the cell's own (Arm's DDI0487, D8).
struct ArmPageWalk {
    /// SCTLR_EL1, TCR_EL1, TTBR0_EL1 and TTBR1_EL1.
    var systemControl: UInt64
    var control: UInt64
    var tables: (lower: UInt64, upper: UInt64)

    private static let addressBits: UInt64 = 0xffff_ffff_ffff

    /// Nil when it is not mapped.
    ///
    /// - Parameter read: an entry of so many bytes at an address of the cell's memory; nil when there is none.
    func address(of linear: UInt64, _ read: (UInt64, Int) -> UInt64?) -> UInt64? {
        guard systemControl & 1 != 0 else { return linear }
        let isUpper = linear >> 55 & 1 != 0
        let inputBits = 64 - (control >> (isUpper ? 16 : 0) & 0x3f)
        guard let pageBits = isUpper ? upperPageBits : lowerPageBits, inputBits > pageBits, inputBits <= 52 else {
            return nil
        }
        let perLevel = pageBits - 3
        var level = 4 - (inputBits - pageBits + perLevel - 1) / perLevel
        var table = (isUpper ? tables.upper : tables.lower) & ArmPageWalk.addressBits & ~1
        var bits = inputBits
        while true {
            let shift = pageBits + perLevel * (3 - level)
            let index = linear >> shift & (1 << (bits - shift) - 1)
            guard let entry = read(table + index * 8, 8), entry & 1 != 0 else { return nil }
            let isTable = entry & 2 != 0
            let offset = UInt64(1) << shift - 1
            if level == 3 || !isTable {
                guard level < 3 || isTable else { return nil }
                return entry & ArmPageWalk.addressBits & ~offset | linear & offset
            }
            table = entry & ArmPageWalk.addressBits & ~(1 << pageBits - 1)
            bits = shift
            level += 1
        }
    }

    private var lowerPageBits: UInt64? { [0: 12, 1: 16, 2: 14][control >> 14 & 3] }
    private var upperPageBits: UInt64? { [1: 14, 2: 12, 3: 16][control >> 30 & 3] }
}
