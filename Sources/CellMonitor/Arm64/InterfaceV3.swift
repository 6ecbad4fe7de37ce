// SPDX-License-Identifier: Apache-2.0

/// GICv3: the CPU's interface and the cell's are system registers (Arm's IHI0069).
enum InterfaceV3 {
    /// Of a list register.
    static let pending: UInt64 = 1 << 62
    static let active: UInt64 = 1 << 63
    private static let hardware: UInt64 = 1 << 61
    private static let group1: UInt64 = 1 << 60
    private static let physicalShift: UInt64 = 32

    private enum Redistributor {
        static let waker: UInt64 = 0x14
        static let processorSleeps: UInt32 = 1 << 1
        static let childrenSleep: UInt32 = 1 << 2
        static let ownInterrupts: UInt64 = 0x1_0000
        static let groups: UInt64 = 0x80
    }

    /// System registers instead of memory, also for EL1.
    private static let systemRegisters: UInt64 = 0x9
    /// The end of an interrupt does not deactivate it.
    private static let endKeepsActive: UInt64 = 1 << 1
    private static let allPriorities: UInt64 = 0xff
    private static let virtualEnabled: UInt64 = 1 << 0
    private static let reportsUnderflow: UInt64 = 1 << 1

    static func ownInterrupts(_ index: Int) -> UInt64 { frame(index) + Redistributor.ownInterrupts }

    private static func frame(_ index: Int) -> UInt64 {
        Machine.Place.redistributor + UInt64(index) * Machine.Place.redistributorSize
    }

    static func prepare(_ index: Int) {
        let waker = frame(index) + Redistributor.waker
        Machine.write32(Machine.read32(waker) & ~Redistributor.processorSleeps, to: waker)
        while Machine.read32(waker) & Redistributor.childrenSleep != 0 { cpuPause() }
        Machine.write32(.max, to: ownInterrupts(index) + Redistributor.groups)
        writeSystemRegisters(systemRegisters)
        writeControl(endKeepsActive)
        writePriorityMask(allPriorities)
        writeGroupEnable(1)
    }

    static func reset() {
        writeActivePriorities(0)
        writeVirtualMachineControl(0)
        setControl(false)
    }

    static func setControl(_ isUnderflowReported: Bool) {
        writeVirtualControl(virtualEnabled | (isUnderflowReported ? reportsUnderflow : 0))
    }

    static func entry(_ number: UInt32, _ isHardware: Bool) -> UInt64 {
        let common = pending | group1 | UInt64(number)
        return isHardware ? common | hardware | UInt64(number) << physicalShift : common
    }

    static func acknowledge() -> UInt32 { UInt32(truncatingIfNeeded: readAcknowledge()) }
    static func end(_ value: UInt32) { writeEnd(UInt64(value)) }
    static func deactivate(_ value: UInt32) { writeDeactivate(UInt64(value)) }

    /// Of ICC_SGI1R_EL1 (Arm's IHI 0069, 12.2.15): the interrupt; its lowest 16 bits are the CPUs of the cluster.
    private static let interruptShift: UInt64 = 24

    /// - Parameter index: the CPU's, which is QEMU's number of it: they are in one cluster.
    static func call(_ number: UInt32, _ index: Int) {
        writeSoftwareInterrupt(UInt64(number) << interruptShift | 1 << UInt64(index))
    }

    static func list(_ register: Int) -> UInt64 {
        switch register {
        case 0: readList0()
        case 1: readList1()
        case 2: readList2()
        default: readList3()
        }
    }

    static func setList(_ register: Int, _ value: UInt64) {
        switch register {
        case 0: writeList0(value)
        case 1: writeList1(value)
        case 2: writeList2(value)
        default: writeList3(value)
        }
    }
}

@_extern(c, "write_gic_system_registers") private func writeSystemRegisters(_ value: UInt64)
@_extern(c, "write_gic_control") private func writeControl(_ value: UInt64)
@_extern(c, "write_gic_priority_mask") private func writePriorityMask(_ value: UInt64)
@_extern(c, "write_gic_group_enable") private func writeGroupEnable(_ value: UInt64)
@_extern(c, "read_gic_acknowledge") private func readAcknowledge() -> UInt64
@_extern(c, "write_gic_end") private func writeEnd(_ value: UInt64)
@_extern(c, "write_gic_deactivate") private func writeDeactivate(_ value: UInt64)
@_extern(c, "write_gic_software_interrupt") private func writeSoftwareInterrupt(_ value: UInt64)
@_extern(c, "write_gic_virtual_control") private func writeVirtualControl(_ value: UInt64)
@_extern(c, "write_gic_virtual_machine_control") private func writeVirtualMachineControl(_ value: UInt64)
@_extern(c, "write_gic_active_priorities") private func writeActivePriorities(_ value: UInt64)
@_extern(c, "read_gic_list0") private func readList0() -> UInt64
@_extern(c, "read_gic_list1") private func readList1() -> UInt64
@_extern(c, "read_gic_list2") private func readList2() -> UInt64
@_extern(c, "read_gic_list3") private func readList3() -> UInt64
@_extern(c, "write_gic_list0") private func writeList0(_ value: UInt64)
@_extern(c, "write_gic_list1") private func writeList1(_ value: UInt64)
@_extern(c, "write_gic_list2") private func writeList2(_ value: UInt64)
@_extern(c, "write_gic_list3") private func writeList3(_ value: UInt64)
