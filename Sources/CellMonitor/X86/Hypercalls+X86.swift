// SPDX-License-Identifier: Apache-2.0

/// VMMCALL: code in RAX, arguments in RDI and RSI, result in RAX.
extension Hypercalls {
    static func handle(_ cpu: VirtualCPU) {
        cpu.skip(3)
        cpu.setRegister(VirtualCPU.rax, UInt64(bitPattern: result(cpu)))
    }

    private static func result(_ cpu: VirtualCPU) -> Int64 {
        let isVirtual8086 = !cpu.isInLongMode && cpu.long(VirtualCPU.Field.flags) & 1 << 17 != 0
        guard !isVirtual8086, cpu.half(VirtualCPU.Field.cs) & 3 == 0 else { return notPermitted }
        let code = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rax))
        let first = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rdi))
        let second = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rsi))
        if let result = result(of: code, first, second, by: cpu) { return result }
        Events.tell(.unknownHypercall, cpu: cpu.index, code)
        return unknown
    }
}
