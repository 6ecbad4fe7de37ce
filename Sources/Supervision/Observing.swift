// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
// What a look at the hypervisor means for a cell.

extension CellLifecycle {
    mutating func observe(_ next: Sighting, at now: Moment, _ actions: inout [Action]) {
        let before = sighting
        sighting = next
        // during a command the state is transient; another look follows its end
        guard inFlight == nil else {
            // a CPU that dies meanwhile is noted then, as what has not been seen before
            if case .present(var observation) = next, let known = before?.observation, known.id == observation.id {
                observation.failedCPUs = known.failedCPUs
                sighting = .present(observation)
            }
            return
        }

        switch next {
        case .disabled:
            forgetCell()
            memory.aim.backingOffUntil = nil
            if memory.aim == .leave(.isReleased) { memory.aim = .leave() }
            settle(with: .disabled, &actions) { $0 == .start || $0 == .restart || $0 == .create }
        case .absent:
            let existed = progress != .nothing && progress != .unseen
            forgetCell()
            if existed && memory.goal == .run { fail(.vanished, at: now, &actions) }
        case .present(let observation):
            if isReplaced(by: observation, before: before?.observation) {
                forgetCell()
                progress = .unseen
                actions.append(.report(.replaced(id: observation.id)))
            }
            noteCreation(of: observation, with: nil)
            noteCounters(observation, at: now)
            noteFailedCPUs(observation, before: before?.observation, &actions)
            track(observation, before: before?.observation, at: now, &actions)
            unanswered = nil
        }
        memory.trustsFirstSight = nil
    }

    /// Whether there is another cell now: also one of the same number, which an earlier daemon or look did not see.
    private func isReplaced(by observation: Observation, before: Observation?) -> Bool {
        if let before { return !before.isSameCell(as: observation) }
        guard let creation = memory.creation, creation.id == observation.id else { return false }
        return !creation.isOf(observation)
    }

    private mutating func noteCounters(_ observation: Observation, at now: Moment) {
        let isBlind =
            curiosity.contains(.managementExits) && observation.managementExits == nil && observation.state != .invalid
        blindSince = isBlind ? blindSince ?? now : nil
    }

    /// Whether required exit counters have been unreadable for longer than ``blindness``.
    func isBlind(at now: Moment) -> Bool {
        blindSince.map { now - $0 >= Self.blindness } ?? false
    }

    /// Whether the cell's answers are, with a definition or without.
    var isWaitedForWithoutEnd: Bool {
        if case .unbounded = handshake ?? memory.creation?.handshake { true } else { false }
    }

    /// Whether the hypervisor would ask it, and wait for its answer without an end, although its state is none in which a
    /// program answers: of another ABI, or no state at all.
    var isAskedInVain: Bool {
        guard isWaitedForWithoutEnd, let state = sighting?.observation?.state else { return false }
        return state.isAskedToShutDown && !state.isRunning
    }

    /// - Parameter handshake: of the cell, if it has been created just now.
    mutating func noteCreation(of observation: Observation, with handshake: Handshake?) {
        if memory.creation?.isOf(observation) == true {
            // an older daemon did not know it
            if memory.creation?.incarnation == nil { memory.creation?.incarnation = observation.incarnation }
        } else if let known = handshake ?? supervised?.handshake {
            let isOwn = handshake != nil || memory.trustsFirstSight == true
            memory.creation = Creation(
                id: observation.id, incarnation: observation.incarnation, handshake: known, isOwn: isOwn)
        }
    }

    private mutating func track(
        _ observation: Observation, before: Observation?, at now: Moment, _ actions: inout [Action]
    ) {
        if observation.state == .invalid {
            let first = invalidSince ?? now
            invalidSince = first
            if isPassing(at: now) {
                // another tool destroys it: the loaded images may be gone at the next look
                if case .loaded(let settling) = progress, settling.lostStarts == 0 { progress = .down(.stopped) }
                return
            }
        } else {
            invalidSince = nil
        }
        if observation.state == .shutDown { forgetInmate() }
        if !observation.state.isAskedToShutDown { isSilent = false }
        switch progress {
        case .unseen, .nothing: adopt(observation, at: now, &actions)
        case .loaded(var settling):
            if settling.isTaken(by: observation) {
                // others have started what was loaded, or what they have loaded since
                if settling.lostStarts > 0 { memory.unverified = nil }
                adopt(observation, at: now, &actions)
            } else if settling.lostStarts > 0, observation.state == .shutDown {
                // others have stopped it: what was loaded may have been used up
                progress = .down(.stopped)
            } else if let cause = failureCause(of: observation) {
                // a repeated start was not lost after all, or others started what was loaded: either way it is used up
                progress = settling.lostStarts > 0 ? .up(Uptime(since: now)) : .down(.stopped)
                if progress.isUp { fail(cause, at: now, &actions) }
            } else {
                settling.look(observation, at: now)
                progress = .loaded(settling)
            }
        case .started(let verification): verify(verification, observation, at: now, &actions)
        case .up(let uptime): watch(observation, uptime, at: now, &actions)
        case .down(let end):
            if observation.state.isRunning {
                // the daemon declared it failed; its state remains running
                if isDeclaredFailed, before?.state.isRunning == true { return }
                adopt(observation, at: now, &actions)
            } else if let cause = failureCause(of: observation) {
                if end != .failed {
                    progress = .up(Uptime(since: now))
                    fail(cause, at: now, &actions)
                } else if isDeclaredFailed, !isSilent {
                    // the hypervisor says so by now, too
                    memory.failure = cause
                }
            }
        }
    }

