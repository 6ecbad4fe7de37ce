// SPDX-License-Identifier: Apache-2.0

/// What a cell asks of the firmware by SMC: FirmwareCall says what is done, here it is.
enum Firmware {
    private typealias Record = MonitorMemory.Arm64.Record
    private typealias Answer = FirmwareCall.Answer

    static func handle(_ cpu: VirtualCPU) -> Violation? {
        let function = cpu.register(0)
        cpu.count(counter(of: function))
        // the hypervisor steps over it first
        cpu.skip()
        let call = FirmwareCall(function, (cpu.register(1), cpu.register(2), cpu.register(3)))
        switch call {
        case .foreign: return Violation(.trap)
        case .missingWorkaround: return Violation(.call)
        case .unknownArchitectureCall: return Violation(.firmwareCall, function)
        case .answer(let value): answer(value, cpu)
        case .suspend:
            if !InterruptController.hasPending { awaitInterrupt() }
            answer(Answer.success, cpu)
        case .off:
            cpu.setWord(record: Record.isOn, 0)
            awaitStart(cpu)
        case .on(let affinity, let entry, let context):
            answer(start(affinity, entry, context), cpu)
        case .information(let affinity):
            let target = Parameters.cpuIndex(affinity: affinity & Affinity.mask)
            answer(target.map { isOn(VirtualCPU(index: $0)) ? Answer.isOn : Answer.isOff } ?? Answer.denied, cpu)
        }
        return nil
    }

    private static func counter(of function: UInt64) -> Counter {
        switch FirmwareCall.Owner.of(function) {
        case FirmwareCall.Owner.architecture, FirmwareCall.Owner.siliconPartner: .smccc
        case FirmwareCall.Owner.standard: .psci
        default: .other
        }
    }

    private static func answer(_ value: Int64, _ cpu: VirtualCPU) { cpu.setRegister(0, UInt64(bitPattern: value)) }

    private static func isOn(_ cpu: VirtualCPU) -> Bool { cpu.word(Record.isOn) != 0 }

    private static func start(_ affinity: UInt64, _ entry: UInt64, _ context: UInt64) -> Int64 {
        guard let index = Parameters.cpuIndex(affinity: affinity & Affinity.mask) else { return Answer.denied }
        let target = VirtualCPU(index: index)
        guard exchange(target.pointer(record: Record.isOn), 1) == 0 else { return Answer.alreadyOn }
        Parameters.setLong(target.record(Record.entry), entry)
        Parameters.setLong(target.record(Record.context), context)
        memoryBarrier()
        target.setWord(record: Record.startRequested, 1)
        InterruptController.manage(index)
        return Answer.success
    }
}
