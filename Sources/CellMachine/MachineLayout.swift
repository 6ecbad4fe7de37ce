// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// Where the RAM of a simulated machine is: in its file, by the configuration's physical addresses, and in the QEMU
/// processes of its cells, which see the whole file.
package enum MachineLayout: Hashable, Sendable {
    /// RAM is at 0 … 0x7f000000, and from 4 GiB up, which is in the file from 2 GiB on. What lies between belongs to the
    /// cells' monitors. QEMU's addresses are the configuration's.
    case pc
    /// RAM is from 2 MiB up to the end but 16 MiB, which belong to the cells' monitors: boards have RAM anywhere. A
    /// physical address is the place in the file; QEMU has the file at 1 GiB, and puts a device tree at its beginning.
    case arm64

    package init(_ architecture: Architecture) {
        self = architecture == .x86 ? .pc : .arm64
    }

    /// From where on a PC has RAM again.
    package static let highBegin: UInt64 = 1 << 32
    private static let lowEnd: UInt64 = 0x8000_0000

    /// Of the device tree.
    private static let armBegin: UInt64 = 0x20_0000
    private static let monitorsSize = UInt64(MonitorMemory.slotLimit * MonitorMemory.size)

    /// How long the file must be for RAM up to an address.
    package static func armFileSize(memoryEnd: UInt64) -> UInt64 {
        let least: UInt64 = 2 << 30
        return (max(memoryEnd, least) + 0xf_ffff) & ~0xf_ffff + monitorsSize
    }

    /// Of the cells' monitors in the file, 1 MiB each.
    ///
    /// - Parameter size: of the file.
    func monitors(size: UInt64) -> UInt64 {
        switch self {
        case .pc: MachineLayout.pcMonitors
        case .arm64: size - MachineLayout.monitorsSize
        }
    }

    static let pcMonitors: UInt64 = 0x7f00_0000

    func monitorOffset(slot: Int, size: UInt64) -> UInt64 { monitors(size: size) + UInt64(slot * MonitorMemory.size) }

    /// Of a cell's monitor, in QEMU.
    func monitor(slot: Int, size: UInt64) -> UInt64 { ram + monitorOffset(slot: slot, size: size) }

    /// What QEMU's address of a place in the file has besides.
    private var ram: UInt64 { self == .pc ? 0 : MonitorMemory.Arm64.ram }

    /// The place of a physical address in the file; nil if there is no RAM, or not enough.
    ///
    /// - Parameter size: of the file.
    func fileOffset(of address: UInt64, count: UInt64, size: UInt64) -> UInt64? {
        let (end, overflow) = address.addingReportingOverflow(count)
        if overflow { return nil }
        switch self {
        case .pc:
            if end <= MachineLayout.pcMonitors { return address }
            guard address >= MachineLayout.highBegin, end - MachineLayout.highBegin <= size - MachineLayout.lowEnd
            else {
                return nil
            }
            return address - MachineLayout.highBegin + MachineLayout.lowEnd
        case .arm64:
            guard address >= MachineLayout.armBegin, end <= monitors(size: size) else { return nil }
            return address
        }
    }

    /// QEMU's address of a physical address; nil if there is no RAM, or not enough.
    func machineAddress(of address: UInt64, count: UInt64, size: UInt64) -> UInt64? {
        guard let offset = fileOffset(of: address, count: count, size: size) else { return nil }
        return self == .pc ? address : MonitorMemory.Arm64.ram + offset
    }
}
