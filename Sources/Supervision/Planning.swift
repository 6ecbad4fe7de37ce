// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
// Derives the next command from the goal and the state.

extension CellLifecycle {
    mutating func plan(at now: Moment, _ actions: inout [Action]) {
        // a cell without a definition can still be stopped at the end of the machine
        guard inFlight == nil, let sighting, supervised != nil || memory.goal == .stop else { return }
        if let until = memory.aim.backingOffUntil {
            guard now >= until else { return }
            memory.aim = .run()
            if memory.restarts < .max { memory.restarts += 1 }
        }
        if let denial = memory.aim.denial, now < denial.retry { return }
        if isPassing(at: now) { return }

        switch (memory.goal ?? .leave, sighting) {
        case (.leave, _), (.run, .disabled): break
        case (.run, .absent), (.exist, .absent): run(.create, &actions)
        case (.run, .present(let observation)): planRun(observation, at: now, &actions)
        case (.exist, .present), (.absent, .absent), (.stop, .absent), (_, .disabled): reach()
        case (.stop, .present(let observation)) where observation.state == .shutDown:
            if progress != .down(.created) { progress = .down(.stopped) }
            reach()
        case (.stop, .present(let observation)): ask(.shutDown, observation, at: now, &actions)
        case (.absent, .present(let observation)): ask(.destroy, observation, at: now, &actions)
        }
    }

    private mutating func planRun(_ observation: Observation, at now: Moment, _ actions: inout [Action]) {
        if memory.aim.recreation == .due {
            // while its state was transient, it was unknown whether the inmate still runs
            guard progress.isUp, observation.state.isRunning, !memory.aim.restartsAnew else {
                return ask(.destroy, observation, at: now, &actions)
            }
            memory.aim = .run()
        }
        switch progress {
        case .up where !memory.aim.restartsAnew, .started, .unseen: break
        case .loaded(let settling):
            guard settling.isOver(at: now) || settling.lostStarts > 0 else { return }
            guard let exits = observation.managementExits else {
                return giveUpBlind(settling.lostStarts > 0 ? .lostStart : .countersUnreadable, at: now, &actions)
            }
            guard settling.isUntouched(exits) else {
                progress = .down(.stopped)
                return ask(.load, observation, at: now, &actions)
            }
            // a start that was late, not lost, has begun to use the images up
            guard settling.lostStarts == 0 else { return ask(.load, observation, at: now, &actions) }
            memory.unverified = Verification(
                before: exits, since: now, lostStarts: settling.earlierLosses, cell: observation.id)
            ask(.start, observation, at: now, &actions)
        case .nothing, .down, .up:
            // the inmate to be replaced has ended: any later start has replaced it
            if observation.state == .shutDown { memory.aim.restartsAnew = false }
            guard observation.managementExits != nil else {
                return giveUpBlind(.countersUnreadable, at: now, &actions)
            }
            ask(.load, observation, at: now, &actions)
        }
    }

    /// Counters that stay unreadable are a failure, which is reported to the caller of the start.
    private mutating func giveUpBlind(_ cause: FailureCause, at now: Moment, _ actions: inout [Action]) {
        guard isBlind(at: now) else { return }
        blindSince = nil
        if memory.aim.restartsAnew, progress.isUp {
            // no command was given: the old inmate continues
            memory.aim = .run()
            return settle(with: .failed(.countersUnreadable), &actions)
        }
        fail(cause, at: now, &actions)
    }

    /// Gives a command that sends a running inmate a shutdown request, unless that could hang Linux.
    private mutating func ask(
        _ command: Command, _ observation: Observation, at now: Moment, _ actions: inout [Action]
    ) {
        if supervised != nil, isMadeByOthers, observation.state.isAskedToShutDown {
            return refuseToAsk(.madeByOthers, &actions)
        }
        // the pending verification shows whether the inmate can answer
        guard let handshake = knownHandshake, !mayBeSilent else { return }
        guard handshake.permitsAsking(observation.state, silent: isSilent) else {
            return refuseToAsk(.wouldFreeze, &actions)
        }
        if awaitsGuest(observation, at: now, &actions) { return }
        run(command, &actions)
    }

    private mutating func refuseToAsk(_ failure: RequestFailure, _ actions: inout [Action]) {
        settle(with: failure, &actions)
        guard memory.goal == .run else { return fallBack() }
        if progress.isUp {
            memory.aim = .run()
        } else {
            memory.aim = .leave()
            actions.append(.report(.leftAlone(failure)))
        }
    }

    private mutating func run(_ command: Command, _ actions: inout [Action]) {
        flight = Flight(
            command: command, before: sighting?.observation,
            handshake: command == .create ? supervised?.handshake : nil)
        actions.append(.run(command))
    }

    /// A temporary goal is reached; nothing more is wanted.
    private mutating func reach() {
        memory.aim = .leave(memory.isGivenUp ? .isGivenUp : .content)
        forgetFailure()
    }
}
