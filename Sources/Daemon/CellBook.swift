// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Hypervisor
import JailhouseInterface
import Supervision

/// What a reload of the configuration directory changed.
struct DefinitionChanges: Hashable, Sendable {
    /// Names of cells.
    var added: [String] = []
    var removed: [String] = []
    var changed: [String] = []
    /// A sentence for each file that was refused.
    var problems: [String] = []
}

/// What the daemon knows of all cells besides their lives: the definitions in force, what is wrong with others, failures.
struct CellBook {
    private(set) var cells: [String: ManagedCell] = [:]
    /// System configurations by their paths.
    private(set) var systems: [String: SystemSource] = [:]
    /// What the cells that exist were created with.
    var created = CreatedCells()
    /// What the hypervisor was enabled with.
    var inForce = SystemInForce()

    /// Nil for what is known by its life only.
    subscript(_ name: String) -> ManagedCell? {
        get { cells[name] }
        set { cells[name] = newValue }
    }

    /// The failures of cells with a definition in force.
    var failures: [String: [FailureRecord]] {
        cells.compactMapValues { $0.definition == nil ? nil : $0.failures }
    }

    /// The other cells that exist, as they were created. Where that is not what the definition says by now, the path says
    /// so.
    func neighbours(of name: String, in view: HypervisorView) -> [CellDefinition] {
        Set(cells.keys).union(created.cells.keys).sorted().compactMap { other in
            guard other != name else { return nil }
            let sighting = view.sighting(of: other)
            guard var old = created.definition(of: other, sighting) else {
                return sighting?.observation == nil ? nil : cells[other]?.definition
            }
            let now = cells[other]?.definition
            let hasChanged = now?.configurationWithArchitecture != old.configurationWithArchitecture
            guard hasChanged || now?.path != old.path else { return now }
            old.path += " (as it was created)"
            return old
        }
    }

    /// The definition by which the cell that exists is loaded: the images of now, in the memory and on the CPUs that it was
    /// created with.
    ///
    /// - Parameter sighting: what was seen of the cell; nil when that is not known.
    func loadedDefinition(of name: String, _ sighting: Sighting?) -> CellDefinition? {
        guard var definition = cells[name]?.definition else { return nil }
        if let old = created.definition(of: name, sighting),
            old.configurationWithArchitecture != definition.configurationWithArchitecture
        {
            definition.descriptor = old.descriptor
        }
        return definition
    }

    /// Cells whose signs of life are on the hypervisor's console.
    private var signListeners: [ConsoleEar.Listener] {
        cells.values.compactMap { cell in
            guard let check = cell.definition?.liveness, let text = check.contains, check.file == nil else {
                return nil
            }
            return ConsoleEar.Listener(cell: cell.name, contains: text)
        }
    }

    /// The same, and those whose Linux's last words may be there.
    func consoleListeners(_ fleet: Fleet) -> [ConsoleEar.Listener] {
        var guests = cells.values.filter {
            $0.definition?.printsLinux == true && fleet.cells[$0.name]?.lifecycle.isUp == true
        }
        if guests.count > 1 { guests = guests.filter { $0.definition?.namesHypervisorConsole == true } }
        // whose Linux has ended cannot be told when several print there
        guard guests.count == 1 else { return signListeners }
        return signListeners + guests.map { ConsoleEar.Listener(cell: $0.name, contains: nil) }
    }

    /// How often cells failed since the daemon was started, by kind.
    private(set) var failureCounts: [String: [String: Int]] = [:]

    mutating func keep(_ record: FailureRecord, of name: String) {
        failureCounts[name, default: [:]][record.cause.kind, default: 0] += 1
        cells[name, default: ManagedCell(name)].keep(record)
    }

    /// Takes in when each cell gave its last sign of life, before a look judges it.
    mutating func noteSigns(_ fleet: Fleet) {
        let names = cells.values.compactMap { $0.definition?.liveness == nil ? nil : $0.name }
        for name in names {
            guard let life = fleet.cells[name]?.lifecycle else { continue }
            cells[name]?.lastSign = life.lastSign.map { .init(at: $0, isSign: life.hasGivenSign) }
        }
    }

    /// Nil for a failure of another kind.
    func silence(of name: String, _ cause: FailureCause, exits: UInt64?) -> Silence? {
        guard cause == .silent || cause == .stalled, let cell = cells[name], let definition = cell.definition,
            let check = definition.liveness, let rule = definition.policy.liveness
        else { return nil }
        return Silence(check: check, rule: rule, last: cell.lastSign, seen: cell.seen, exits: exits)
    }

    /// The last lines of a guest that ended, where somebody said them; once. Nil for a failure of another kind.
    mutating func takeLastWords(of name: String, _ cause: FailureCause) -> [String]? {
        guard case .guestEnded = cause else { return nil }
        defer { cells[name]?.lastWords = [] }
        return cells[name]?.lastWords
    }