    /// Takes a cell as it is found.
    private mutating func adopt(_ observation: Observation, at now: Moment, _ actions: inout [Action]) {
        let appeared = progress == .nothing
        if supervised != nil { actions.append(.report(.adopted(observation.state))) }
        if observation.state.isRunning, let unverified = memory.unverified {
            // without a definition nothing follows from it; it is verified when there is one again
            guard supervised != nil else { return }
            // the daemon before us issued this start and did not live to see its effect
            if unverified.cell != observation.id {
                if declareUnloaded(at: now, &actions) { return }
            } else {
                progress = .started(unverified.begun(at: now))
                return
            }
        }
        if observation.state.isRunning, memory.failedID == observation.id, memory.failure?.isDeclared == true {
            progress = .down(.failed)
            if isWaitedForWithoutEnd { isSilent = true }
            restartNow(at: now)
            return
        }
        if observation.state.isRunning {
            if memory.goal == nil && supervised != nil { memory.aim = .run() }
            let quietID = memory.quietID == observation.id ? memory.quietID : nil
            come(upAt: now)
            if quietID != nil {
                // the daemon before us noticed it
                memory.quietID = quietID
                if isWaitedForWithoutEnd { isSilent = true }
            }
        } else if let cause = failureCause(of: observation) {
            if memory.failedID == observation.id {
                // counted by the daemon before us
                if isAskedInVain { isSilent = true }
                progress = .down(.failed)
                if !isSilent { memory.failure = cause }
                restartNow(at: now)
            } else {
                progress = .up(Uptime(since: now))
                fail(cause, at: now, &actions)
            }
        } else {
            progress = .down(appeared ? .created : .stopped)
        }
    }

    /// What an earlier daemon counted has waited long enough.
    private mutating func restartNow(at now: Moment) {
        if memory.aim.backingOffUntil == nil { memory.aim.backingOffUntil = now }
    }

    /// A start reached another cell of the same name: it is unknown whether anything runs there. If the wait for its
    /// answer has no limit, it is considered silent.
    mutating func declareUnloaded(at now: Moment, _ actions: inout [Action]) -> Bool {
        guard isWaitedForWithoutEnd else { return false }
        isSilent = true
        fail(.startedUnloaded, at: now, &actions)
        return true
    }

    private mutating func verify(
        _ verification: Verification, _ observation: Observation, at now: Moment, _ actions: inout [Action]
    ) {
        if let cause = failureCause(of: observation) {
            memory.unverified = nil
            return fail(cause, at: now, &actions)
        }
        switch verification.verdict(on: observation, at: now) {
        case .pending where isBlind(at: now):
            // the caller is answered now; the start is verified once the counters can be read
            if isWaitedForWithoutEnd { isSilent = true }
            settle(with: .failed(.startUnverified), &actions) { $0 == .start || $0 == .restart }
        case .pending: break
        case .started:
            isSilent = false
            come(upAt: now)
            watch(observation, Uptime(since: now), at: now, &actions)
        case .lost:
            // remembered until it is repeated: a successor finds a cell that says it runs
            let attempt = min(verification.lostStarts, Verification.repetitions) + 1
            if isWaitedForWithoutEnd { isSilent = true }
            guard attempt <= Verification.repetitions, !isSilent, memory.goal == .run else {
                return fail(.lostStart, at: now, &actions)
            }
            actions.append(.report(.lostStart(attempt: attempt)))
            var again = Settling(before: [], since: now)
            again.lostStarts = attempt
            again.parkedExits = observation.managementExits
            progress = .loaded(again)
        }
    }

