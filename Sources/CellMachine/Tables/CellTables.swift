// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What of the machine a cell reaches without the monitor, from its configuration.
enum CellTables {
    private enum Nested {
        static let present: UInt64 = 0x1
        static let writable: UInt64 = 0x2
        static let user: UInt64 = 0x4
        static let noExecution: UInt64 = 1 << 63
    }

    private static let apicPage: UInt64 = 0xfee0_0000

    /// The cell's physical memory.
    ///
    /// - Parameters:
    ///   - communicationRegion: where its page is in the machine.
    ///   - base: where the tables will be.
    static func nestedPages(
        of cell: CellDescriptor, communicationRegion: UInt64, at base: UInt64, pageLimit: Int
    ) throws(CellMachineError) -> PageTables {
        var tables = PageTables(.nested, at: base, pageLimit: pageLimit)
        for region in cell.memoryRegions where region.size > 0 && !isChecked(region) {
            let isCommunication = region.flags.contains(.communicationRegion)
            try tables.map(
                region.virtualStart, to: isCommunication ? communicationRegion : region.physicalStart,
                size: region.size, flags: nestedFlags(of: region), large: !region.flags.contains(.noHugePages))
        }
        // read through, written by the monitor
        try tables.map(apicPage, to: apicPage, size: PageTables.pageSize, flags: Nested.present | Nested.user)
        return tables
    }

    /// What the cell's devices reach: its regions for DMA.
    static func remapping(
        of cell: CellDescriptor, at base: UInt64, pageLimit: Int
    ) throws(CellMachineError) -> PageTables {
        var tables = PageTables(.remapping, at: base, pageLimit: pageLimit)
        for region in cell.memoryRegions where region.flags.contains(.dma) && region.size > 0 && !isChecked(region) {
            guard region.virtualStart + region.size <= 1 << 39 else {
                throw CellMachineError(.configuration, "a region for DMA lies beyond 512 GiB")
            }
            let flags: UInt64 = (region.flags.contains(.read) ? 1 : 0) | (region.flags.contains(.write) ? 2 : 0)
            try tables.map(region.virtualStart, to: region.physicalStart, size: region.size, flags: flags)
        }
        return tables
    }

    /// Nothing is present without the right to read it, as on the hypervisor.
    private static func nestedFlags(of region: MemoryRegion) -> UInt64 {
        guard region.flags.contains(.read) else { return 0 }
        return Nested.present | Nested.user | (region.flags.contains(.write) ? Nested.writable : 0)
            | (region.flags.contains(.execute) ? 0 : Nested.noExecution)
    }

    /// Whether each access is looked at: the region is not whole pages.
    static func isChecked(_ region: MemoryRegion) -> Bool {
        (region.virtualStart | region.size) & (PageTables.pageSize - 1) != 0
    }

    /// Bit set: the port is not the cell's. 64 Ki bits, and 3 more that an access over the end needs.
    static func portMap(
        of cell: CellDescriptor, pmTimerPort: UInt16, legacyDevices: Set<LegacyDevice>
    ) -> [UInt8] {
        var map = [UInt8](repeating: 0xff, count: MonitorMemory.portMapSize)
        var granted = cell.ioPortRegions.map { ($0.base, $0.count) }
        granted.append((pmTimerPort, 4))
        granted += legacyDevices.flatMap(\.ports)
        for (base, count) in granted {
            for port in Int(base)..<min(Int(base) + Int(count), 0x1_0000) { map[port / 8] &= ~(1 << UInt8(port % 8)) }
        }
        // the keyboard controller's command register can reset the machine
        map[0x64 / 8] |= 1 << (0x64 % 8)
        return map
    }

    /// Bit set: the register is not reached; two bits each, read and write. The hypervisor's choice for AMD, with
    /// all of the x2APIC's, which QEMU does not have.
    static func registerMap() -> [UInt8] {
        var map = [UInt8](repeating: 0, count: MonitorMemory.registerMapSize)
        func intercept(_ registers: ClosedRange<Int>, read: Bool, write: Bool, at base: Int = 0) {
            for register in registers {
                let bits: UInt8 = (read ? 1 : 0) | (write ? 2 : 0)
                map[base + register / 4] |= bits << UInt8(register % 4 * 2)
            }
        }
        intercept(0x1b...0x1b, read: false, write: true)
        intercept(0x200...0x276, read: false, write: true)
        intercept(0x277...0x277, read: true, write: true)
        intercept(0x2ff...0x2ff, read: false, write: true)
        intercept(0x800...0x83f, read: true, write: true)
        intercept(0x80...0x80, read: false, write: true, at: 0x800)  // 0xc0000080
        return map
    }
}
