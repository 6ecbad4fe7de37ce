// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What of the machine an Arm64 cell reaches without the monitor, from its configuration: stage 2 of the translation
/// (Arm's DDI0487, D8).
struct Stage2 {
    private let model: Arm64Model

    init(_ model: Arm64Model) {
        self.model = model
    }

    /// Of an entry that maps.
    private enum Entry {
        static let valid: UInt64 = 1 << 0
        static let device: UInt64 = 0x1 << 2  // Device-nGnRE
        static let memory: UInt64 = 0xf << 2  // cached, written back
        static let readable: UInt64 = 1 << 6
        static let writable: UInt64 = 1 << 7
        static let innerShareable: UInt64 = 3 << 8
        static let accessed: UInt64 = 1 << 10
    }

    /// VTCR_EL2: 44-bit addresses of the cell from level 0 on, pages of 4 KiB, tables cached and shared, 44-bit addresses
    /// of the machine.
    static let control: UInt64 = reserved | machineAddress44Bits | shared | cachedOutside | cachedInside | level0 | 20
    private static let reserved: UInt64 = 1 << 31
    private static let machineAddress44Bits: UInt64 = 4 << 16
    private static let shared: UInt64 = 3 << 12
    private static let cachedOutside: UInt64 = 1 << 10
    private static let cachedInside: UInt64 = 1 << 8
    private static let level0: UInt64 = 2 << 6

    /// QEMU's devices (its hw/arm/virt.c).
    private enum Device {
        static let serialPort: UInt64 = 0x0900_0000
        static let virtualInterface: UInt64 = 0x0804_0000
        /// In front of whatever is nowhere.
        static let nothing: UInt64 = 1 << 43
    }

    /// The cell's CPU interface of GICv2.
    private static let interfaceSize: UInt64 = 0x2000

    /// - Parameters:
    ///   - communicationRegion: where its page is in the machine.
    ///   - base: where the tables will be.
    func tables(
        communicationRegion: UInt64, at base: UInt64, pageLimit: Int
    ) throws(CellMachineError) -> PageTables {
        var tables = PageTables(.stage2, at: base, pageLimit: pageLimit)
        for region in model.cell.memoryRegions where region.size > 0 && !CellTables.isChecked(region) {
            let target =
                region.flags.contains(.communicationRegion) ? communicationRegion : machineAddress(of: region)
            try tables.map(
                region.virtualStart, to: target, size: region.size, flags: flags(of: region),
                large: !region.flags.contains(.noHugePages))
            try mapSerialPort(of: region, into: &tables)
        }
        if let page = emulatedSerialPage { try tables.map(page, to: 0, size: PageTables.pageSize, flags: 0) }
        if model.platform.gicVersion == 2 {
            try tables.map(
                model.platform.giccBase, to: Device.virtualInterface, size: Stage2.interfaceSize,
                flags: Entry.valid | Entry.device | Entry.readable | Entry.writable | Entry.accessed)
        }
        return tables
    }

    /// Where a register of the configuration's physical address is in the machine; nil when nothing is there.
    func device(at physical: UInt64) -> UInt64? {
        let page = PageTables.pageSize - 1
        if let port = serialPort, physical & ~page == port & ~page { return Device.serialPort | physical & page }
        return MachineLayout.arm64.machineAddress(of: physical, count: 1, size: model.settings.memorySize)
    }

    /// RAM, or nothing.
    private func machineAddress(of region: MemoryRegion) -> UInt64 {
        let isDevice = region.flags.contains(.io)
        let ram = MachineLayout.arm64.machineAddress(
            of: region.physicalStart, count: region.size, size: model.settings.memorySize)
        return isDevice ? region.physicalStart | Device.nothing : ram ?? region.physicalStart | Device.nothing
    }

    /// Of the configuration: a device that QEMU has.
    private var serialPort: UInt64? {
        let console = model.cell.console
        return console.kind == .pl011 && console.address != 0 ? console.address : nil
    }

    /// Where the cell sees the page of a serial port that QEMU has not: each access goes to the monitor.
    var emulatedSerialPage: UInt64? {
        let console = model.cell.console
        guard SerialPortModel.Kind(rawValue: UInt32(console.kind.rawValue)) != nil, console.address != 0 else {
            return nil
        }
        let region = model.cell.memoryRegions.first {
            !CellTables.isChecked($0) && !$0.flags.contains(.communicationRegion)
                && console.address >= $0.physicalStart && console.address - $0.physicalStart < $0.size
        }
        return region.map { ($0.virtualStart + (console.address - $0.physicalStart)) & ~(PageTables.pageSize - 1) }
    }

    private func mapSerialPort(of region: MemoryRegion, into tables: inout PageTables) throws(CellMachineError) {
        guard let port = serialPort, port >= region.physicalStart, port - region.physicalStart < region.size,
            !region.flags.contains(.communicationRegion)
        else { return }
        let offset = (port - region.physicalStart) & ~(PageTables.pageSize - 1)
        try tables.map(
            region.virtualStart + offset, to: Device.serialPort, size: PageTables.pageSize, flags: flags(of: region))
    }

    /// What may be read may be executed, whatever the region says.
    private func flags(of region: MemoryRegion) -> UInt64 {
        guard !region.flags.isDisjoint(with: [.read, .write]) else { return 0 }
        return Entry.valid | Entry.accessed
            | (region.flags.contains(.read) ? Entry.readable : 0)
            | (region.flags.contains(.write) ? Entry.writable : 0)
            | (region.flags.contains(.io) ? Entry.device : Entry.memory | Entry.innerShareable)
    }
}
