// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// What a look at the hypervisor means for the fleet.

extension Fleet {
    mutating func see(_ look: Look, _ effects: inout Effects) {
        effects.isLook = true
        mustLook = false
        take(look, during: inDriver, &effects)
        for name in names where !isPostponed(name) { show(name, &effects) }
    }

    /// Whether the cell shows a failure that the command in the driver may be the cause of: the hypervisor declares a cell
    /// failed that does not answer another's coming or going, and it shows before the command ends. Only its end tells.
    private func isPostponed(_ name: String) -> Bool {
        guard case .command(let command, let subject, _) = inDriver, command.notifiesOthers, subject != name,
            cells[name]?.lifecycle.sighting?.observation?.state.isRunning == true,
            let now = look.sighting(of: name)?.observation
        else { return false }
        return now.state == .failed && now.failedCPUs.isEmpty
    }

    /// Has a cell decide on what the last look showed of it.
    mutating func show(_ name: String, _ effects: inout Effects) {
        guard let sighting = look.sighting(of: name) else { return }
        if let end = cells[name]?.unseenEnd {
            cells[name]?.unseenEnd = nil
            feed(name, .finished(end.command, end.outcome, sighting), &effects)
        } else {
            feed(name, .seen(sighting), &effects)
        }
    }

    /// Takes in what a look showed; no cell decides yet.
    ///
    /// - Parameter work: what the driver was doing.
    mutating func take(_ look: Look, during work: DriverWork?, _ effects: inout Effects) {
        let wasEnabled = isEnabled
        let isFirst = if case .unseen = machine { true } else { false }
        self.look = look
        let isOwn =
            switch work {
            case .enable: isEnabled
            case .disable: !isEnabled
            default: false
            }
        // the end of the fleet's own command says it
        if isEnabled != wasEnabled, !isFirst || isEnabled, !isOwn {
            effects.actions.append(.machine(.seen(isEnabled: isEnabled)))
        }
        noteHypervisor()
        let known = nameless
        if !known.isEmpty { nameless = [] }
        for guest in look.guests {
            guard let name = guest.name?.text else {
                let before = known.first { $0.observation.id == guest.observation.id && $0.name == guest.name }
                nameless.append(
                    NamelessCell(
                        name: guest.name, observation: guest.observation, since: before?.since ?? effects.now))
                continue
            }
            guard cells[name] == nil else { continue }
            let memory = remembered.cells[name]?.withoutDefinition
            add(name, FleetCell(lifecycle: CellLifecycle(nil, memory: memory, at: effects.now)))
        }
    }

    /// What is being done with the hypervisor goes on, whatever it shows meanwhile.
    private mutating func noteHypervisor() {
        switch (machine, look.hypervisor) {
        case (.enabling, _), (.disabling, _), (.shuttingDown, _), (.ending, _): break
        case (_, .enabled): machine = .enabled
        case (.unseen(let wanted), .noDriver): machine = .noDriver(wanted: wanted)
        case (.unseen(true), .disabled), (.noDriver(true), .disabled): machine = .disabled(EnableWish())
        case (.noDriver, .noDriver), (.disabled, .disabled): break
        case (.disabled(let wish), .noDriver): machine = .noDriver(wanted: wish != nil)
        case (_, .noDriver): machine = .noDriver(wanted: false)
        case (_, .disabled): machine = .disabled(nil)
        }
    }

    mutating func add(_ name: String, _ cell: FleetCell) {
        if cells.updateValue(cell, forKey: name) == nil {
            names.append(name)
            names.sort()
        }
    }

    /// The work that the driver had ended. After every command, look.
    mutating func conclude(_ end: DriverEnd, _ look: Look, _ effects: inout Effects) {
        guard let work = inDriver else { return see(look, &effects) }
        inDriver = nil
        effects.isLook = true
        take(look, during: work, &effects)
        switch (work, end) {
        case (.command(let command, let name, _), .command(let outcome)):
            if command == .start, case .done = outcome { noteStart(of: name) }
            let isAnothers = noteSilence(during: command, of: name, outcome, &effects)
            finish(command, of: name, isAnothers ? .done() : outcome, &effects)
            // the next command must not be decided on an outdated state of other cells
            for other in names where other != name { show(other, &effects) }
        case (.enable(let system), .machine(let refusal)): concludeEnable(system, refusal, &effects)
        case (.disable, .machine(let refusal)): concludeDisable(refusal, &effects)
        case (.disable, .overtaken): retryDisable(&effects)
        default: break
        }
    }

    /// A create or destroy notifies every other cell and waits for its reply; the hypervisor declares a cell that did not
    /// reply failed.
    ///
    /// - Returns: whether that explains the reply that did not come.
    private mutating func noteSilence(
        during command: Command, of name: String, _ outcome: Outcome, _ effects: inout Effects
    ) -> Bool {
        guard command.notifiesOthers, case .done(let unanswered?) = outcome else { return false }
        var isFound = false
        for other in names where other != name {
            guard let lifecycle = cells[other]?.lifecycle, lifecycle.sighting?.observation?.state.isRunning == true,
                let now = look.sighting(of: other)?.observation, now.state == .failed, now.failedCPUs.isEmpty
            else { continue }
            isFound = true
            feed(other, .unanswered(Unanswered(command: command, cell: name, stall: unanswered)), &effects)
        }
        return isFound
    }

    /// Gives a cell the end of its command with what the last look showed; when that showed nothing, after the first
    /// look that does.
    mutating func finish(_ command: Command, of name: String, _ outcome: Outcome, _ effects: inout Effects) {
        if let sighting = look.sighting(of: name) {
            feed(name, .finished(command, outcome, sighting), &effects)
        } else {
            cells[name]?.unseenEnd = FleetCell.UnseenEnd(command: command, outcome: outcome)
        }
    }

    /// Gives a cell an event and takes in what it decides.
    mutating func feed(_ name: String, _ event: Event, _ effects: inout Effects) {
        guard let actions = cells[name]?.lifecycle.handle(event, at: effects.now) else { return }
        for action in actions {
            switch action {
            case .keepEvidence(let cause): effects.actions.append(.keepEvidence(cause, of: name))
            case .report(let report): effects.actions.append(.report(report, of: name))
            case .answer(let id, let failure): effects.answers.append((id, failure))
            case .run(let command): launch(command, for: name, &effects)
            }
        }
    }

    /// A definition was read or removed.
    mutating func define(_ name: String, _ definition: FleetDefinition?, _ effects: inout Effects) {
        guard let definition else {
            remembered.cells[name] = nil
            guard cells[name]?.definition != nil else { return }
            cells[name]?.definition = nil
            cells[name]?.waitsFor = nil
            return feed(name, .defined(nil), &effects)
        }
        mustLook = true
        // its definition could not be used when this daemon began: what an earlier one knew of it counts
        let dormant = cells[name]?.definition == nil ? remembered.cells[name] : nil
        if cells[name] == nil || dormant != nil && cells[name]?.lifecycle.inFlight == nil {
            let memory = dormant ?? LifecycleMemory()
            let lifecycle = CellLifecycle(definition.supervised, memory: memory, at: effects.now)
            return add(name, FleetCell(definition: definition, lifecycle: lifecycle))
        }
        cells[name]?.definition = definition
        feed(name, .defined(definition.supervised), &effects)
    }
}
