// SPDX-License-Identifier: Apache-2.0

/// How the monitors of several cells ring each other: each QEMU has a device of its own kind, ivshmem-doorbell, which
/// no cell sees. A write to its register wakes the boot CPU of another cell's machine, which sends the interrupt on.
enum Doorbell {
    private typealias Offset = MonitorMemory.Parameter

    private static let ringRegister: UInt64 = 0x0c
    private static let vector: UInt32 = 0x40

    /// The device's one vector goes to this CPU, the boot CPU.
    static func prepare() {
        let table = Parameters.long(Offset.doorbellVectors)
        Machine.write32(0xfee0_0000, to: table)
        Machine.write32(0, to: table + 4)
        Machine.write32(vector, to: table + 8)
        Machine.write32(0, to: table + 12)
        // a cell that starts has left the state that it was in
        for index in 0..<Parameters.linkCount { Link(index: index).announce() }
    }

    /// - Parameter isFirst: whether nothing waited there; each ring is heard, also one that is not needed.
    static func ring(slot: Int, isFirst: Bool) {
        Machine.write32(UInt32(slot) << 16, to: Parameters.long(Offset.doorbellRegisters) + ringRegister)
    }

    /// What the boot CPU does until the end.
    static func serve() {
        while true {
            for index in 0..<Parameters.linkCount { Link(index: index).deliver() }
            awaitInterrupt()
        }
    }
}
