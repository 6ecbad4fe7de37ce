// SPDX-License-Identifier: Apache-2.0

/// A CPU of the cell: the registers that the monitor saved, and the record that the host reads. What the processor
/// keeps itself can be reached on that CPU only.
struct VirtualCPU {
    let index: Int
    /// Of the monitor's memory.
    let area: Int
    private let frame: Int

    init(index: Int) {
        self.index = index
        area = MonitorMemory.cpus + index * MonitorMemory.cpuStride
        frame = area + MonitorMemory.Arm64.frame
    }

    /// The one that this runs on.
    static var current: VirtualCPU { VirtualCPU(index: Int(readCPUIndex())) }

    var affinity: UInt64 { Affinity.of(number, gicVersion: Parameters.gicVersion) }

    // MARK: registers

    /// 31 is the zero register.
    private static let zeroRegister = 31

    func register(_ number: Int) -> UInt64 {
        number == VirtualCPU.zeroRegister ? 0 : Parameters.long(frame + number * 8)
    }

    func setRegister(_ number: Int, _ value: UInt64) {
        if number != VirtualCPU.zeroRegister { Parameters.setLong(frame + number * 8, value) }
    }

    /// Goes on behind the instruction that was done in the cell's stead.
    func skip() { writeReturnAddress(readReturnAddress() &+ 4) }

    // MARK: the report

    func report(_ violation: Violation) {
        let place = record(MonitorMemory.Record.report)
        Parameters.setLong(place, violation.reason.rawValue)
        Parameters.setLong(place + 8, violation.details.0)
        Parameters.setLong(place + 16, violation.details.1)
        Parameters.setLong(place + 24, violation.details.2)
        typealias Register = MonitorMemory.Arm64.Register
        let registers = record(MonitorMemory.Record.registers)
        var next = 0
        while let register = Register(rawValue: next) {
            Parameters.setLong(registers + next * 8, value(of: register))
            next += 1
        }
        for number in 0..<Register.generalCount {
            Parameters.setLong(registers + (Register.general + number) * 8, self.register(number))
        }
    }

    /// The hypervisor steps over a call of the firmware before it refuses it.
    private var isSteppedOver: Bool {
        ExceptionSyndrome(rawValue: readSyndrome()).kind == ExceptionSyndrome.Class.secureCall
    }

    private func value(of register: MonitorMemory.Arm64.Register) -> UInt64 {
        switch register {
        case .pc: readReturnAddress()
        case .elr: isSteppedOver ? readReturnAddress() &- 4 : readReturnAddress()
        case .sp: readSavedState() & SavedState.levelMask == 0 ? readStackPointerEL0() : readStackPointerEL1()
        case .spsr: readSavedState()
        case .esr: readSyndrome()
        case .systemControl: readSystemControl()
        case .translationControl: readCellTranslationControl()
        case .lowerTable: readLowerTable()
        case .upperTable: readUpperTable()
        }
    }
}

/// SPSR_EL2.
enum SavedState {
    /// The level, in AArch64.
    static let levelMask: UInt64 = 0xc
    /// Debug, SError, IRQ and FIQ masked; EL1 with its own stack pointer.
    static let reset: UInt64 = 0x3c5
    /// AArch32: SError, IRQ and FIQ masked; supervisor mode.
    static let reset32: UInt64 = 0x1d3
}

typealias ViolationReason = MonitorMemory.Arm64.Reason
typealias Counter = MonitorMemory.Arm64.Counter

@_extern(c, "read_cpu_index") private func readCPUIndex() -> UInt64
@_extern(c, "read_syndrome") func readSyndrome() -> UInt64
@_extern(c, "read_fault_address") func readFaultAddress() -> UInt64
@_extern(c, "read_intermediate_address") func readIntermediateAddress() -> UInt64
@_extern(c, "read_return_address") func readReturnAddress() -> UInt64
@_extern(c, "write_return_address") func writeReturnAddress(_ value: UInt64)
@_extern(c, "read_saved_state") func readSavedState() -> UInt64
@_extern(c, "write_saved_state") func writeSavedState(_ value: UInt64)
@_extern(c, "read_stack_pointer_el0") private func readStackPointerEL0() -> UInt64
@_extern(c, "read_stack_pointer_el1") private func readStackPointerEL1() -> UInt64
@_extern(c, "read_system_control") private func readSystemControl() -> UInt64
@_extern(c, "read_cell_translation_control") private func readCellTranslationControl() -> UInt64
@_extern(c, "read_lower_table") private func readLowerTable() -> UInt64
@_extern(c, "read_upper_table") private func readUpperTable() -> UInt64