    /// Adds what the console showed to a failure that is kept.
    ///
    /// - Returns: the failure with it; nil when it is no longer kept.
    mutating func add(_ console: String, to failure: FailureRecord, of name: String) -> FailureRecord? {
        guard
            let index = cells[name]?.failures.lastIndex(where: { $0.at == failure.at && $0.cause == failure.cause })
        else { return nil }
        let sign = signListeners.first { $0.cell == name }?.contains
        cells[name]?.failures[index].add(console: console, cell: name, sign: sign)
        return cells[name]?.failures[index]
    }

    /// Takes in which cells there are. Cells that have neither a definition nor a life are forgotten.
    mutating func take(_ view: HypervisorView, _ fleet: Fleet) {
        created.take(view)
        inForce.take(view)
        for (name, cell) in cells where created.cells[name] == nil {
            guard let definition = cell.definition, let seen = view.sighting(of: name)?.observation else { continue }
            created.assume(definition, seen)
        }
        for (name, cell) in cells where cell.definitionPath == nil && fleet.cells[name] == nil { cells[name] = nil }
    }

    /// A system as the fleet knows it.
    mutating func known(_ system: SystemSource) -> FleetSystem {
        systems[system.path] = system
        return FleetSystem(path: system.path, cpus: system.descriptor.rootCell.cpus.members)
    }

    /// Takes in what the configuration directory has when the daemon begins.
    mutating func begin(_ loaded: LoadedDefinitions, failures: [String: [FailureRecord]]) {
        for definition in loaded.definitions {
            cells[definition.name] = ManagedCell(definition, loaded, failures)
        }
        noteProblems(loaded)
    }

    /// Takes in what was read again: what is broken keeps what was in force before.
    ///
    /// - Returns: what has changed, and what the fleet must be told.
    mutating func take(
        _ fresh: LoadedDefinitions, _ fleet: Fleet, failures: [String: [FailureRecord]]
    ) -> (changes: DefinitionChanges, events: [FleetEvent]) {
        var changes = DefinitionChanges()
        var events: [FleetEvent] = []
        for definition in fresh.definitions {
            let name = definition.name
            guard let old = cells[name]?.definition else {
                changes.added.append(name)
                var cell = ManagedCell(definition, fresh, failures)
                // a definition that went and came back
                if let before = cells[name]?.failures, !before.isEmpty { cell.failures = before }
                cells[name] = cell
                events.append(.defined(name, FleetDefinition(definition)))
                continue
            }
            cells[name]?.images = fresh.images[name] ?? JudgedImages()
            guard old != definition || cells[name]?.problem != nil else { continue }
            let exists = fleet.cells[name]?.lifecycle.sighting?.observation != nil
            let isChanged = old.configuration != definition.configuration
            let wasOutdated = cells[name]?.isOutdated == true
            cells[name]?.isOutdated = exists && (isChanged || wasOutdated)
            if old != definition { changes.changed.append(name) }
            cells[name]?.problem = nil
            cells[name]?.definition = definition
            cells[name]?.definitionPath = definition.path
            events.append(.defined(name, FleetDefinition(definition)))
        }

        let present = Set(fresh.definitions.map(\.name)).union(fresh.problems.compactMap(\.cell))
        for (name, cell) in cells where cell.definitionPath != nil && !present.contains(name) {
            if fresh.problems.contains(where: { cell.definitionPath.map($0.isAbout) == true }) { continue }
            changes.removed.append(name)
            cells[name]?.forgetDefinition()
            events.append(.defined(name, nil))
        }

        noteProblems(fresh)
        changes.problems = fresh.problems.map(\.message)
        if fresh.areSettingsUsable, fresh.isSystemUsable {
            events.append(.configured(fresh.system.map { known($0) }))
        }
        return (changes, events)
    }

    /// Shows refused definitions under the names that they would have.
    private mutating func noteProblems(_ loaded: LoadedDefinitions) {
        for problem in loaded.problems {
            guard let name = problem.cell else { continue }
            cells[name, default: ManagedCell(name)].problem =
                cells[name]?.definition == nil
                ? problem.message : "\(problem.message); the previous definition remains in force"
            if cells[name]?.definitionPath == nil { cells[name]?.definitionPath = problem.path }
        }
    }
}

extension CellBook {
    /// The driver is about to be given this.
    mutating func begin(_ work: DriverWork) {
        switch work {
        case .command(.create, let name, _):
            if let definition = cells[name]?.definition { created.begin(definition) }
        case .enable(let system):
            if let source = systems[system.path] { inForce.begin(source) }
        default: break
        }
    }

    /// The driver has done it, or refused it.
    mutating func end(_ work: DriverWork, _ end: DriverEnd, _ view: HypervisorView) {
        switch work {
        case .command(.create, let name, _): created.end(name, view.sighting(of: name))
        case .enable:
            let refusal: MachineRefusal? = if case .machine(let refusal) = end { refusal } else { nil }
            inForce.end(view, isOthers: refusal?.kind == .enabled)
        default: break
        }
    }
}
