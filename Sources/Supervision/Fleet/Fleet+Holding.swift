// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// Dependencies: a command that would bring a cell up is held until the cells that it waits for run. Conflicts: a command
// that no client has requested is held while it might stall Linux.

extension Fleet {
    package var order: DependencyOrder {
        DependencyOrder(cells.compactMapValues { $0.definition?.dependencies })
    }

    /// Cells that are started automatically, and those that they require, in the order of their start.
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
        case .running, .degraded, .silent: true
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
                let itself = wait(of: other, visited: visited.union([name])) ?? danger(heldBack: other)
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

    /// Holds a command that would notify a cell that may never answer. A client that requested it is answered at once
    /// instead.
    ///
    /// - Returns: false if a client has requested it.
    mutating func holdsBack(
        _ command: Command, for name: String, _ danger: Danger, _ effects: inout Effects
    ) -> Bool {
        guard let lifecycle = cells[name]?.lifecycle, lifecycle.memory.goal == .run, lifecycle.waiting.isEmpty
        else { return false }
        cells[name]?.held = command
        note(.danger(danger), of: name, &effects)
        return true
    }

    /// What a command that is held back is still held for.
    private func danger(heldBack name: String) -> WaitReason? {
        guard let command = cells[name]?.held, command.notifiesOthers else { return nil }
        return dangers(besides: name).lasting.map(WaitReason.danger)
    }

    /// Releases what need not wait any more; answers clients whose request can no longer succeed.
    mutating func serveHeld(_ effects: inout Effects) {
        for name in names {
            guard let command = cells[name]?.held else { continue }
            let isWanted = cells[name]?.lifecycle.memory.goal == .run && isEnabled
            let dependency = isWanted && command.bringsUp ? wait(of: name) : nil
            let wait = dependency ?? (isWanted ? danger(heldBack: name) : nil)
            if case .danger(let danger) = wait, cells[name]?.lifecycle.waiting.isEmpty == false {
                // a client has requested it since
                cells[name]?.held = nil
                cells[name]?.waitsFor = nil
                finish(command, of: name, .refused(Refusal(danger, command, name)), &effects)
                continue
            }
            guard let wait else {
                // the cell decides again, on the current state
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

    /// Whether the hypervisor notifies every other cell and waits for its reply.
    package var notifiesOthers: Bool { self == .create || self == .destroy }
}
