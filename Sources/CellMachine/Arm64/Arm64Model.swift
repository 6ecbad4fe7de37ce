// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// QEMU's virt machine, whose first processor begins in the cell monitor at EL2.
struct Arm64Model: MachineModel {
    let settings: CellMachineSettings
    let cell: CellDescriptor
    let slot: Int
    let platform: ArmPlatform
    /// The last bus of the virtual PCI, and how many CPUs the system has, each with a frame of the redistributor.
    let lastBus: UInt8
    let systemCPUs: Int

    /// The machine of upstream's qemu-arm64: QEMU's virt machine with GICv3, with the virtual PCI behind the redistributor.
    static let virtualMachine = ArmPlatform(
        maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x0800_0000, gicrBase: 0x080a_0000)
    static let virtualConfigurationSpace: UInt64 = 0x08e0_0000

    init(
        _ cell: CellDescriptor, _ system: SystemDescriptor?, slot: Int, settings: CellMachineSettings
    ) throws(CellMachineError) {
        self.cell = cell
        self.slot = slot
        var settings = settings
        var platform = Arm64Model.virtualMachine
        settings.configurationSpaceBase = Arm64Model.virtualConfigurationSpace
        var (lastBus, count): (UInt8, Int) = (0, 0)
        if let system, case .arm(let arm) = system.platform.specific {
            platform = arm
            settings.configurationSpaceBase = system.platform.mmconfigBase
            lastBus = system.platform.mmconfigEndBus
            count = system.rootCell.cpus.members.count
        }
        let highest = (cell.cpus.members.max() ?? 0) + 1
        systemCPUs = max(count, highest)
        self.settings = settings
        self.platform = platform
        self.lastBus = lastBus
        try check()
    }

    let translates = true

    func prepare() throws(CellMachineError) -> any EmulatorCommand {
        Arm64Arguments(
            settings: settings, cpuCount: cell.cpus.members.count, gicVersion: Int(platform.gicVersion),
            entry: MachineLayout.arm64.monitor(slot: slot, size: settings.memorySize) + UInt64(MonitorMemory.image),
            bellSlot: bell.slot)
    }

    /// Where the monitor's bell is on QEMU's PCI bus, and its interrupt (hw/arm/virt.c): none of the cell's if that can be.
    var bell: (slot: UInt32, interrupt: UInt32) {
        let firstInterrupt: UInt32 = 35
        let places = (1...4).map { (slot: UInt32($0), interrupt: firstInterrupt + UInt32($0) % 4) }
        let own = Set(cell.interruptChips.filter { $0.address == platform.gicdBase }.flatMap(\.pins))
        return places.first { !own.contains(Int($0.interrupt)) } ?? places[0]
    }

    func contents(monitor: [UInt8], _ emulator: EmulatorProcess) throws(CellMachineError) -> [UInt8] {
        try Arm64MonitorArea(model: self).bytes(monitor: monitor)
    }

    func communicationPage(tscKHz: UInt32) -> CommunicationPage {
        var page = CommunicationPage(cell: cell, settings: settings, tscKHz: 0)
        page.arm = CommunicationPage.Arm(platform: platform, vpciInterruptBase: cell.vpciInterruptBase)
        return page
    }

    func removeFiles() {}

    private func check() throws(CellMachineError) {
        func refuse(_ why: String) throws(CellMachineError) { throw CellMachineError(.configuration, why) }
        let cpus = cell.cpus.members
        if !(1...MonitorMemory.cpuLimit).contains(cpus.count) {
            try refuse(
                "a cell that executes has 1 to \(MonitorMemory.cpuLimit) CPUs, "
                    + "not \(cell.cpus.isEmpty ? "none" : cell.cpus.list)")
        }
        switch platform.gicVersion {
        case 2 where cpus.contains { $0 > 7 }: try refuse("with GICv2 there are no CPUs above 7")
        case 2, 3: break
        default: try refuse("there is no interrupt controller GICv\(platform.gicVersion)")
        }
        for region in cell.memoryRegions where region.size > 0 {
            let limit: UInt64 = 1 << 43
            let (end, overflow) = region.virtualStart.addingReportingOverflow(region.size)
            let (physicalEnd, physicalOverflow) = region.physicalStart.addingReportingOverflow(region.size)
            if overflow || physicalOverflow || end > limit || physicalEnd > limit {
                try refuse("a memory region lies beyond 8 TiB")
            }
            if region.flags.contains(.communicationRegion), region.size != PageTables.pageSize {
                try refuse("a communication region is one page of 4 KiB")
            }
        }
    }
}
