import CellConfiguration
import ControlInterface
import Hypervisor
import NIOPosix
import Supervision

/// What clients ask. Each of these looks at the state again after it has waited: it may have changed.
extension Supervisor {
    /// In bytes, of a name that is looked for; a cell's own has 31 at the most.
    private static let longestName = 256

    func list() -> Manager.List.Reply {
        let pools = view.pools()
        let machine = Manager.Machine(
            enabled: view.isEnabled, system: settings.system?.path, driver: view.hasDriver,
            version: Jailhoused.version, memPoolSize: pools.memorySize, memPoolUsed: pools.memoryUsed,
            remapPoolSize: pools.remapSize, remapPoolUsed: pools.remapUsed)
        return Manager.List.Reply(machine: machine, cells: cells.values.map(\.onWire).sorted { $0.name < $1.name })
    }

    func describe(_ name: String) throws -> Manager.Details {
        let cell = try known(name)
        let id = cell.lifecycle.sighting?.observation?.id
        return cell.details(statistics: id.map(view.statistics(ofCell:)) ?? [])
    }

    func statistics(_ name: String) throws -> [Manager.Statistic] {
        guard let id = try known(name).lifecycle.sighting?.observation?.id else { return [] }
        return view.statistics(ofCell: id).map { Manager.Statistic(name: $0.name, value: Int(clamping: $0.value)) }
    }

    func failures(_ name: String) throws -> [Manager.Failure] {
        try known(name).failures.map(\.onWire)
    }

    func region(_ name: String) throws -> Manager.Region {
        let cell = try known(name)
        let platform = settings.system?.descriptor.platform
        guard let region = cell.region(platform: platform) else {
            throw ManagerError(RequestFailure.foreign, cell: name)
        }
        return region
    }

    /// Carries out a request for one cell alone; returns when it is done.
    func requestAlone(_ request: Request, _ name: String) async throws -> Manager.Cell {
        guard view.hasDriver else { throw ManagerError.noDriver }
        poll()
        await enabling?.value
        guard !isEnding else { throw ManagerError.daemonEnds(cell: name) }
        if isShuttingDown && request != .stop && request != .destroy { throw ManagerError.goingDown(cell: name) }
        let cell = try known(name)
        if cell.definition == nil, let problem = cell.problem {
            throw ManagerError.definitionInvalid(cell: name, path: cell.definitionPath, message: problem)
        }
        lastRequest += 1
        let id = lastRequest
        lastRequests[name] = id
        if request == .start || request == .restart { starting[name, default: []].insert(id) }
        defer { starting[name]?.remove(id) }
        try await withCheckedThrowingContinuation { continuation in
            answers[id] = continuation
            feed(name, .requested(request, id), at: Clock.now())
            poll()
        }
        return try known(name).onWire
    }

    func resetFailed(_ name: String?) throws {
        let names = try name.map { [try known($0).name] } ?? Array(cells.keys)
        let now = Clock.now()
        for name in names { feed(name, .resetFailed, at: now) }
        saveState()
    }

    /// - Parameter path: a system configuration; nil for the configured one.
    func enable(path: String?) async throws {
        guard view.hasDriver else { throw ManagerError.noDriver }
        guard !view.isEnabled else { throw ManagerError.alreadyEnabled }
        guard !isShuttingDown else { throw ManagerError.goingDown(cell: nil) }
        if let path {
            let system = try files.system(at: path)
            try await enable(system)
            settings.system = system
        } else if let system = settings.system {
            try await enable(system)
        } else {
            throw ManagerError.definitionInvalid(
                cell: nil, path: files.settingsPath,
                message: "no system is configured: name one (system = \"…\" in \(files.settingsPath), or enable FILE)")
        }
    }

    func disable() async throws {
        guard view.hasDriver else { throw ManagerError.noDriver }
        await enabling?.value
        guard view.isEnabled else { throw ManagerError.notEnabled }
        // before anything is changed; once more when its turn has come
        if let danger = dangerOfDisabling { throw danger }
        try await disableMachine()
    }

    /// What is wrong with the configuration directory, or with one system or definition in it.
    ///
    /// It reads many files, some of them large: on a thread of its own, beside the supervision.
    nonisolated func check(path: String?) async throws -> [String] {
        let files = files
        let loaded = try await checkThread.runIfActive { files.load() }
        let problems = loaded.problems.filter { path == nil || $0.path == path }.map(\.message)
        return problems + loaded.warnings.filter { path == nil || $0.hasPrefix(path ?? "") }
    }

    /// Every cell as it is, then every change.
    func watch(_ name: String?) throws -> (id: Int, changes: AsyncStream<Manager.Change>) {
        if let name { _ = try known(name) }
        let current = cells.values.filter { name == nil || $0.name == name }.sorted { $0.name < $1.name }
        return watchers.add(
            cell: name,
            first: current.map { cell in
                Manager.Change(
                    at: Clock.realTime(), kind: "current", cell: cell.onWire,
                    message: cell.lifecycle.condition.rawValue, missed: 0)
            })
    }

    func unwatch(_ id: Int) {
        watchers.remove(id)
    }

    private func known(_ name: String) throws -> ManagedCell {
        if let cell = cells[name] { return cell }
        guard name.utf8.count <= Self.longestName else {
            // not compared with the cells' names, which would take as long as the name is
            throw ManagerError.cellNotFound(
                cell: "", nearest: nil, message: "a name of \(name.utf8.count) bytes is no cell's")
        }
        throw ManagerError.cellNotFound(name, among: cells.keys.sorted())
    }
}
