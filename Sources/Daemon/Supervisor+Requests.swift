// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import Logging
import NIOPosix
import Supervision

/// What clients ask.
extension Supervisor {
    /// In bytes, of a name that is looked for; a cell's own has 31 at the most.
    private static let longestName = 256

    var names: Set<String> { Set(fleet.cells.keys).union(book.cells.keys) }

    /// A cell on the wire; nil for one that is not there.
    func shown(_ name: String) -> ShownCell? {
        guard fleet.cells[name] != nil || book[name] != nil else { return nil }
        return ShownCell(
            book[name] ?? ManagedCell(name), fleet.cells[name],
            assignedCPUs: view.guests.first { $0.name.text == name }?.cpus ?? [])
    }

    func list() -> Manager.List.Reply {
        let reading = lockedFiles?.latest
        let pools = view.isEnabled ? reading?.pools ?? HypervisorView.Pools() : HypervisorView.Pools()
        let machine = Manager.Machine(
            enabled: view.isEnabled, system: settings.system?.path, driver: view.hasDriver,
            version: DaemonProgram.version, memPoolSize: pools.memorySize, memPoolUsed: pools.memoryUsed,
            remapPoolSize: pools.remapSize, remapPoolUsed: pools.remapUsed,
            enabling: fleet.isGoingToEnable, poolsAge: reading.map { $0.at.duration(to: .now).microseconds },
            lostCpus: lostCPUs.cpus.isEmpty ? nil : lostCPUs.cpus)
        let known = names.compactMap { shown($0)?.onWire } + fleet.nameless.map(Manager.Cell.init)
        return Manager.List.Reply(machine: machine, cells: known.sorted { $0.name < $1.name })
    }

    func describe(_ name: String) throws -> Manager.Details {
        if let cell = fleet.nameless.first(where: { $0.label == name }) { return Manager.Details(cell) }
        let cell = try known(name)
        let id = cell.lifecycle.sighting?.observation?.id
        return cell.details(statistics: id.map(view.statistics(ofCell:)) ?? [])
    }

    func statistics(_ name: String) throws -> [Manager.Statistic] {
        guard let id = try known(name).lifecycle.sighting?.observation?.id else { return [] }
        return view.statistics(ofCell: id).map { Manager.Statistic(name: $0.name, value: Int(clamping: $0.value)) }
    }

    func failures(_ name: String) throws -> [Manager.Failure] {
        try known(name).managed.failures.map(\.onWire)
    }

    func region(_ name: String) throws -> Manager.Region {
        let platform = settings.system?.descriptor.platform
        guard let region = try known(name).region(platform: platform) else { throw error(.cell(name, .foreign)) }
        return region
    }

    /// Carries out a request, and what must be done for it before and after; returns when all is done.
    func request(_ request: Request, _ name: String) async throws -> Manager.CellReply {
        guard view.hasDriver else { throw error(.noDriver) }
        guard fleet.cells[name] != nil else {
            // nothing can be asked of a cell that is only known by a definition that cannot be used
            _ = try known(name)
            throw error(.cell(name, .foreign))
        }
        let unanswered = try await ask(.cell(request, name))
        // it may have been forgotten meanwhile
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        return Manager.CellReply(cell: cell.onWire, unanswered: unanswered)
    }

    func resetFailed(_ name: String?) throws {
        if let name { _ = try known(name) }
        handle(.resetFailed(name), at: Clock.now())
        saveState()
    }

    /// - Parameter path: a system configuration; nil for the configured one.
    func enable(path: String?) async throws {
        guard view.hasDriver else { throw error(.noDriver) }
        guard !view.isEnabled else { throw error(.alreadyEnabled) }
        try await ask(.enable(path.map { book.known(try files.system(at: $0)) }))
    }

    func disable(others: Bool) async throws {
        try await ask(.disable(others: others))
    }

    /// - Parameter endOfMachine: a daemon that begins afterwards in the same boot begins as after a boot.
    func shutDownAll(
        within limit: Duration, endOfMachine: Bool = false
    ) async throws -> Manager.ShutDownAll.Reply {
        switch await answer(to: .shutDownAll(within: limit)) {
        case .shutDown(let result):
            if endOfMachine {
                record.isEndedWithMachine = true
                saveState()
            }
            return Manager.ShutDownAll.Reply(result)
        case .failed(let failure): throw error(failure)
        case .done: return Manager.ShutDownAll.Reply()
        }
    }

    /// What is wrong with the configuration directory, or with one system or definition in it.
    ///
    /// It reads many files, some of them large: on a thread of its own, beside the supervision.
    nonisolated func check(path: String?) async throws -> Manager.Check.Reply {
        let files = filesForChecks
        return try await checkThread.runIfActive { files.load().reply(about: path) }
    }

    /// Any user may request a check: it takes no more memory than small images do.
    nonisolated private var filesForChecks: DefinitionFiles {
        var files = files
        files.largestImage = ImageMemory.small
        return files
    }

    /// Every cell as it is, then every change.
    func watch(_ name: String?) throws -> (id: Int, changes: AsyncStream<Manager.Change>) {
        if let name { _ = try known(name) }
        let current = names.sorted().filter { name == nil || $0 == name }.compactMap(shown)
        return journal.watchers.add(cell: name, first: current.map(\.asChange))
    }

    func unwatch(_ id: Int) {
        journal.watchers.remove(id)
    }

    /// A failure in the words of the interface.
    func error(_ failure: FleetFailure) -> ManagerError {
        ManagerError(failure, ErrorContext(cells: book.cells, names: names, settingsPath: files.settingsPath))
    }

    private func known(_ name: String) throws -> ShownCell {
        if let cell = shown(name) { return cell }
        guard name.utf8.count <= Self.longestName else {
            // not compared with the cells' names, which would take as long as the name is
            throw ManagerError.cellNotFound(
                cell: "", nearest: nil, message: "no cell has a name of \(name.utf8.count) bytes")
        }
        throw ManagerError.cellNotFound(name, among: names.sorted())
    }
}
