// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Glibc

/// QEMU's q35, whose firmware is the one that starts the cell monitor.
struct X86Model: MachineModel {
    let settings: CellMachineSettings
    private let cell: CellDescriptor
    private let slot: Int
    private let devices: [SimulatedDevice]
    private let legacyDevices: Set<LegacyDevice>
    private let lastBus: UInt8
    private let usesKVM: Bool

    init(
        _ cell: CellDescriptor, _ system: SystemDescriptor?, slot: Int, devices: [SimulatedDevice],
        legacyDevices: Set<LegacyDevice>, settings: CellMachineSettings
    ) throws(CellMachineError) {
        self.cell = cell
        self.slot = slot
        self.legacyDevices = legacyDevices
        let owned = Set(cell.pciDevices.filter { $0.kind == .device }.map(\.address))
        self.devices = devices.filter { owned.contains($0.address) }
        var settings = settings
        var lastBus: UInt8 = 255
        if let platform = system?.platform, case .x86(let x86) = platform.specific {
            if x86.pmTimerPort != 0 { settings.pmTimerPort = x86.pmTimerPort }
            if platform.mmconfigBase != 0 {
                settings.configurationSpaceBase = platform.mmconfigBase
                lastBus = platform.mmconfigEndBus
            }
        }
        self.settings = settings
        self.lastBus = lastBus
        usesKVM = settings.accelerator == .automatic && KVM.nestsSVM
        try CellMachine.check(cell, settings: settings)
    }

    var translates: Bool { !usesKVM }

    private var firmwareCopy: String { CellMachine.firmwareCopy(slot: slot, settings: settings) }
    private var hasDoorbell: Bool { cell.pciDevices.contains { $0.kind == .sharedMemory } }

    private var arguments: EmulatorArguments {
        var arguments = EmulatorArguments(settings: settings, cpus: cell.cpus.members, firmware: firmwareCopy)
        arguments.usesKVM = usesKVM
        arguments.devices = devices
        arguments.remapsDMA = cell.pciDevices.contains { $0.kind == .device }
        arguments.slot = slot
        arguments.hasDoorbell = hasDoorbell
        return arguments
    }

    func prepare() throws(CellMachineError) -> any EmulatorCommand {
        try CellMachine.writeFirmware(
            base: MachineLayout.pc.monitor(slot: slot, size: settings.memorySize), slot: slot, settings: settings)
        return arguments
    }

    func contents(monitor: [UInt8], _ emulator: EmulatorProcess) throws(CellMachineError) -> [UInt8] {
        var prepared = MonitorArea(cell: cell, slot: slot, settings: settings)
        prepared.legacyDevices = legacyDevices
        prepared.lastBus = lastBus
        prepared.configurationWrites = ConfigurationWrite.chipset(
            configurationSpaceBase: settings.configurationSpaceBase, pmTimerPort: settings.pmTimerPort)
        if !devices.isEmpty {
            let inventory = try DeviceInventory(answer: try emulator.control.execute("query-pci"))
            prepared.configurationWrites += CellMachine.places(of: cell, inventory)
        }
        if hasDoorbell { prepared.configurationWrites += arguments.doorbellPlaces }
        return try prepared.bytes(monitor: monitor)
    }

    func communicationPage(tscKHz: UInt32) -> CommunicationPage {
        CommunicationPage(cell: cell, settings: settings, tscKHz: tscKHz)
    }

    func removeFiles() { unlink(firmwareCopy) }
}
