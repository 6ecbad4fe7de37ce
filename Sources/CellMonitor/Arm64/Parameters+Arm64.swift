// SPDX-License-Identifier: Apache-2.0

extension Parameters {
    private typealias Offset = MonitorMemory.Arm64.Parameter

    static var gicVersion: UInt32 { word(Offset.gicVersion) }
    static var systemCPUs: UInt32 { word(Offset.systemCPUs) }
    /// Where the cell sees them.
    static var distributor: UInt64 { long(Offset.distributor) }
    static var redistributor: UInt64 { long(Offset.redistributor) }
    static var translationControl: UInt64 { long(Offset.translationControl) }

    /// That of the first of the four pins of virtual PCI devices.
    static var firstPinInterrupt: UInt32 { word(Offset.firstPinInterrupt) }
    /// Of the bell on QEMU's PCI bus, and the interrupt that it raises.
    static var bellSlot: UInt32 { word(Offset.bellSlot) }
    static var bellInterrupt: UInt32 { word(Offset.bellInterrupt) }

    /// Which of 32 interrupts are the cell's; those of a CPU are always.
    ///
    /// - Parameter index: the first one's number, divided by 32.
    static func ownInterrupts(_ index: UInt32) -> UInt32 {
        index == 0 ? .max : word(Offset.interrupts + Int(index) * 4)
    }

    /// The cell's CPU of an affinity; nil when it is not the cell's.
    static func cpuIndex(affinity: UInt64) -> Int? {
        for index in 0..<cpuCount where Affinity.of(cpuNumber(index), gicVersion: gicVersion) == affinity {
            return index
        }
        return nil
    }
}
