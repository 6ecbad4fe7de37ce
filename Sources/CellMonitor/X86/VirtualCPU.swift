// SPDX-License-Identifier: Apache-2.0

/// A CPU of the cell: the processor's control block, the registers that the processor does not keep there, and the
/// record that the host reads.
struct VirtualCPU {
    let index: Int
    /// Of the monitor's memory.
    let area: Int
    private let block: UnsafeMutableRawPointer
    /// rax rcx rdx rbx rsp rbp rsi rdi r8 … r15; rax and rsp are in the control block.
    private let registers: UnsafeMutableRawPointer
    private static let registersOffset = MonitorMemory.CPU.controlBlock + ControlBlock.registers

    typealias Field = ControlBlock

    init(index: Int) {
        self.index = index
        area = MonitorMemory.cpus + index * MonitorMemory.cpuStride
        block = Parameters.pointer(area + MonitorMemory.CPU.controlBlock)
        registers = Parameters.pointer(area + VirtualCPU.registersOffset)
    }

    // MARK: the control block

    func long(_ field: Int) -> UInt64 { block.load(fromByteOffset: field, as: UInt64.self) }
    func setLong(_ field: Int, _ value: UInt64) { block.storeBytes(of: value, toByteOffset: field, as: UInt64.self) }
    func setWord(_ field: Int, _ value: UInt32) { block.storeBytes(of: value, toByteOffset: field, as: UInt32.self) }
    func half(_ field: Int) -> UInt16 { block.load(fromByteOffset: field, as: UInt16.self) }
    func setByte(_ field: Int, _ value: UInt8) { block.storeBytes(of: value, toByteOffset: field, as: UInt8.self) }

    func setSegment(_ field: Int, selector: UInt16 = 0, attributes: UInt16, base: UInt64 = 0) {
        block.storeBytes(of: selector, toByteOffset: field, as: UInt16.self)
        block.storeBytes(of: attributes, toByteOffset: field + 2, as: UInt16.self)
        setWord(field + 4, 0xffff)
        setLong(field + 8, base)
    }

    // MARK: registers, by their number in instructions

    static let rax = 0
    static let rcx = 1
    static let rdx = 2
    static let rbx = 3
    static let rsp = 4
    static let rsi = 6
    static let rdi = 7

    func register(_ number: Int) -> UInt64 {
        switch number {
        case VirtualCPU.rax: long(Field.rax)
        case VirtualCPU.rsp: long(Field.rsp)
        default: registers.load(fromByteOffset: number * 8, as: UInt64.self)
        }
    }

    func setRegister(_ number: Int, _ value: UInt64) {
        switch number {
        case VirtualCPU.rax: setLong(Field.rax, value)
        case VirtualCPU.rsp: setLong(Field.rsp, value)
        default: registers.storeBytes(of: value, toByteOffset: number * 8, as: UInt64.self)
        }
    }

    func clearRegisters() {
        for number in 0..<16 { setRegister(number, 0) }
    }

    // MARK: running

    var controlBlockAddress: UInt64 { Parameters.machineAddress(area + MonitorMemory.CPU.controlBlock) }
    var hostStateAddress: UInt64 { Parameters.machineAddress(area + MonitorMemory.CPU.hostState) }

    func run() { vmRun(controlBlockAddress, registers) }

    /// Goes on behind the instruction that was done in the cell's stead.
    func skip(_ length: UInt64) {
        setLong(Field.rip, long(Field.rip) &+ length)
        setLong(Field.interruptShadow, 0)
    }

    func flushTranslations() { setByte(Field.flush, 1) }

    var isInLongMode: Bool { long(Field.efer) & 0x400 != 0 }
    /// Whether the code segment is a 64-bit one.
    var executes64Bit: Bool { isInLongMode && half(Field.cs + 2) & 0x200 != 0 }
    var executes32Bit: Bool { half(Field.cs + 2) & 0x400 != 0 }
    /// Where the code segment begins.
    var codeBase: UInt64 { executes64Bit ? 0 : long(Field.cs + 8) }

    // MARK: the record

    func report(_ reason: ViolationReason, _ details: (UInt64, UInt64, UInt64)) {
        let place = record(MonitorMemory.Record.report)
        Parameters.setLong(place, reason.rawValue)
        Parameters.setLong(place + 8, details.0)
        Parameters.setLong(place + 16, details.1)
        Parameters.setLong(place + 24, details.2)
        for register in MonitorMemory.Register.allCases {
            Parameters.setLong(record(MonitorMemory.Record.registers + register.rawValue * 8), value(of: register))
        }
    }

    private func value(of register: MonitorMemory.Register) -> UInt64 {
        switch register {
        case .rip: long(Field.rip)
        case .rsp: long(Field.rsp)
        case .flags: long(Field.flags)
        case .rax: long(Field.rax)
        case .rbx: self.register(VirtualCPU.rbx)
        case .rcx: self.register(VirtualCPU.rcx)
        case .rdx: self.register(VirtualCPU.rdx)
        case .rsi: self.register(VirtualCPU.rsi)
        case .rdi: self.register(VirtualCPU.rdi)
        case .cs: UInt64(half(Field.cs))
        case .csBase: long(Field.cs + 8)
        case .csAttributes: UInt64(half(Field.cs + 2))
        case .cr0: long(Field.cr0)
        case .cr3: long(Field.cr3)
        case .cr4: long(Field.cr4)
        case .efer: long(Field.efer)
        }
    }
}

typealias ViolationReason = MonitorMemory.Reason
typealias Counter = MonitorMemory.Counter
