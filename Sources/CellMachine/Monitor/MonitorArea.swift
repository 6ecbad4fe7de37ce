// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The contents of the monitor's memory at a start: all that the monitor knows of its cell.
struct MonitorArea {
    let cell: CellDescriptor
    let slot: Int
    var settings: CellMachineSettings
    var legacyDevices: Set<LegacyDevice> = []
    /// Last bus of the configuration space in memory.
    var lastBus: UInt8 = 255
    /// Writes to configuration space before the cell's CPUs run.
    var configurationWrites: [ConfigurationWrite] = []

    /// Of the monitor's memory in the machine.
    private var base: UInt64 { MachineLayout.pc.monitor(slot: slot, size: settings.memorySize) }

    private typealias Parameter = MonitorMemory.Parameter

    /// - Parameter monitor: the monitor's image.
    func bytes(monitor: [UInt8]) throws(CellMachineError) -> [UInt8] {
        guard monitor.count <= MonitorMemory.imageLimit else {
            throw CellMachineError(.program, "the monitor's image is larger than its place")
        }
        var area = Bytes(count: MonitorMemory.communicationRegion)
        area.store(monitor, at: MonitorMemory.image)
        area.store(try HostTables.monitor(base: base).entries, at: MonitorMemory.hostTables)
        area.store(try HostTables.parking(base: base), at: MonitorMemory.parkingTables)
        area.store(CellTables.registerMap(), at: MonitorMemory.registerMap)
        area.store(
            CellTables.portMap(of: cell, pmTimerPort: settings.pmTimerPort, legacyDevices: legacyDevices),
            at: MonitorMemory.portMap)
        let tables = base + UInt64(MonitorMemory.tables)
        let nested = try CellTables.nestedPages(
            of: cell, communicationRegion: base + UInt64(MonitorMemory.communicationRegion), at: tables,
            pageLimit: MonitorMemory.tablePages)
        area.store(nested.entries, at: MonitorMemory.tables)
        if remapsDMA { try storeRemapping(into: &area, behind: nested.pageCount) }
        for (index, number) in cell.cpus.members.enumerated() {
            let record =
                MonitorMemory.cpus + index * MonitorMemory.cpuStride + MonitorMemory.CPU.record
            area.store(UInt32(number), at: record + MonitorMemory.Record.number)
            area.store(UInt32(number), at: Parameter.cpuNumbers + index * 4)
        }
        try storeParameters(into: &area, nestedRoot: nested.base)
        return area.values
    }

    /// Whether devices of the cell may reach memory.
    private var remapsDMA: Bool { cell.pciDevices.contains { $0.kind == .device } }

    private func storeRemapping(into area: inout Bytes, behind pages: Int) throws(CellMachineError) {
        let offset = MonitorMemory.tables + pages * Int(PageTables.pageSize)
        let tables = try CellTables.remapping(
            of: cell, at: base + UInt64(offset), pageLimit: MonitorMemory.tablePages - pages)
        area.store(tables.entries, at: offset)
        // VT-d: a root entry a bus, in its table an entry a function (its specification, 9.1 and 9.3)
        let contexts = MonitorMemory.remappingTables + Int(PageTables.pageSize)
        for device in cell.pciDevices where device.kind == .device {
            area.store(
                base + UInt64(contexts) | 1, at: MonitorMemory.remappingTables + device.address.bus * 16)
            let entry = contexts + Int(device.address.rawValue & 0xff) * 16
            area.store(tables.base | 1, at: entry)
            area.store(1 | 1 << 8 as UInt64, at: entry + 8)  // three levels, domain 1
        }
    }

    private func storeParameters(into area: inout Bytes, nestedRoot: UInt64) throws(CellMachineError) {
        area.store(cell.cpuResetAddress, at: Parameter.resetAddress)
        area.store(base, at: Parameter.base)
        area.store(nestedRoot, at: Parameter.nestedRoot)
        area.store(UInt32(cell.cpus.members.count), at: Parameter.cpuCount)
        area.store(flags, at: Parameter.flags)
        area.store(cell.communicationRegion?.virtualStart ?? 0, at: Parameter.communicationAddress)
        area.store(settings.configurationSpaceBase, at: Parameter.configurationSpace)
        area.store(UInt32(lastBus), at: Parameter.lastBus)
        area.store(UInt32(settings.pmTimerPort), at: Parameter.pmTimerPort)
        area.store(pins, at: Parameter.pins)
        area.store(1 as UInt32, at: Parameter.notify)
        for entry in 0..<24 { area.store(0x1_0000 as UInt32, at: Parameter.pinTable + entry * 8) }
        try storeWrites(into: &area)
        try DeviceArea(cell: cell, slot: slot).storeDevices(cell.pciDevices, into: &area)
        try storeCheckedRegions(into: &area)
        try storeLinks(into: &area)
    }

