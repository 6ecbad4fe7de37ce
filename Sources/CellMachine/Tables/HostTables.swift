// SPDX-License-Identifier: Apache-2.0

/// The page tables that the monitor itself runs with, and those of a CPU that waits.
enum HostTables {
    private static let present: UInt64 = 0x3
    private static let large: UInt64 = 0x80
    private static let firmware: UInt64 = 0xffff_0000

    /// The monitor's memory at MonitorMemory.virtualBase, the firmware where it is, and all of the machine's first
    /// 512 GiB at MonitorMemory.window.
    ///
    /// - Parameter base: of the monitor's memory in the machine.
    static func monitor(base: UInt64) throws(CellMachineError) -> PageTables {
        var tables = PageTables(
            .host, at: base + UInt64(MonitorMemory.hostTables), pageLimit: MonitorMemory.hostTablePages)
        let size = UInt64(MonitorMemory.size)
        try tables.map(UInt64(MonitorMemory.virtualBase), to: base, size: size, flags: present, large: false)
        try tables.map(firmware & ~0x1f_ffff, to: firmware & ~0x1f_ffff, size: 0x20_0000, flags: present)
        try tables.map(UInt64(MonitorMemory.window), to: 0, size: 512 << 30, flags: present)
        return tables
    }

    /// Nested tables with one page, at 0, and that page: `cli; hlt; jmp`.
    static func parking(base: UInt64) throws(CellMachineError) -> [UInt64] {
        let place = base + UInt64(MonitorMemory.parkingTables)
        let code = place + UInt64(MonitorMemory.parkingPages - 1) * PageTables.pageSize
        var tables = PageTables(.nested, at: place, pageLimit: MonitorMemory.parkingPages - 1)
        try tables.map(0, to: code, size: PageTables.pageSize, flags: 0x5)
        return tables.entries + [0xfceb_f4fa] + Array(repeating: 0, count: 511)
    }
}
