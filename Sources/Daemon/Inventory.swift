// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import FailureReports
import Hypervisor
import JailhouseInterface
import Supervision

/// Everything that clients may ask about, as it is at one moment.
struct Inventory: Sendable {
    let fleet: Fleet
    let cells: [String: ManagedCell]
    /// The cells in the hypervisor.
    var guests: [HypervisorView.Cell] = []
    /// The configured system.
    var system: SystemSource?
    /// The one with which the hypervisor was enabled; nil: it is not enabled, or that is not known.
    var systemInForce: SystemSource?
    /// Where a system would be configured.
    var settingsPath = ""
    /// Why the one that is configured is not used; nil: it is, or none is configured.
    var systemRefusal: String?
    /// The files that take the driver's lock, as they were read last.
    var reading: LockedFiles.Reading?
    /// CPUs that the hypervisor took.
    var losses: [CPULosses.Loss] = []
    /// What IOMMUs reported of devices.
    var deviceFaults = DeviceFaults()
    /// What VM exits tell of Linux in cells.
    var pulses = GuestPulses()
    /// The enable that was tried last, where it failed.
    var refusedEnable: Manager.RefusedEnable?
    /// How long things took.
    var timings = Timings()
    /// How often commands were refused, by the command and the error number's name.
    var refusals: [String: [String: Int]] = [:]
    /// How often each cell failed, by kind.
    var failureCounts: [String: [String: Int]] = [:]
    /// Of the one cell that was asked about.
    var statistics: [(name: String, value: UInt64)] = []

    /// In bytes, of a name that is looked for; a cell's own has 31 at the most.
    private static let longestName = 256

    var names: Set<String> { Set(fleet.cells.keys).union(cells.keys) }

    /// What is known of a cell; nil for one that is not there.
    func shown(_ name: String) -> ShownCell? {
        guard fleet.cells[name] != nil || cells[name] != nil else { return nil }
        return ShownCell(
            cells[name] ?? ManagedCell(name), fleet.cells[name],
            assignedCPUs: guests.first { $0.name.text == name }?.cpus ?? [])
    }

    /// The same.
    ///
    /// - Throws: `ManagerError.cellNotFound`.
    func known(_ name: String) throws(ManagerError) -> ShownCell {
        if let cell = shown(name) { return cell }
        guard name.utf8.count <= Self.longestName else {
            // not compared with the cells' names, which would take as long as the name is
            throw .cellNotFound(
                cell: "", nearest: nil, message: "no cell has a name of \(name.utf8.count) bytes")
        }
        throw .cellNotFound(name, among: names.sorted())
    }

    /// Whether something can be asked of a cell at all.
    ///
    /// - Throws: why not.
    func requireLife(of name: String) throws(ManagerError) {
        guard fleet.hasDriver else { throw error(.noDriver) }
        guard fleet.cells[name] == nil else { return }
        // nothing can be asked of a cell that is only known by a definition that cannot be used
        _ = try known(name)
        throw error(.cell(name, .foreign))
    }

    /// Found by its number, which no other cell has.
    func cpus(of cell: NamelessCell) -> [Int] {
        guests.first { $0.id == cell.observation.id && $0.name == cell.name }?.cpus ?? []
    }

    /// A failure in the words of the interface.
    func error(_ failure: FleetFailure) -> ManagerError {
        ManagerError(
            failure, ErrorContext(cells: cells, names: names, settingsPath: settingsPath, systemRefusal: systemRefusal))
    }
}
