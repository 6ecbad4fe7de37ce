// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

@testable import Supervision

/// What leads from one word to another: a table of ARCHITECTURE.md, from what an exploration visited.
struct TransitionTable {
    struct Change: Hashable {
        let from: String
        let to: String
    }

    private(set) var causes: [Change: Set<String>] = [:]

    mutating func note(from: String, to: String, _ cause: @autoclosure () -> String) {
        if from != to { causes[Change(from: from, to: to), default: []].insert(cause()) }
    }

    mutating func merge(_ other: TransitionTable) {
        causes.merge(other.causes) { $0.union($1) }
    }

    /// - Parameter words: in the order of the rows.
    func markdown(_ words: [String]) -> [String] {
        func place(_ word: String) -> Int { words.firstIndex(of: word) ?? words.count }
        let changes = causes.keys.sorted { (place($0.from), place($0.to)) < (place($1.from), place($1.to)) }
        return ["| from | to | when |", "| --- | --- | --- |"]
            + changes.map { change in
                let when = (causes[change] ?? []).sorted().joined(separator: "; ")
                return "| `\(change.from)` | `\(change.to)` | \(when) |"
            }
    }

    /// What a page says of a change; nil when it has no such row.
    static func causes(of change: Change, in page: String) -> Set<String>? {
        let beginning = "| `\(change.from)` | `\(change.to)` | "
        guard let row = page.split(separator: "\n").first(where: { $0.hasPrefix(beginning) }) else { return nil }
        return Set(row.dropFirst(beginning.count).dropLast(2).split(separator: "; ").map(String.init))
    }
}

// MARK: - A cell

extension TransitionTable {
    static let conditions = Condition.allCases.map(\.rawValue)

    /// Every change of a cell's condition, for the usual definition; what people do with definitions is explored for
    /// one with fewer states.
    static func ofCell() -> TransitionTable {
        let explored: [(Alphabet, Subject)] =
            [Alphabet.everyday, .inmates, .others].map { ($0, usual) }
            + [(.people, Subject(restart: .onFailure, handshake: .unbounded(accepted: false)))]
        return explored.reduce(into: TransitionTable()) { $0.merge(ofCell($1.0, $1.1)) }
    }

    static let usual = Subject(restart: .onFailure, handshake: .bounded)

    static func ofCell(_ alphabet: Alphabet, _ subject: Subject = usual) -> TransitionTable {
        var explorer = Explorer(Rules(subject.supervised, alphabet))
        _ = explorer.explore()
        return explorer.table
    }

    mutating func note(_ step: Transition) {
        let (before, after) = (step.before.lifecycle, step.after.lifecycle)
        note(
            from: before.currentCondition.rawValue, to: after.currentCondition.rawValue, step.what.cause(before, after))
    }
}

extension Happening {
    fileprivate func cause(_ before: CellLifecycle, _ after: CellLifecycle) -> String {
        switch self {
        case .look, .blindLook, .runsOut, .befall: "seen \(after.sighting?.word ?? "not yet")"
        case .finish(let ending, _): "\(before.inFlight?.rawValue ?? "command") \(ending)"
        case .request(let request): "asked to \(request.rawValue)"
        case .listen: after.hasGivenSign && after.lastSign == .present ? "a sign of life" : "no sign of life"
        case .resetFailed: "asked to reset-failed"
        case .released: "the hypervisor is being disabled"
        case .redefined, .defined: "its definition is read"
        case .undefined: "its definition is removed"
        case .newDaemon, .newDaemonAfter, .newDaemonWithoutMemory: "a new daemon"
        }
    }
}

extension Sighting {
    fileprivate var word: String {
        switch self {
        case .disabled: "disabled"
        case .absent: "absent"
        case .present(let cell): cell.failedCPUs.isEmpty ? cell.state.rawValue : "\(cell.state.rawValue), CPUs failed"
        }
    }
}

// MARK: - The machine

extension TransitionTable {
    static let machines = ["noDriver", "disabled", "enabling", "enabled", "disabling", "shuttingDown"]

    /// Every change of the machine's state, for one that is enabled, disabled and shut down.
    static func ofMachine() -> TransitionTable {
        FleetSubject.small.filter { ["enable and disable", "the end of the machine"].contains($0.description) }
            .reduce(into: TransitionTable()) { table, subject in
                var explorer = FleetExplorer(FleetRules(subject))
                _ = explorer.explore()
                table.merge(explorer.table)
            }
    }

    mutating func note(_ step: FleetTransition) {
        let (before, after) = (step.before.fleet, step.after.fleet)
        note(from: before.machine.word, to: after.machine.word, step.what.cause(before, after))
    }
}

extension FleetHappening {
    fileprivate func cause(_ before: Fleet, _ after: Fleet) -> String {
        switch self {
        case .wake, .befall, .imagesRead: "seen \(after.look.hypervisor)"
        case .finish(let ending):
            switch before.inDriver {
            case .enable: "enable \(ending)"
            case .disable: "disable \(ending)"
            case .command(let command, _, _): "\(command.rawValue) \(ending)"
            case nil: "nothing"
            }
        case .request(.cell): "a cell's request"
        case .request(.enable): "asked to enable"
        case .request(.disable): "asked to disable"
        case .request(.shutDownAll): "asked to shut down all"
        case .undefined: "a definition is removed"
        case .newDaemon: "a new daemon"
        }
    }
}

extension Machine {
    fileprivate var word: String {
        switch self {
        case .unseen: "unseen"
        case .noDriver: "noDriver"
        case .disabled: "disabled"
        case .enabling: "enabling"
        case .enabled: "enabled"
        case .disabling: "disabling"
        case .shuttingDown: "shuttingDown"
        case .ending: "ending"
        }
    }
}
