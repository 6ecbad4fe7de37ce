// SPDX-License-Identifier: Apache-2.0

/// GICv2: the CPU's interface and what fills the cell's are in memory, each CPU sees its own there (Arm's IHI0048).
enum InterfaceV2 {
    /// Of a list register.
    static let pending: UInt64 = 1 << 28
    static let active: UInt64 = 1 << 29
    private static let hardware: UInt64 = 1 << 31
    private static let physicalShift: UInt64 = 10

    private enum Interface {
        static let control: UInt64 = 0x0000
        static let priorityMask: UInt64 = 0x0004
        static let acknowledge: UInt64 = 0x000c
        static let end: UInt64 = 0x0010
        static let deactivate: UInt64 = 0x1000
        /// Enabled, and the end of an interrupt does not deactivate it.
        static let enabled: UInt32 = 1 << 0 | 1 << 9
        static let allPriorities: UInt32 = 0xf0
    }

    private enum Virtual {
        static let control: UInt64 = 0x000
        static let machineControl: UInt64 = 0x008
        static let activePriorities: UInt64 = 0x0f0
        static let lists: UInt64 = 0x100
        static let enabled: UInt32 = 1 << 0
        static let reportsUnderflow: UInt32 = 1 << 1
    }

    private static let softwareInterrupt: UInt64 = 0xf00

    static func prepare() {
        Machine.write32(Interface.allPriorities, to: Machine.Place.interface + Interface.priorityMask)
        Machine.write32(Interface.enabled, to: Machine.Place.interface + Interface.control)
    }

    static func reset() {
        Machine.write32(0, to: Machine.Place.virtualControl + Virtual.activePriorities)
        Machine.write32(0, to: Machine.Place.virtualControl + Virtual.machineControl)
        setControl(false)
    }

    static func setControl(_ isUnderflowReported: Bool) {
        Machine.write32(
            Virtual.enabled | (isUnderflowReported ? Virtual.reportsUnderflow : 0),
            to: Machine.Place.virtualControl + Virtual.control)
    }

    /// - Parameter number: of an interrupt between CPUs with the sender in bits 12 to 10, which are those of a physical
    ///   number, too.
    static func entry(_ number: UInt32, _ isHardware: Bool) -> UInt64 {
        isHardware
            ? pending | hardware | UInt64(number) << physicalShift | UInt64(number) : pending | UInt64(number)
    }

    static func acknowledge() -> UInt32 { Machine.read32(Machine.Place.interface + Interface.acknowledge) }
    static func end(_ value: UInt32) { Machine.write32(value, to: Machine.Place.interface + Interface.end) }
    static func deactivate(_ value: UInt32) {
        Machine.write32(value, to: Machine.Place.interface + Interface.deactivate)
    }

    /// - Parameter index: the CPU's, which is QEMU's number of it.
    static func call(_ number: UInt32, _ index: Int) {
        Machine.write32(1 << (16 + UInt32(index)) | number, to: Machine.Place.distributor + softwareInterrupt)
    }

    static func list(_ register: Int) -> UInt64 {
        Machine.read(Machine.Place.virtualControl + Virtual.lists + UInt64(register) * 4, size: 4)
    }

    static func setList(_ register: Int, _ value: UInt64) {
        Machine.write(value, to: Machine.Place.virtualControl + Virtual.lists + UInt64(register) * 4, size: 4)
    }
}