    private mutating func watch(
        _ observation: Observation, _ uptime: Uptime, at now: Moment, _ actions: inout [Action]
    ) {
        if let cause = failureCause(of: observation) { return fail(cause, at: now, &actions) }
        guard let policy = supervised?.policy else {
            if observation.state == .shutDown { progress = .down(.stopped) }
            return
        }
        if observation.state == .shutDown {
            // a refused load stopped it: it did not end by itself
            let hasEnded = memory.goal == .run && !memory.aim.restartsAnew && memory.aim.recreation == .none
            if hasEnded && policy.restart == .always {
                fail(.ended, at: now, &actions)
            } else {
                progress = .down(.stopped)
                if hasEnded {
                    memory.aim = .leave()
                    // it started, and has already finished
                    settle(with: nil, &actions) { $0 == .start || $0 == .restart }
                }
            }
            return
        }
        if !observation.failedCPUs.isEmpty {
            // the CPU that would answer may be among them
            if isWaitedForWithoutEnd { isSilent = true }
            if isRestartedWhenDegraded { return fail(.cpusFailed(observation.failedCPUs), at: now, &actions) }
        }
        if !memory.budget.isUntouched, now - uptime.since >= policy.limit.within {
            memory.budget.reset()
        }
        if judgeGuest(at: now, &actions) { return }
        watchLife(observation, uptime, at: now, &actions)
    }

    /// Whether the cell shows the `invalid` of a create or destroy by other hands.
    func isPassing(at now: Moment) -> Bool {
        guard sighting?.observation?.state == .invalid, let invalidSince else { return false }
        return now - invalidSince < Self.passing
    }

    /// Whether the daemon considers it failed although the hypervisor reports `running`.
    package var isDeclaredFailed: Bool {
        progress == .down(.failed) && memory.failedID != nil && memory.failure?.isDeclared == true
    }

    private func failureCause(of observation: Observation) -> FailureCause? {
        if observation.isAbandoned {
            return .hypervisorFailed(observation.stoppedCPUs)
        }
        return switch observation.state {
        case .failed:
            if let unanswered, observation.failedCPUs.isEmpty {
                .didNotAnswer(unanswered)
            } else {
                .failed(cpus: observation.failedCPUs)
            }
        case .communicationABIMismatch: .communicationABIMismatch
        case .invalid: .invalidState
        case .running, .runningLocked, .shutDown: nil
        }
    }

    private func noteFailedCPUs(_ observation: Observation, before: Observation?, _ actions: inout [Action]) {
        // state and CPUs are two reads: a CPU that dies at its start may be seen while the state is still that before it
        guard observation.state.isRunning, !observation.failedCPUs.isEmpty,
            observation.failedCPUs != before?.failedCPUs || before?.state == .shutDown
        else { return }
        // an earlier daemon has noted it
        if before == nil, memory.shown?.condition == .degraded || isCounted(observation) { return }
        // what follows as a failure is noted then
        if progress.isBegun, isRestartedWhenDegraded { return }
        actions.append(.keepEvidence(.cpusFailed(observation.failedCPUs)))
        actions.append(.report(.cpusFailed(observation.failedCPUs)))
    }

    private func isCounted(_ observation: Observation) -> Bool {
        memory.failedID == observation.id && memory.failure?.isDeclared == true
    }

    /// Whether the failure of some of its CPUs counts as its own.
    private var isRestartedWhenDegraded: Bool {
        guard let policy = supervised?.policy else { return false }
        return policy.restartsDegraded && policy.restart != .never && memory.goal == .run
    }

    mutating func come(upAt now: Moment) {
        progress = .up(Uptime(since: now))
        blindSince = nil
        if memory.goal == .run {
            // a restart is asked for as before
            let restartsAnew = memory.aim.restartsAnew
            let denial = restartsAnew ? memory.aim.denial : nil
            memory.aim = .run(.underWay(Aim.Steps(restartsAnew: restartsAnew, denial: denial)))
        }
        memory.aim.forgiveFailures()
        memory.unverified = nil
        memory.failedID = nil
        memory.failure = nil
        memory.quietID = nil
    }

    /// The inmate has ended: whatever is started there next is another one.
    private mutating func forgetInmate() {
        isSilent = false
        memory.quietID = nil
        if memory.failure?.isDeclared == true { memory.failedID = nil }
        if case .started = progress { return }
        memory.unverified = nil
    }

    private mutating func forgetCell() {
        progress = .nothing
        invalidSince = nil
        memory.aim.denial = nil
        memory.aim.restartsAnew = false
        isSilent = false
        memory.unverified = nil
        memory.failedID = nil
        memory.quietID = nil
        memory.creation = nil
    }
}
