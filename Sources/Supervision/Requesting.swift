// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
// What people ask for.

extension CellLifecycle {
    mutating func accept(_ request: Request, _ id: RequestID, at now: Moment, _ actions: inout [Action]) {
        guard supervised != nil else { return actions.append(.answer(id, .foreign)) }
        let disabled = sighting == nil || sighting == .disabled
        if disabled && request != .stop && request != .destroy {
            return actions.append(.answer(id, .disabled))
        }
        // what is to run will exist: a create goes with it
        if request != .create || memory.goal != .run {
            settle(with: .superseded(by: request), &actions) { $0.aim != request.aim }
        }
        memory.aim.denial = nil
        memory.aim.backingOffUntil = nil

        switch request {
        case .create:
            if memory.goal != .run { memory.aim = .exist(isGivenUp: memory.isGivenUp) }
        case .start, .restart:
            if !progress.isUp || request == .restart { memory.restarts = 0 }
            memory.budget.reset()
            if memory.goal != .run { memory.aim = .run() }
            if request == .restart {
                memory.aim.restartsAnew = mayBeUp
            } else if !memory.aim.restartsAnew {
                stopAskingGuest()
            }
        case .stop: memory.aim = .stop(Aim.Ending(resumes: memory.aim.resumes))
        case .destroy: memory.aim = .absent(Aim.Ending(resumes: memory.aim.resumes))
        }
        waiting.append(Waiting(id: id, request: request))
    }

    /// The end of the machine stops what can be stopped without stalling Linux, also without a definition.
    mutating func acceptEnd(_ id: RequestID, at now: Moment, _ actions: inout [Action]) {
        guard supervised == nil else { return accept(.stop, id, at: now, &actions) }
        switch knownHandshake {
        case .passive, .bounded:
            memory.aim = .stop(Aim.Ending(resumes: false))
            waiting.append(Waiting(id: id, request: .stop))
        case .unbounded, nil:
            actions.append(.answer(id, .foreign))
        }
    }

    private var mayBeUp: Bool {
        if case .started = progress { return true }
        guard let state = sighting?.observation?.state else { return false }
        // while it shows a passing state, it may turn out to run
        return progress.isUp || state.isRunning || state == .invalid
    }

    mutating func define(_ definition: Supervised?, at now: Moment, _ actions: inout [Action]) {
        if definition?.policy.liveness != supervised?.policy.liveness { watchAnew() }
        supervised = definition
        if definition == nil {
            settle(with: .foreign, &actions)
            memory = memory.withoutDefinition
            switch progress {
            case .loaded, .started: progress = .unseen
            case .unseen, .nothing, .up, .down: break
            }
        } else if memory.goal == nil, !isDeclaredFailed, sighting?.observation?.state.isRunning == true {
            memory.aim = .run()
        }
    }

    mutating func release(_ actions: inout [Action]) {
        settle(with: .disabled, &actions)
        switch memory.aim {
        case .leave: break
        case .run: memory.aim = .leave(.isReleased)
        case .exist(let isGivenUp): memory.aim = .leave(isGivenUp ? .isGivenUp : .content)
        case .unsaid, .stop, .absent: memory.aim = .leave()
        }
        forgetFailure()
    }

    mutating func answerFulfilled(_ actions: inout [Action]) {
        guard !waiting.isEmpty, inFlight == nil else { return }
        waiting.removeAll { entry in
            let fulfilled =
                switch entry.request {
                case .create: sighting?.observation != nil
                case .start, .restart: progress.isUp && !memory.aim.restartsAnew && memory.aim.recreation == .none
                case .stop: memory.goal == .leave && sighting?.observation?.state.isRunning != true
                case .destroy: memory.goal == .leave && sighting?.observation == nil
                }
            if fulfilled { actions.append(.answer(entry.id, nil)) }
            return fulfilled
        }
    }

    /// Answers the requests that match: with a failure, or nil for done.
    mutating func settle(
        with failure: RequestFailure?, _ actions: inout [Action], where matches: (Request) -> Bool = { _ in true }
    ) {
        waiting.removeAll { entry in
            guard matches(entry.request) else { return false }
            actions.append(.answer(entry.id, failure))
            return true
        }
    }
}

extension Request {
    /// Requests of one aim are fulfilled together; another aim takes the place of an earlier one.
    fileprivate var aim: Goal {
        switch self {
        case .create: .exist
        case .start, .restart: .run
        case .stop: .stop
        case .destroy: .absent
        }
    }
}
