// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// Cells that need each other: a command that would bring a cell up is held until what it waits for runs.

extension Fleet {
    package var order: DependencyOrder {
        DependencyOrder(cells.compactMapValues { $0.definition?.dependencies })
    }

    /// Cells that are started by themselves, and those that they require, in the order of their start.
    var startingByThemselves: [String] {
        let wanted = names.filter { cells[$0]?.definition?.supervised.policy.autostart == true }
        let order = order
        return order.startOrder(of: wanted.reduce(into: Set(wanted)) { $0.formUnion(order.required(by: $1)) })
    }

    func isWanted(_ name: String) -> Bool {
        guard let lifecycle = cells[name]?.lifecycle, lifecycle.condition != .gaveUp else { return false }
        if lifecycle.memory.goal == .run { return true }
        return lifecycle.sighting?.observation?.state.isRunning == true && !lifecycle.isDeclaredFailed
    }

    private func isUp(_ name: String) -> Bool {
        switch cells[name]?.lifecycle.condition {
        case .running, .degraded: true
        default: false
        }
    }

    /// What a cell waits for before it is brought up.
    ///
    /// - Parameter visited: cells that wait for this one; of definitions with a cycle, which are refused.
    func wait(of name: String, visited: Set<String> = []) -> WaitReason? {
        guard let dependencies = cells[name]?.definition?.dependencies else { return nil }
        for other in dependencies.predecessors where other != name && !isUp(other) && !visited.contains(other) {
            let isRequired = dependencies.requires.contains(other)
            let condition = cells[other]?.lifecycle.condition ?? .absent
            if cells[other]?.definition == nil {
                guard isRequired else { continue }
                return .requires(other: other, .undefined)
            }
            if isWanted(other) {
                let itself = wait(of: other, visited: visited.union([name]))
                guard itself?.isHopeless == true else { return .waits(other: other, condition) }
                if isRequired { return .requires(other: other, .waitsInVain) }
                continue
            }
            guard isRequired else { continue }
            if condition == .gaveUp { return .requires(other: other, .gaveUp) }
            let isDeclared = cells[other]?.lifecycle.isDeclaredFailed == true
            return .requires(other: other, isDeclared ? .declaredFailed : .notToRun)
        }
        return nil
    }

    /// Keeps a command that would bring the cell up for later, if it has to wait.
    mutating func holds(_ command: Command, for name: String, _ effects: inout Effects) -> Bool {
        guard command.bringsUp, cells[name]?.lifecycle.memory.goal == .run, let wait = wait(of: name)
        else { return false }
        cells[name]?.held = command
        note(wait, of: name, &effects)
        return true
    }

    /// Lets go what need not wait any more; tells clients for whom there is no hope.
    mutating func serveHeld(_ effects: inout Effects) {
        for name in names {
            guard let command = cells[name]?.held else { continue }
            let wait = cells[name]?.lifecycle.memory.goal == .run && isEnabled ? wait(of: name) : nil
            guard let wait else {
                // the cell decides anew, on what is there by now
                cells[name]?.held = nil
                cells[name]?.waitsFor = nil
                finish(command, of: name, .overtaken, &effects)
                continue
            }
            note(wait, of: name, &effects)
            guard wait.isHopeless else { continue }
            giveUp(startsOf: name, .waitsInVain(name, wait), &effects)
        }
    }

    private mutating func note(_ wait: WaitReason, of name: String, _ effects: inout Effects) {
        guard cells[name]?.waitsFor != wait else { return }
        cells[name]?.waitsFor = wait
        effects.actions.append(.machine(.waits(name, wait)))
    }
}

extension Command {
    /// Whether it is given on the way to running.
    var bringsUp: Bool {
        switch self {
        case .create, .load, .start: true
        case .shutDown, .destroy: false
        }
    }
}
