import CellDefinition
import ControlInterface
import Logging
import NIOPosix
import Supervision

extension Supervisor {
    /// Reads all definitions again. What is broken is named, and an earlier usable definition of it stays in force.
    ///
    /// One after the other; many and large files are read on a thread of their own.
    func reload() async -> Manager.Reload.Reply {
        let earlier = lastReload
        let task = Task {
            _ = await earlier?.value
            return await readAgain()
        }
        lastReload = task
        return await task.value
    }

    private func readAgain() async -> Manager.Reload.Reply {
        serviceManager.isReloading()
        defer { serviceManager.isReady() }
        let files = files
        let inForce = cells.values.compactMap(\.definition)
        guard let fresh = try? await checkThread.runIfActive({ files.load(inForce: inForce) }), !isEnding else {
            return Manager.Reload.Reply(problems: ["the daemon is going"])
        }
        return take(fresh)
    }

    private func take(_ fresh: LoadedDefinitions) -> Manager.Reload.Reply {
        let now = Clock.now()
        var reply = Manager.Reload.Reply()

        for definition in fresh.definitions {
            let name = definition.name
            defer { cells[name]?.images = fresh.images[name] ?? JudgedImages() }
            if let old = cells[name]?.definition {
                guard old != definition || cells[name]?.problem != nil else { continue }
                let isOutdated = old.configuration != definition.configuration
                let exists = cells[name]?.lifecycle.sighting?.observation != nil
                cells[name]?.problem =
                    isOutdated && exists
                    ? "its configuration has changed; the cell keeps the old one until it is destroyed" : nil
                if old != definition { reply.changed.append(name) }
            } else {
                reply.added.append(name)
                remember(definition, at: now)
                cells[name]?.problem = nil
            }
            cells[name]?.definition = definition
            cells[name]?.definitionPath = definition.path
            feed(name, .defined(definition.supervised), at: now)
        }

        let present = Set(fresh.definitions.map(\.name)).union(fresh.problems.compactMap(\.cell))
        for (name, cell) in cells where cell.definitionPath != nil && !present.contains(name) {
            if fresh.problems.contains(where: { cell.definitionPath.map($0.isAbout) == true }) { continue }
            reply.removed.append(name)
            cells[name]?.definition = nil
            cells[name]?.definitionPath = nil
            cells[name]?.problem = nil
            state.failures[name] = nil
            feed(name, .defined(nil), at: now)
            // whether the cell that is there answers must be known when it has a definition again
            let lifecycle = cells[name]?.lifecycle
            state.cells[name] = lifecycle?.sighting?.observation == nil ? nil : lifecycle?.memory
        }

        noteProblems(fresh)
        reply.problems = fresh.problems.map(\.message)
        if fresh.areSettingsUsable {
            settings.settings = fresh.settings
            if fresh.isSystemUsable { settings.system = fresh.system }
        }
        settings.definitions = fresh.definitions
        logger.notice(
            """
            read the definitions again: \(reply.added.count) added, \(reply.changed.count) changed, \
            \(reply.removed.count) removed, \(reply.problems.count) refused
            """)
        poll()
        return reply
    }

    /// A definition that could not be used when this daemon began: what an earlier one knew of its cell counts.
    private func remember(_ definition: CellDefinition, at now: Moment) {
        let name = definition.name
        var cell = cells[name] ?? ManagedCell(foreign: name, at: now)
        if let memory = state.cells[name], cell.lifecycle.inFlight == nil {
            let assigned = cell.assignedCPUs
            cell = ManagedCell(definition, memory: memory, at: now)
            cell.assignedCPUs = assigned
            cell.failures = state.failures[name] ?? []
        }
        cells[name] = cell
    }

    /// Shows refused definitions under the names that they would have, and in the journal.
    func noteProblems(_ loaded: LoadedDefinitions) {
        for problem in loaded.problems {
            logger.error("\(problem.message)", metadata: problem.cell.map { ["cell": "\($0)"] } ?? [:])
            guard let name = problem.cell else { continue }
            cells[name, default: ManagedCell(foreign: name, at: Clock.now())].problem =
                cells[name]?.definition == nil
                ? problem.message : "\(problem.message); the definition read before stays in force"
            if cells[name]?.definitionPath == nil { cells[name]?.definitionPath = problem.path }
        }
        for warning in loaded.warnings { logger.warning("\(warning)") }
    }
}
