// SPDX-License-Identifier: Apache-2.0

private typealias Field = VirtualCPU.Field

/// Why the processor left the cell (AMD's Architecture Programmer's Manual, volume 2, appendix C).
private enum ExitCode {
    static let exceptionBase: UInt64 = 0x40
    static let debug: UInt64 = 0x41
    static let alignment: UInt64 = 0x51
    static let nmi: UInt64 = 0x61
    static let initialize: UInt64 = 0x63
    static let controlRegister: UInt64 = 0x65
    static let identification: UInt64 = 0x72
    static let port: UInt64 = 0x7b
    static let register: UInt64 = 0x7c
    static let call: UInt64 = 0x81
    static let memory: UInt64 = 0x400
}

/// Does what the cell wanted, or says why it may not.
func handleExit(of cpu: VirtualCPU) -> Violation? {
    switch cpu.long(Field.exitCode) {
    case ExitCode.nmi, ExitCode.initialize:
        cpu.count(.management)
        takeNMI()
        Startup.heed(cpu)
        return nil
    case ExitCode.call:
        cpu.count(.hypercall)
        Hypercalls.handle(cpu)
        return nil
    case ExitCode.controlRegister:
        cpu.count(.controlRegister)
        return ControlRegister.handle(cpu)
    case ExitCode.identification:
        cpu.count(.cpuid)
        identify(cpu)
        return nil
    case ExitCode.register: return ModelRegisters.handle(cpu)
    case ExitCode.port:
        cpu.count(.portIO)
        return handlePort(cpu)
    case ExitCode.memory: return MappedIO.handle(cpu)
    case ExitCode.debug, ExitCode.alignment:
        cpu.count(.exception)
        reinjectException(cpu)
        return nil
    default:
        return Violation(
            .exit, cpu.long(Field.exitCode), cpu.long(Field.exitInformation1), cpu.long(Field.exitInformation2))
    }
}

/// The cell gets its exception: it was only looked at so that it cannot bring the processor into an endless loop.
private func reinjectException(_ cpu: VirtualCPU) {
    let vector = cpu.long(Field.exitCode) - ExitCode.exceptionBase
    let event = vector | 3 << 8 | 1 << 31
    let hasErrorCode = cpu.long(Field.exitCode) == ExitCode.alignment
    let errorCode = cpu.long(Field.exitInformation1) << 32 | 1 << 11
    cpu.setLong(Field.injectedEvent, hasErrorCode ? event | errorCode : event)
}

/// CPUID: the machine's, as far as a cell is shown it, and the hypervisor's own leaves.
private func identify(_ cpu: VirtualCPU) {
    let leaf = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rax))
    var answer = Identification()
    switch leaf {
    case 0x4000_0000:
        answer.eax = 0x4000_0001
        // "Jailhouse"
        answer.ebx = 0x6c69_614a
        answer.ecx = 0x7375_6f68
        answer.edx = 0x65
    case 0x4000_0001: break
    default:
        answer = Identification(leaf: leaf, subleaf: UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rcx)))
        if leaf == 1 {
            answer.ecx |= 1 << 31 | 1 << 21  // hypervisor, x2APIC
            answer.ecx &= ~(1 << 5 | 1 << 27)  // VMX; XSAVE as the cell has enabled it
            if cpu.long(Field.cr4) & 1 << 18 != 0 { answer.ecx |= 1 << 27 }
        } else if leaf == 0x8000_0001 {
            answer.ecx &= ~(1 << 2)  // SVM
        }
    }
    cpu.setRegister(VirtualCPU.rax, UInt64(answer.eax))
    cpu.setRegister(VirtualCPU.rbx, UInt64(answer.ebx))
    cpu.setRegister(VirtualCPU.rcx, UInt64(answer.ecx))
    cpu.setRegister(VirtualCPU.rdx, UInt64(answer.edx))
    cpu.skip(2)
}

/// A port that the cell's configuration does not list, or PCI's.
private func handlePort(_ cpu: VirtualCPU) -> Violation? {
    let information = cpu.long(Field.exitInformation1)
    let port = UInt32(information >> 16 & 0xffff)
    let size = Int(information >> 4 & 7)
    let isRead = information & 1 != 0
    let isString = information & 0xc != 0
    if !isString {
        let value = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rax))
        let write = isRead ? nil : value
        switch PCI.port(port, size: size, write: write) ?? Keyboard.port(port, size: size, write: write) {
        case .value(let value):
            if isRead { cpu.setAccumulator(value, size: size) }
            cpu.skip(cpu.long(Field.exitInformation2) &- cpu.long(Field.rip))
            return nil
        case .refused(let violation): return violation
        case .unknown, nil: break
        }
        if port == 0x80 && size == 1 {  // often written to only to wait
            cpu.skip(cpu.long(Field.exitInformation2) &- cpu.long(Field.rip))
            return nil
        }
    }
    return Violation(.port, UInt64(port), UInt64(size), isRead ? 1 : 0)
}

extension VirtualCPU {
    /// As an instruction leaves it: 4 bytes clear the upper half.
    func setAccumulator(_ value: UInt64, size: Int) {
        setRegister(VirtualCPU.rax, merged(value, size: size, into: register(VirtualCPU.rax)))
    }

    func merged(_ value: UInt64, size: Int, into old: UInt64) -> UInt64 {
        switch size {
        case 1: old & ~0xff | value & 0xff
        case 2: old & ~0xffff | value & 0xffff
        case 4: value & 0xffff_ffff
        default: value
        }
    }
}

/// Writes of CR0 that change more than what tasks switch.
private enum ControlRegister {
    /// Only the plain instruction is understood, as by the hypervisor: no prefix, no LMSW.
    static func handle(_ cpu: VirtualCPU) -> Violation? {
        let instruction = GuestMemory(cpu).instruction()
        guard instruction.length >= 3, instruction.bytes[0] == 0x0f, instruction.bytes[1] == 0x22,
            instruction.bytes[2] >> 3 & 7 == 0
        else { return Violation(.controlRegister) }
        let value = cpu.register(Int(instruction.bytes[2] & 7)) & 0xffff_ffff & ~(1 << 29)
        cpu.setLong(Field.cr0, value)
        let efer = cpu.long(Field.efer)
        let isPaging = value & 1 << 31 != 0
        cpu.setLong(Field.efer, isPaging && efer & 0x100 != 0 ? efer | 0x400 : efer & ~0x400)
        cpu.flushTranslations()
        cpu.skip(3)
        return nil
    }
}
