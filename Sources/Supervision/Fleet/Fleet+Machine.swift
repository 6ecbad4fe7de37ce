// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// Enabling and disabling the hypervisor.

extension Fleet {
    // MARK: - Enable

    mutating func enable(_ system: FleetSystem?, _ id: RequestID, _ effects: inout Effects) {
        guard hasDriver else { return answer(id, .failed(.noDriver), &effects) }
        guard !isMachineBusy else { return }
        guard !isEnabled else { return answer(id, .failed(.alreadyEnabled), &effects) }
        if case .shuttingDown = machine { return answer(id, .failed(.shuttingDown(cell: nil)), &effects) }
        guard let system else { return answer(id, .failed(.noSystem), &effects) }
        set(id, .machine(.enable))
        machine = .enabling(Enabling(request: id, system: system))
    }

    /// Does with the hypervisor what has become possible by a look.
    mutating func serveMachine(_ effects: inout Effects) {
        if case .disabled(let wish?) = machine {
            guard let system else {
                machine = .disabled(nil)
                return
            }
            if let retry = wish.retry, effects.now < retry { return }
            machine = .enabling(Enabling(request: nil, system: system, pause: wish.pause))
            mustLook = true
        } else if case .enabling(let enabling) = machine, enabling.phase == .due {
            give(enabling, &effects)
        } else if case .shuttingDown = machine {
            serveEnd(&effects)
        }
        beginDeferred(&effects)
    }

    private mutating func give(_ enabling: Enabling, _ effects: inout Effects) {
        switch look.hypervisor {
        case .noDriver:
            machine = .noDriver(wanted: enabling.request == nil)
            if let id = enabling.request { answer(id, .failed(.noDriver), &effects) }
        case .enabled:
            machine = .enabled
            if let id = enabling.request { answer(id, .failed(.alreadyEnabled), &effects) }
        case .disabled:
            // with a CPU above the highest one online the machine hangs, with one that is offline it is refused
            guard let online = look.onlineCPUs else {
                // not read yet, or not readable now: it is not enabled unseen
                mustLook = true
                return
            }
            guard online == enabling.system.cpus else {
                return failEnable(enabling, .otherCPUs(system: enabling.system, online: online), nil, &effects)
            }
            var queued = enabling
            queued.phase = .queued
            machine = .enabling(queued)
            queue.append(.enable(enabling.system))
        }
    }

    mutating func concludeEnable(_ system: FleetSystem, _ refusal: MachineRefusal?, _ effects: inout Effects) {
        let enabling: Enabling
        var isGoingDown = false
        switch machine {
        case .enabling(let current): enabling = current
        case .shuttingDown(var end):
            guard case .enabling(let current) = end.interrupted else { return }
            enabling = current
            isGoingDown = true
            end.interrupted = nil
            machine = .shuttingDown(end)
        default: return
        }
        // the visible state decides, not the result of the call
        let isDone = refusal.map { isEnabled && $0.errno != 0 } ?? true
        if let refusal, !isDone {
            failEnable(enabling, .machine(.enable, refusal), refusal, &effects)
        } else {
            if !isGoingDown { machine = isEnabled ? .enabled : .disabled(nil) }
            remembered.isDisabledByRequest = false
            effects.actions.append(.machine(.enabled(system, despite: refusal)))
            if let id = enabling.request { answer(id, .done(), &effects) }
        }
        seeCells(&effects)
        guard !isGoingDown, isDone else { return }
        for name in startingByThemselves { feed(name, .requested(.start, 0), &effects) }
        mustLook = true
    }

    private mutating func failEnable(
        _ enabling: Enabling, _ failure: FleetFailure, _ refusal: MachineRefusal?, _ effects: inout Effects
    ) {
        var wish: EnableWish?
        if let id = enabling.request {
            answer(id, .failed(failure), &effects)
        } else {
            if let refusal, refusal.isPassing {
                let pause = enabling.pause.map { min($0 * 2, EnableWish.longestPause) } ?? EnableWish.firstPause
                wish = EnableWish(retry: effects.now + pause, pause: pause)
            }
        }
        effects.actions.append(
            .machine(.notEnabled(failure, isAnswered: enabling.request != nil, retry: wish?.pause)))
        if case .shuttingDown = machine { return }
        switch look.hypervisor {
        case .noDriver: machine = .noDriver(wanted: wish != nil)
        case .disabled: machine = .disabled(wish)
        case .enabled: machine = .enabled
        }
    }

    /// Has every cell decide on what the last look showed.
    private mutating func seeCells(_ effects: inout Effects) {
        for name in names {
            guard let sighting = look.sighting(of: name) else { continue }
            feed(name, .seen(sighting), &effects)
        }
    }

    // MARK: - Disable

