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
        denial = nil
        backingOffUntil = nil

        switch request {
        case .create:
            if memory.goal != .run { memory.goal = .exist }
        case .start, .restart:
            if progress != .up || request == .restart { memory.restarts = 0 }
            memory.budget.reset()
            memory.gaveUp = false
            memory.goal = .run
            if request == .restart { restartsAnew = mayBeUp }
        case .stop, .destroy:
            if memory.goal != .stop && memory.goal != .absent { goalBefore = memory.goal }
            memory.goal = request == .stop ? .stop : .absent
            memory.gaveUp = false
            restartsAnew = false
            recreation = .none
        }
        waiting.append(Waiting(id: id, request: request))
    }

    /// The end of the machine stops what can be stopped without stalling Linux, also without a definition.
    mutating func acceptEnd(_ id: RequestID, at now: Moment, _ actions: inout [Action]) {
        guard supervised == nil else { return accept(.stop, id, at: now, &actions) }
        switch knownHandshake {
        case .passive, .bounded:
            memory.goal = .stop
            waiting.append(Waiting(id: id, request: .stop))
        case .unbounded, nil:
            actions.append(.answer(id, .foreign))
        }
    }

    private var mayBeUp: Bool {
        if case .started = progress { return true }
        guard let state = sighting?.observation?.state else { return false }
        // while it shows a passing state, it may turn out to run
        return progress == .up || state.isRunning || state == .invalid
    }

    mutating func define(_ definition: Supervised?, at now: Moment, _ actions: inout [Action]) {
        supervised = definition
        if definition == nil {
            settle(with: .foreign, &actions)
            memory = memory.withoutDefinition
            backingOffUntil = nil
            denial = nil
            restartsAnew = false
            recreation = .none
            switch progress {
            case .loaded, .started: progress = .unseen
            case .unseen, .nothing, .up, .down: break
            }
        } else if memory.goal == nil, !isDeclaredFailed, sighting?.observation?.state.isRunning == true {
            memory.goal = .run
        }
    }

    mutating func release(_ actions: inout [Action]) {
        settle(with: .disabled, &actions)
        if memory.goal != .leave { goalBefore = memory.goal }
        memory.goal = .leave
        forgetFailure()
        backingOffUntil = nil
        denial = nil
        restartsAnew = false
        recreation = .none
    }

    mutating func answerFulfilled(_ actions: inout [Action]) {
        guard !waiting.isEmpty, inFlight == nil else { return }
        waiting.removeAll { entry in
            let fulfilled =
                switch entry.request {
                case .create: sighting?.observation != nil
                case .start, .restart: progress == .up && !restartsAnew && recreation == .none
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
