// SPDX-License-Identifier: Apache-2.0

/// VMMCALL: code in RAX, arguments in RDI and RSI, result in RAX (upstream's Documentation/hypervisor-interfaces).
enum Hypercalls {
    private enum Code {
        static let hypervisorInformation: UInt32 = 5
        static let cpuInformation: UInt32 = 7
        static let putCharacter: UInt32 = 8
        static let last: UInt32 = 8
    }

    private static let notPermitted: Int64 = -1
    private static let invalid: Int64 = -22
    private static let unknown: Int64 = -38

    static func handle(_ cpu: VirtualCPU) {
        cpu.skip(3)
        cpu.setRegister(VirtualCPU.rax, UInt64(bitPattern: result(cpu)))
    }

    private static func result(_ cpu: VirtualCPU) -> Int64 {
        let isVirtual8086 = !cpu.isInLongMode && cpu.long(VirtualCPU.Field.flags) & 1 << 17 != 0
        guard !isVirtual8086, cpu.half(VirtualCPU.Field.cs) & 3 == 0 else { return notPermitted }
        let code = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rax))
        let argument = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rdi))
        switch code {
        case Code.putCharacter:
            guard Parameters.has(MonitorMemory.Flag.putcPermitted) else { return notPermitted }
            Events.tell(.character, cpu: cpu.index, argument & 0xff)
            return 0
        case Code.hypervisorInformation: return invalid
        case Code.cpuInformation:
            return information(of: argument, UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rsi)))
        case 0...Code.last: return notPermitted  // the root cell's
        default:
            Events.tell(.unknownHypercall, cpu: cpu.index, code)
            return unknown
        }
    }

    /// - Parameter kind: 0 the CPU's state, from 1000 its counters, the sum first.
    private static func information(of number: UInt32, _ kind: UInt32) -> Int64 {
        guard let index = Parameters.cpuIndex(number) else { return notPermitted }
        let target = VirtualCPU(index: index)
        if kind == 0 { return target.word(MonitorMemory.Record.failed) != 0 ? 2 : 0 }
        let counters = MonitorMemory.Counter.allCases.count
        guard kind >= 1000, Int(kind) - 1000 <= counters else { return invalid }
        var value: UInt64 = 0
        for counter in 0..<counters where kind == 1000 || Int(kind) - 1001 == counter {
            value &+= target.counter(counter)
        }
        return Int64(value & 0x7fff_ffff)
    }
}