    mutating func disable(others: Bool, _ id: RequestID, _ effects: inout Effects) {
        guard hasDriver else { return answer(id, .failed(.noDriver), &effects) }
        switch machine {
        case .enabling: return
        case .disabling: return answer(id, .failed(.machineBusy(isEnabling: false)), &effects)
        case .shuttingDown: return answer(id, .failed(.beingShutDown), &effects)
        default: break
        }
        guard isEnabled else { return answer(id, .failed(.notEnabled), &effects) }
        // before anything is changed; once more when its turn has come
        if let failure = objection(toDisabling: others) { return answer(id, .failed(failure), &effects) }
        set(id, .machine(.disable))
        machine = .disabling(Disabling(request: id, others: others))
        releaseAll(&effects)
        queue.append(.disable)
    }

    func objection(toDisabling others: Bool) -> FleetFailure? {
        if !lostCPUs.isEmpty { return .lostCPUs(lostCPUs) }
        if let danger = dangersOfDisabling.first(where: { $0.kind != .unverified }) {
            return danger.failure(of: .disable)
        }
        let foreign = othersThatExist
        return others || foreign.isEmpty ? nil : .othersDestroyed(foreign)
    }

    /// After this moment a disable is no longer begun; nil if none is wanted.
    var disableDeadline: Moment? {
        switch machine {
        case .disabling(let disabling): open(disabling.request)?.deadline ?? Moment(nanoseconds: .max)
        case .shuttingDown(let end) where end.phase == .disabling: end.deadline
        default: nil
        }
    }

    mutating func concludeDisable(_ refusal: MachineRefusal?, _ effects: inout Effects) {
        if let refusal, isEnabled || !look.isComplete {
            keepEnabled(.machine(.disable, refusal), &effects)
        } else {
            remembered.isDisabledByRequest = true
            effects.actions.append(.machine(.disabled(despite: refusal)))
            concludeDisable(with: nil, &effects)
        }
        seeCells(&effects)
    }

    /// The cells have changed since: the disable is judged again, unless the client has been answered that it took too
    /// long.
    mutating func retryDisable(_ effects: inout Effects) {
        // a cell that has appeared counts from now on
        seeCells(&effects)
        switch machine {
        case .disabling(let disabling) where open(disabling.request) == nil: keepEnabled(.notBegun, &effects)
        // the end of the machine, for which this is waited for, disables by itself
        case .shuttingDown(let end) where end.interrupted != nil: keepEnabled(.beingShutDown, &effects)
        default:
            noteDestroyed()
            queue.insert(.disable, at: 0)
            mustLook = true
        }
    }

    /// The hypervisor is not disabled: everything is wanted as before.
    mutating func keepEnabled(_ failure: FleetFailure, _ effects: inout Effects) {
        // at the end of the machine nothing is wanted any more
        if case .shuttingDown = machine {} else { for name in names { feed(name, .retained, &effects) } }
        mustLook = true
        concludeDisable(with: failure, &effects)
    }

    private mutating func concludeDisable(with failure: FleetFailure?, _ effects: inout Effects) {
        switch machine {
        case .disabling(let disabling):
            machine = isEnabled ? .enabled : hasDriver ? .disabled(nil) : .noDriver(wanted: false)
            answer(disabling.request, failure.map { .failed($0) } ?? .done(), &effects)
        case .shuttingDown(var end):
            if case .disabling(let disabling) = end.interrupted {
                end.interrupted = nil
                machine = .shuttingDown(end)
                answer(disabling.request, failure.map { .failed($0) } ?? .done(), &effects)
            } else if end.phase == .disabling {
                concludeEnd(end, notDisabled: failure, &effects)
            }
        default: break
        }
    }

    /// From now on no cell is started or restarted. Remembers the cells that do not answer.
    mutating func releaseAll(_ effects: inout Effects) {
        for name in names {
            if cells[name]?.lifecycle.isTakenForSilent == true { remembered.silentCells.insert(name) }
            feed(name, .released, &effects)
        }
    }

    /// The deadline of a client's enable or disable has passed.
    mutating func expireMachine(_ command: MachineCommand, _ id: RequestID, _ effects: inout Effects) {
        let isGiven = inDriver == .disable || { if case .enable = inDriver { true } else { false } }()
        switch machine {
        case .enabling(var enabling) where enabling.request == id && isGiven:
            enabling.request = nil
            machine = .enabling(enabling)
            answer(id, .failed(.timedOut(cell: nil)), &effects)
        case .enabling(let enabling) where enabling.request == id:
            queue.removeAll { $0 == .enable(enabling.system) }
            failEnable(enabling, .notBegun, nil, &effects)
        case .disabling where !isGiven:
            queue.removeAll { $0 == .disable }
            keepEnabled(.notBegun, &effects)
        default: answer(id, .failed(.timedOut(cell: nil)), &effects)
        }
    }
}
