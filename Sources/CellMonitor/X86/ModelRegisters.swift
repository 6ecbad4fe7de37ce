// SPDX-License-Identifier: Apache-2.0

private typealias Field = VirtualCPU.Field

/// Model-specific registers that the cell does not reach itself.
enum ModelRegisters {
    private static let x2APIC: ClosedRange<UInt32> = 0x800...0x83f
    private static let x2APICCommand: UInt32 = 0x830
    private static let attributes: UInt32 = 0x277
    private static let memoryTypes: UInt32 = 0x2ff
    private static let extendedFeatures: UInt32 = 0xc000_0080

    static func handle(_ cpu: VirtualCPU) -> Violation? {
        let number = UInt32(truncatingIfNeeded: cpu.register(VirtualCPU.rcx))
        cpu.count(number == x2APICCommand ? .x2APICCommand : .otherMSR)
        let isWrite = cpu.long(Field.exitInformation1) != 0
        if let violation = isWrite ? write(number, cpu) : read(number, cpu) { return violation }
        cpu.skip(2)
        return nil
    }

    private static func read(_ number: UInt32, _ cpu: VirtualCPU) -> Violation? {
        let value: UInt64
        switch number {
        case x2APIC: value = LocalAPIC.readMSR(number - x2APIC.lowerBound)
        case attributes: value = cpu.long(Field.attributes)
        default: return Violation(.register, UInt64(number), 1)
        }
        cpu.setRegister(VirtualCPU.rax, value & 0xffff_ffff)
        cpu.setRegister(VirtualCPU.rdx, value >> 32)
        return nil
    }

    private static func write(_ number: UInt32, _ cpu: VirtualCPU) -> Violation? {
        let value = cpu.register(VirtualCPU.rax) & 0xffff_ffff | cpu.register(VirtualCPU.rdx) << 32
        switch number {
        case x2APIC: return LocalAPIC.writeMSR(number - x2APIC.lowerBound, value, by: cpu)
        case attributes:
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                let type = value >> shift & 0xff
                guard type < 2 || (4...7).contains(type) else { return Violation(.attributes, value) }
            }
            cpu.setLong(Field.attributes, value)
        case memoryTypes: break  // only switches the hypervisor between caching and not
        case extendedFeatures:
            // never without SVM, which the cell runs under
            cpu.setLong(Field.efer, value & ~0x400 | cpu.long(Field.efer) & 0x400 | 0x1000)
            cpu.flushTranslations()
        default: return Violation(.register, UInt64(number), 0)
        }
        return nil
    }
}
