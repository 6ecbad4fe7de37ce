// SPDX-License-Identifier: Apache-2.0

/// The interrupt controller, GICv2 or GICv3, at the addresses that the communication region tells (Arm's IHI0048 and
/// IHI0069). A cell cannot switch its distributor on or off, only its own interrupts.
struct InterruptController {
    private enum Distributor {
        static let enable: UInt = 0x100
        static let disable: UInt = 0x180
        static let priority: UInt = 0x400
        static let targets: UInt = 0x800
        static let softwareInterrupt: UInt = 0xf00
        static let routing: UInt = 0x6000
    }

    private enum Redistributor {
        static let size: UInt = 0x2_0000
        static let type: UInt = 0x08
        static let last: UInt64 = 1 << 4
        /// Of the second page: what the distributor has for other interrupts.
        static let ownInterrupts: UInt = 0x1_0000
    }

    private enum Interface {
        static let control: UInt = 0x00
        static let priorityMask: UInt = 0x04
        static let acknowledge: UInt = 0x0c
        static let end: UInt = 0x10
    }

    private static let firstShared: UInt32 = 32
    private static let allPriorities: UInt32 = 0xf0

    let version = CommunicationRegion().gicVersion
    private let distributor = DeviceMemory(at: CommunicationRegion().gicDistributor)
    private let interface = DeviceMemory(at: CommunicationRegion().gicInterface)

    /// Lets interrupts through to this CPU.
    func enable() {
        if version == 3 {
            writeRegistersEnable(7)
            writePriorityMask(UInt64(Self.allPriorities))
            writeGroupEnable(1)
        } else {
            interface.write(Self.allPriorities, at: Interface.priorityMask)
            interface.write(1, at: Interface.control)
        }
    }

    func enable(_ interrupt: Interrupt) { write(1, for: interrupt, at: Distributor.enable) }
    func disable(_ interrupt: Interrupt) { write(1, for: interrupt, at: Distributor.disable) }

    /// Whether it is enabled: always no for one that is not the cell's.
    func isEnabled(_ interrupt: Interrupt) -> Bool {
        let (registers, offset) = place(of: interrupt, Distributor.enable)
        return registers.read(offset) & bit(interrupt) != 0
    }

    /// Sends a shared interrupt to a CPU; to one of another cell ends this one.
    ///
    /// - Parameter target: version 3: an affinity; version 2: a mask of CPUs.
    func route(_ interrupt: Interrupt, to target: UInt64) {
        if version == 3 {
            distributor.write64(target, at: Distributor.routing + UInt(interrupt.number) * 8)
        } else {
            distributor.write8(UInt8(truncatingIfNeeded: target), at: Distributor.targets + UInt(interrupt.number))
        }
    }

    /// An interrupt to another CPU of the cell, by its affinity. - Parameter number: 0 to 15.
    func send(_ number: UInt32, to affinity: UInt64) {
        if version == 3 {
            writeSoftwareInterrupt(
                (affinity >> 32 & 0xff) << 48 | (affinity >> 16 & 0xff) << 32 | UInt64(number) << 24
                    | (affinity >> 8 & 0xff) << 16 | 1 << (affinity & 0xf))
        } else {
            distributor.write(
                1 << (16 + UInt32(truncatingIfNeeded: affinity & 7)) | number, at: Distributor.softwareInterrupt)
        }
    }

    func acknowledge() -> UInt32 {
        version == 3 ? UInt32(truncatingIfNeeded: readAcknowledge()) : interface.read(Interface.acknowledge)
    }

    func end(_ acknowledged: UInt32) {
        if version == 3 { writeEnd(UInt64(acknowledged)) } else { interface.write(acknowledged, at: Interface.end) }
    }

    /// The window of this CPU's own interrupts, version 3; nil when there is none.
    var redistributor: UInt? {
        var frame = CommunicationRegion().gicRedistributor
        while true {
            let type = DeviceMemory(at: frame).read64(Redistributor.type)
            if Self.affinity(of: type) == Processor.affinity { return frame }
            if type & Redistributor.last != 0 { return nil }
            frame += Redistributor.size
        }
    }

    private static func affinity(of type: UInt64) -> UInt64 { (type >> 56) << 32 | type >> 32 & 0xff_ffff }

    private func write(_ value: UInt32, for interrupt: Interrupt, at offset: UInt) {
        let (registers, place) = place(of: interrupt, offset)
        registers.write(value << (interrupt.number % 32), at: place)
    }

    private func bit(_ interrupt: Interrupt) -> UInt32 { 1 << (interrupt.number % 32) }

    private func place(of interrupt: Interrupt, _ offset: UInt) -> (DeviceMemory, UInt) {
        if version == 3, interrupt.number < Self.firstShared, let redistributor {
            return (DeviceMemory(at: redistributor + Redistributor.ownInterrupts), offset)
        }
        return (distributor, offset + UInt(interrupt.number / 32) * 4)
    }
}

extension CommunicationRegion {
    var gicVersion: UInt32 { word(64) & 0xff }
    var gicDistributor: UInt { wide(72) }
    /// Version 2.
    var gicInterface: UInt { wide(80) }
    /// Version 3.
    var gicRedistributor: UInt { wide(88) }
    /// The interrupt of the virtual PCI devices' first pin, without the 32 that are a CPU's own.
    var virtualPCIInterrupt: UInt32 { word(96) }
}

@_extern(c, "gic_write_registers_enable") private func writeRegistersEnable(_ value: UInt64)
@_extern(c, "gic_write_priority_mask") private func writePriorityMask(_ value: UInt64)
@_extern(c, "gic_write_group_enable") private func writeGroupEnable(_ value: UInt64)
@_extern(c, "gic_read_acknowledge") private func readAcknowledge() -> UInt64
@_extern(c, "gic_write_end") private func writeEnd(_ value: UInt64)
@_extern(c, "gic_write_software_interrupt") private func writeSoftwareInterrupt(_ value: UInt64)
