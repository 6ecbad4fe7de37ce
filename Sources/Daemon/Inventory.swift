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
    /// The configured system, or the one that the hypervisor was enabled with.
    var system: SystemSource?
    /// Where a system would be configured.
    var settingsPath = ""
    /// The files that take the driver's lock, as they were read last.
    var reading: LockedFiles.Reading?
    /// CPUs that Linux lost, ascending.
    var lostCPUs: [Int] = []
    /// What IOMMUs reported of devices.
    var deviceFaults: [DeviceFaults.Count] = []
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
    private func cpus(of cell: NamelessCell) -> [Int] {
        guests.first { $0.id == cell.observation.id && $0.name == cell.name }?.cpus ?? []
    }

    /// A failure in the words of the interface.
    func error(_ failure: FleetFailure) -> ManagerError {
        ManagerError(failure, ErrorContext(cells: cells, names: names, settingsPath: settingsPath))
    }
}

// MARK: - On the wire

extension Inventory {
    func list() -> Manager.List.Reply {
        let pools = fleet.isEnabled ? reading?.pools ?? HypervisorView.Pools() : HypervisorView.Pools()
        let machine = Manager.Machine(
            enabled: fleet.isEnabled, system: system?.path, driver: fleet.hasDriver,
            version: DaemonProgram.version, memPoolSize: pools.memorySize, memPoolUsed: pools.memoryUsed,
            remapPoolSize: pools.remapSize, remapPoolUsed: pools.remapUsed,
            enabling: fleet.isGoingToEnable, poolsAge: reading.map { $0.at.duration(to: .now).microseconds },
            lostCpus: lostCPUs.isEmpty ? nil : lostCPUs,
            deviceFaults: deviceFaults.isEmpty ? nil : deviceFaults.map(Manager.DeviceFault.init))
        let known = names.compactMap { shown($0)?.onWire } + fleet.nameless.map { Manager.Cell($0, cpus: cpus(of: $0)) }
        return Manager.List.Reply(machine: machine, cells: known.sorted { $0.name < $1.name })
    }

    func describe(_ name: String) throws -> Manager.Details {
        if let cell = fleet.nameless.first(where: { $0.label == name }) {
            return Manager.Details(cell, cpus: cpus(of: cell))
        }
        return try known(name).details(statistics: statistics)
    }

    func statistics(_ name: String) throws -> [Manager.Statistic] {
        _ = try known(name)
        return statistics.map { Manager.Statistic(name: $0.name, value: Int(clamping: $0.value)) }
    }

    func failures(_ name: String) throws -> [Manager.Failure] {
        try known(name).managed.failures.map(\.onWire)
    }

    func region(_ name: String) throws -> Manager.Region {
        guard let region = try known(name).region(platform: system?.descriptor.platform) else {
            throw error(.cell(name, .foreign))
        }
        return region
    }

    /// Every cell as it is, or one, for those who begin to watch.
    func changes(of name: String?) throws -> [Manager.Change] {
        if let name { return [try known(name).asChange] }
        return names.sorted().compactMap { shown($0)?.asChange }
    }

    /// - Parameter unanswered: how long Linux was stalled because the inmate did not answer; nil when that was not so.
    func reply(about name: String, unanswered: Duration?) -> Manager.CellReply {
        // it may have been forgotten meanwhile
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        return Manager.CellReply(cell: cell.onWire, unanswered: unanswered)
    }

    /// After a sign of life, or word that there was none.
    func replyAboutLife(of name: String) -> Manager.CellReply {
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        let message =
            if cell.lifecycle.supervised == nil {
                "the cell has no definition, and is not supervised"
            } else if cell.lifecycle.supervised?.policy.liveness == nil {
                "its definition has no liveness rule: nothing follows from signs of life"
            } else if !cell.lifecycle.isUp {
                "the cell does not run"
            } else {
                nil as String?
            }
        return Manager.CellReply(cell: cell.onWire, message: message)
    }
}

extension Manager.DeviceFault {
    init(_ count: DeviceFaults.Count) {
        self.init(
            device: count.fault.device, cell: count.cell,
            address: count.fault.address.map { Int(truncatingIfNeeded: $0) },
            access: count.fault.access?.rawValue, unit: Int(clamping: count.fault.unit),
            code: Int(clamping: count.fault.code),
            count: count.count, last: count.last)
    }
}