    private func storeLinks(into area: inout Bytes) throws(CellMachineError) {
        area.store(EmulatorArguments.Doorbell.registers, at: Parameter.doorbellRegisters)
        area.store(EmulatorArguments.Doorbell.vectors, at: Parameter.doorbellVectors)
        try DeviceArea(cell: cell, slot: slot).storeLinks(into: &area) { $0 }
    }

    private var flags: UInt32 {
        var flags = MonitorMemory.Flag.measuresCycles
        if remapsDMA { flags |= MonitorMemory.Flag.remapsDMA }
        if cell.flags.contains(.testDevice) { flags |= MonitorMemory.Flag.hasTestDevice }
        if cell.flags.contains(.virtualConsolePermitted) { flags |= MonitorMemory.Flag.putcPermitted }
        if legacyDevices.contains(.interruptControllers) { flags |= MonitorMemory.Flag.interruptsByPIC }
        if settings.holdsOnViolation { flags |= MonitorMemory.Flag.holdsOnViolation }
        let keyboard: UInt32 = 0x64
        if cell.ioPortRegions.contains(where: { keyboard >= $0.base && keyboard < UInt32($0.base) + UInt32($0.count) })
        {
            flags |= MonitorMemory.Flag.hasKeyboard
        }
        return flags
    }

    /// Of the one IOAPIC that the machine has.
    private var pins: UInt32 {
        cell.interruptChips.filter { $0.address == 0xfec0_0000 }.flatMap(\.pins).filter { $0 < 24 }
            .reduce(0) { $0 | 1 << UInt32($1) }
    }

    private func storeWrites(into area: inout Bytes) throws(CellMachineError) {
        guard configurationWrites.count <= MonitorMemory.Write.limit else {
            throw CellMachineError(.configuration, "the cell has too many PCI devices")
        }
        area.store(UInt32(configurationWrites.count), at: Parameter.configurationWrites)
        for (index, write) in configurationWrites.enumerated() {
            let entry = Parameter.writeList + index * MonitorMemory.Write.size
            area.store(UInt32(write.function) << 16 | UInt32(write.register), at: entry)
            area.store(UInt32(write.size), at: entry + 4)
            area.store(write.value, at: entry + 8)
        }
    }

    private func storeCheckedRegions(into area: inout Bytes) throws(CellMachineError) {
        let regions = cell.memoryRegions.filter { $0.size > 0 && CellTables.isChecked($0) }
        guard regions.count <= MonitorMemory.Checked.limit else {
            throw CellMachineError(.configuration, "the cell has too many regions that are not whole pages")
        }
        area.store(UInt32(regions.count), at: Parameter.checkedRegions)
        for (index, region) in regions.enumerated() {
            let entry = Parameter.checkedList + index * MonitorMemory.Checked.size
            area.store(region.virtualStart, at: entry)
            area.store(region.physicalStart, at: entry + 8)
            area.store(region.size, at: entry + 16)
            area.store(region.flags.rawValue, at: entry + 24)
        }
    }
}

/// A write to PCI configuration space that prepares the machine.
struct ConfigurationWrite: Hashable {
    /// Bus, device and function.
    var function: UInt16
    var register: UInt16
    /// 1, 2 or 4 bytes.
    var size: Int
    var value: UInt32

    /// The chipset as firmware leaves it: configuration space in memory, and ACPI's registers, of which the PM timer
    /// is the third.
    static func chipset(configurationSpaceBase: UInt64, pmTimerPort: UInt16) -> [ConfigurationWrite] {
        [
            ConfigurationWrite(function: 0, register: 0x64, size: 4, value: UInt32(configurationSpaceBase >> 32)),
            ConfigurationWrite(
                function: 0, register: 0x60, size: 4,
                value: UInt32(truncatingIfNeeded: configurationSpaceBase) | 1),
            ConfigurationWrite(function: 0xf8, register: 0x40, size: 4, value: UInt32(pmTimerPort - 8) | 1),
            ConfigurationWrite(function: 0xf8, register: 0x44, size: 1, value: 0x80),
        ]
    }
}
