// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The contents of the Arm64 monitor's memory at a start: all that the monitor knows of its cell.
struct Arm64MonitorArea {
    let model: Arm64Model

    private var cell: CellDescriptor { model.cell }
    private var base: UInt64 { MachineLayout.arm64.monitor(slot: model.slot, size: model.settings.memorySize) }

    private typealias Parameter = MonitorMemory.Parameter
    private typealias ArmParameter = MonitorMemory.Arm64.Parameter

    /// - Parameter monitor: the monitor's image.
    func bytes(monitor: [UInt8]) throws(CellMachineError) -> [UInt8] {
        guard monitor.count <= MonitorMemory.imageLimit else {
            throw CellMachineError(.program, "the monitor's image is larger than its place")
        }
        var area = Bytes(count: MonitorMemory.communicationRegion)
        area.store(monitor, at: MonitorMemory.image)
        let tables = try Stage2(model).tables(
            communicationRegion: base + UInt64(MonitorMemory.communicationRegion),
            at: base + UInt64(MonitorMemory.tables), pageLimit: MonitorMemory.tablePages)
        area.store(tables.entries, at: MonitorMemory.tables)
        for (index, number) in cell.cpus.members.enumerated() {
            let record = MonitorMemory.cpus + index * MonitorMemory.cpuStride + MonitorMemory.CPU.record
            area.store(UInt32(number), at: record + MonitorMemory.Record.number)
            area.store(UInt32(number), at: Parameter.cpuNumbers + index * 4)
        }
        storeParameters(into: &area, root: tables.base)
        try storeCheckedRegions(into: &area)
        let devices = DeviceArea(cell: cell, slot: model.slot)
        try devices.storeDevices(cell.pciDevices.filter { $0.kind == .sharedMemory }, into: &area)
        try devices.storeLinks(into: &area) { physical in
            MachineLayout.arm64.machineAddress(
                of: physical, count: PageTables.pageSize, size: model.settings.memorySize)
        }
        return area.values
    }

    private func storeParameters(into area: inout Bytes, root: UInt64) {
        area.store(cell.cpuResetAddress, at: Parameter.resetAddress)
        area.store(base, at: Parameter.base)
        area.store(root, at: Parameter.nestedRoot)
        area.store(UInt32(cell.cpus.members.count), at: Parameter.cpuCount)
        area.store(flags, at: Parameter.flags)
        area.store(cell.communicationRegion?.virtualStart ?? 0, at: Parameter.communicationAddress)
        area.store(model.settings.configurationSpaceBase, at: Parameter.configurationSpace)
        area.store(UInt32(model.lastBus), at: Parameter.lastBus)
        area.store(1 as UInt32, at: Parameter.notify)
        area.store(UInt32(model.platform.gicVersion), at: ArmParameter.gicVersion)
        area.store(UInt32(model.systemCPUs), at: ArmParameter.systemCPUs)
        area.store(model.platform.gicdBase, at: ArmParameter.distributor)
        area.store(model.platform.gicrBase, at: ArmParameter.redistributor)
        area.store(Stage2.control, at: ArmParameter.translationControl)
        area.store(DistributorAccess.firstShared &+ cell.vpciInterruptBase, at: ArmParameter.firstPinInterrupt)
        area.store(model.bell.slot, at: ArmParameter.bellSlot)
        area.store(model.bell.interrupt, at: ArmParameter.bellInterrupt)
        storeSerialPort(into: &area)
        for (index, word) in interrupts.enumerated() { area.store(word, at: ArmParameter.interrupts + index * 4) }
    }

    /// One that QEMU has is mapped: ``Stage2``.
    private func storeSerialPort(into area: inout Bytes) {
        let console = cell.console
        guard SerialPortModel.Kind(rawValue: UInt32(console.kind.rawValue)) != nil, console.address != 0 else { return }
        area.store(UInt32(console.kind.rawValue), at: ArmParameter.serialKind)
        area.store(console.flags.contains(.registerDistance4) ? 4 : 1 as UInt32, at: ArmParameter.serialDistance)
        area.store(console.address, at: ArmParameter.serialAddress)
        area.store(Stage2(model).emulatedSerialPage ?? .max, at: ArmParameter.serialPage)
    }

    private var flags: UInt32 {
        var flags: UInt32 = 0
        if cell.flags.contains(.virtualConsolePermitted) { flags |= MonitorMemory.Flag.putcPermitted }
        if model.settings.holdsOnViolation { flags |= MonitorMemory.Flag.holdsOnViolation }
        if cell.flags.contains(.aarch32) { flags |= MonitorMemory.Arm64.Flag.is32Bit }
        return flags
    }

    /// Entries for other chips than the platform's distributor have no effect on the hypervisor.
    private var interrupts: [UInt32] {
        var words = [UInt32](repeating: 0, count: Int(DistributorAccess.interruptLimit) / 32)
        for chip in cell.interruptChips where chip.address == model.platform.gicdBase {
            for pin in chip.pins where pin / 32 < words.count { words[Int(pin) / 32] |= 1 << UInt32(pin % 32) }
        }
        // the bell takes one only where nothing else is left for it
        if cell.pciDevices.contains(where: { $0.kind == .sharedMemory }) {
            let bell = Int(model.bell.interrupt)
            words[bell / 32] &= ~(1 << UInt32(bell % 32))
        }
        return words
    }

    private func storeCheckedRegions(into area: inout Bytes) throws(CellMachineError) {
        typealias Checked = MonitorMemory.Arm64.Checked
        let regions = cell.memoryRegions.filter { $0.size > 0 && CellTables.isChecked($0) }
        guard regions.count <= Checked.limit else {
            throw CellMachineError(.configuration, "the cell has too many regions that are not whole pages")
        }
        let places = Stage2(model)
        area.store(UInt32(regions.count), at: Parameter.checkedRegions)
        for (index, region) in regions.enumerated() {
            let entry = Parameter.checkedList + index * Checked.size
            area.store(region.virtualStart, at: entry)
            area.store(region.physicalStart, at: entry + 8)
            area.store(region.size, at: entry + 16)
            area.store(region.flags.rawValue, at: entry + 24)
            area.store(places.device(at: region.physicalStart) ?? Checked.nothing, at: entry + Checked.machineAddress)
        }
    }
}
