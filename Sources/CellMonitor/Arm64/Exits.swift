// SPDX-License-Identifier: Apache-2.0

/// Which vector brought a CPU out of the cell; entry.S has the numbers, too.
private enum Cause {
    static let synchronous = 0
    static let interrupt = 1
}

/// Does what the cell wanted, or parks the CPU. When this returns, it enters the cell again.
@c(monitor_exit) func monitorExit(_ cause: Int) {
    let cpu = VirtualCPU.current
    switch cause {
    case Cause.synchronous:
        if let violation = handleException(of: cpu) { park(cpu, violation) }
    case Cause.interrupt: InterruptController.handle(cpu)
    // the hypervisor does not know FIQs: that CPU hangs
    default: while true { awaitInterrupt() }
    }
}

private func handleException(of cpu: VirtualCPU) -> Violation? {
    typealias Class = ExceptionSyndrome.Class
    let syndrome = ExceptionSyndrome(rawValue: readSyndrome())
    switch syndrome.kind {
    case Class.hypervisorCall: return Hypercalls.handle(cpu, syndrome)
    case Class.secureCall: return Firmware.handle(cpu)
    case Class.systemRegister: return handleSystemRegister(cpu, syndrome)
    case Class.dataAbort:
        return MappedIO.handle(cpu, syndrome)
    case Class.instructionAbort:
        cpu.count(.other)
        return Violation(.fetch, abortedAddress())
    default:
        cpu.count(.other)
        return Violation(.trap)
    }
}

/// The cell's own physical address of an abort.
func abortedAddress() -> UInt64 {
    let (pageMask, addressShift): (UInt64, UInt64) = (0xfff, 8)
    return (readIntermediateAddress() & ~0xf) << addressShift | readFaultAddress() & pageMask
}

extension Hypercalls {
    /// HVC: code in x0, arguments in x1 and x2, result in x0.
    static func handle(_ cpu: VirtualCPU, _ syndrome: ExceptionSyndrome) -> Violation? {
        let number: UInt64 = 0x4a48  // "JH"
        guard syndrome.immediate == number else {
            cpu.count(.other)
            return Violation(.call)
        }
        cpu.count(.hypercall)
        let result = result(
            of: UInt32(truncatingIfNeeded: cpu.register(0)), UInt32(truncatingIfNeeded: cpu.register(1)),
            UInt32(truncatingIfNeeded: cpu.register(2)), by: cpu)
        cpu.setRegister(0, UInt64(bitPattern: result ?? unknown))
        return nil
    }
}

/// A system register: only the one by which CPUs of version 3 interrupt each other is done in the cell's stead.
private func handleSystemRegister(_ cpu: VirtualCPU, _ syndrome: ExceptionSyndrome) -> Violation? {
    /// Op0, Op2, Op1, CRn and CRm as the syndrome has them: S3_0_C12_C11_5.
    let softwareInterrupt: UInt64 = 3 << 20 | 5 << 17 | 0 << 14 | 12 << 10 | 11 << 1
    let (registerMask, numberShift, isRead): (UInt64, UInt64, UInt64) = (0x3f_fc1e, 5, 1)
    cpu.count(.other)
    guard syndrome.details & registerMask == softwareInterrupt, syndrome.details & isRead == 0 else {
        return Violation(.trap)
    }
    let value = cpu.register(Int(syndrome.details >> numberShift & 0x1f))
    InterruptController.send(SoftwareInterrupt(registerValue: value), from: cpu)
    cpu.skip()
    return nil
}
