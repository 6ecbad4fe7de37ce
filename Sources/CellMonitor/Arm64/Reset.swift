// SPDX-License-Identifier: Apache-2.0

/// The state in which a CPU of a cell begins (Arm's DDI0487, chapter D17).
extension VirtualCPU {
    private enum Hypervisor {
        /// Stage 2 translates, FIQ and IRQ come here, SMC and ACTLR are trapped.
        static let configuration: UInt64 = translates | fiqs | irqs | secureCalls | auxiliaryControl
        static let translates: UInt64 = 1 << 0
        static let fiqs: UInt64 = 1 << 3
        static let irqs: UInt64 = 1 << 4
        static let secureCalls: UInt64 = 1 << 19
        static let auxiliaryControl: UInt64 = 1 << 21
        /// EL1 is in AArch64.
        static let is64Bit: UInt64 = 1 << 31
        /// Counter and timer are EL1's.
        static let counterAccess: UInt64 = 3
        /// Nothing of floating point is trapped; the other bits are always 1.
        static let coprocessorTraps: UInt64 = 0x33ff
        static let identifierShift: UInt64 = 48
    }

    /// Only the bits that are always 1: MMU and caches are off.
    private static let systemControl: UInt64 = 0x30d0_0800
    private static let floatingPointUsable: UInt64 = 0x30_0000
    private static let floatingPoint32Enabled: UInt64 = 1 << 30

    /// What lasts as long as the machine runs.
    func prepareHypervisor() {
        let is32Bit = Parameters.has(MonitorMemory.Arm64.Flag.is32Bit)
        writeTranslationControl(Parameters.translationControl)
        // one machine, one cell
        writeTranslationTable(Parameters.nestedRoot | 1 << Hypervisor.identifierShift)
        writeVirtualIdentity(readIdentity())
        writeVirtualAffinity(affinity | Affinity.reserved)
        writeCounterAccess(Hypervisor.counterAccess)
        writeCounterOffset(0)
        writeCoprocessorTraps(Hypervisor.coprocessorTraps)
        writeHypervisorSystemTraps(0)
        writeDebugTraps(0)
        writeFloatingPoint32(VirtualCPU.floatingPoint32Enabled)
        writeHypervisorConfiguration(Hypervisor.configuration | (is32Bit ? 0 : Hypervisor.is64Bit))
        flushTranslations()
    }

    /// - Parameter context: the hypervisor has it in x1, not in x0 as PSCI says.
    func reset(entry: UInt64, context: UInt64) {
        for number in 0..<MonitorMemory.Arm64.Register.generalCount { setRegister(number, 0) }
        setRegister(1, context)
        clearSystemRegisters()
        writeSystemControl(VirtualCPU.systemControl)
        writeCoprocessorAccess(VirtualCPU.floatingPointUsable)
        let is32Bit = Parameters.has(MonitorMemory.Arm64.Flag.is32Bit)
        writeSavedState(is32Bit ? SavedState.reset32 : SavedState.reset)
        writeReturnAddress(entry)
        InterruptController.reset()
    }
}

@_extern(c, "clear_system_registers") private func clearSystemRegisters()
@_extern(c, "write_system_control") private func writeSystemControl(_ value: UInt64)
@_extern(c, "write_coprocessor_access") private func writeCoprocessorAccess(_ value: UInt64)
@_extern(c, "write_hypervisor_configuration") private func writeHypervisorConfiguration(_ value: UInt64)
@_extern(c, "write_translation_control") private func writeTranslationControl(_ value: UInt64)
@_extern(c, "write_translation_table") private func writeTranslationTable(_ value: UInt64)
@_extern(c, "write_virtual_affinity") private func writeVirtualAffinity(_ value: UInt64)
@_extern(c, "write_virtual_identity") private func writeVirtualIdentity(_ value: UInt64)
@_extern(c, "read_identity") private func readIdentity() -> UInt64
@_extern(c, "write_counter_access") private func writeCounterAccess(_ value: UInt64)
@_extern(c, "write_counter_offset") private func writeCounterOffset(_ value: UInt64)
@_extern(c, "write_coprocessor_traps") private func writeCoprocessorTraps(_ value: UInt64)
@_extern(c, "write_hypervisor_system_traps") private func writeHypervisorSystemTraps(_ value: UInt64)
@_extern(c, "write_debug_traps") private func writeDebugTraps(_ value: UInt64)
@_extern(c, "write_floating_point32") private func writeFloatingPoint32(_ value: UInt64)
