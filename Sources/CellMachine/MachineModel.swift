// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface

/// What a cell's machine is made of: by its architecture, and by the system configuration.
protocol MachineModel: Sendable {
    /// As the system configuration has them.
    var settings: CellMachineSettings { get }
    /// Whether QEMU keeps translations of the code that it has executed.
    var translates: Bool { get }

    /// Makes the files that QEMU needs besides.
    func prepare() throws(CellMachineError) -> any EmulatorCommand
    /// Of the monitor's memory at each start.
    func contents(monitor: [UInt8], _ emulator: EmulatorProcess) throws(CellMachineError) -> [UInt8]
    /// - Parameter tscKHz: of an x86 machine; 0 while it is not known.
    func communicationPage(tscKHz: UInt32) -> CommunicationPage
    func removeFiles()
}

extension CommunicationPage {
    /// What does not depend on the architecture.
    init(cell: CellDescriptor, settings: CellMachineSettings, tscKHz: UInt32) {
        self.init(
            layout: settings.layout,
            abiRevision: cell.format.hasOldLinks
                ? CommunicationRegion.earlyABIRevision : CommunicationRegion.abiRevision,
            flags: cell.flags, console: cell.console, configurationSpaceBase: settings.configurationSpaceBase,
            pmTimerPort: settings.pmTimerPort, cpuCount: cell.cpus.members.count, tscKHz: tscKHz)
    }
}
