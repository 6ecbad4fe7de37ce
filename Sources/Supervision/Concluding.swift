// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
// What the end of a command means for a cell.

extension CellLifecycle {
    mutating func conclude(
        _ command: Command, _ outcome: Outcome, _ next: Sighting, at now: Moment, _ actions: inout [Action]
    ) {
        guard let flight, flight.command == command else { return observe(next, at: now, &actions) }
        let before = flight.before
        let outcome = outcome.judged(by: next, of: command)
        self.flight = nil
        blindSince = nil
        // the cause of the refusal may have used up the loaded images
        if case .loaded = progress, !outcome.isDone { progress = .unseen }
        switch outcome {
        case .done(let unanswered):
            noteAnswer(to: command, unanswered: unanswered, before: before, at: now, &actions)
            advance(past: command, before: before, at: now)
        case .refused(let refusal):
            // in a transient state, it may prove to be running
            if command == .start, next.observation?.state != .invalid { memory.unverified = nil }
            if next != .disabled {
                let refusal = refusal.judged(of: command, before: before, next)
                turnBack(from: command, refusal, next, at: now, &actions)
            }
        case .overtaken:
            if command == .start { memory.unverified = nil }
        }
        let isWanted = memory.goal == .run
        if let observation = next.observation { noteCreation(of: observation, with: flight.handshake) }
        observe(next, at: now, &actions)
        if command == .start, case .done = outcome, progress.isUp,
            let observation = next.observation, before?.isSameCell(as: observation) != true
        {
            // another cell of this name replaced it: the daemon did not load what it started
            if !declareUnloaded(at: now, &actions) { memory.aim.restartsAnew = isWanted }
        }
    }

    private mutating func advance(past command: Command, before: Observation?, at now: Moment) {
        memory.aim.denial = nil
        invalidSince = nil
        switch command {
        case .create:
            progress = .down(.created)
            if memory.aim.recreation == .due {
                memory.aim.recreation = .done
            } else {
                // this one has not been asked yet
                memory.answered = nil
            }
            sighting = nil
        case .load:
            // its start is no longer wanted: another tool may start it before a user asks again
            var losses = 0
            if case .loaded(let old) = progress { losses = old.lostStarts }
            memory.unverified = nil
            progress =
                memory.goal == .run
                ? .loaded(Settling(before: before?.managementExits ?? [], since: now, earlierLosses: losses))
                : .down(.stopped)
            memory.aim.restartsAnew = false
            isSilent = false
            memory.failedID = nil
            memory.quietID = nil
        case .start:
            // the inmate that answers now is the one of its definition
            memory.creation?.isOwn = true
            if let verification = memory.unverified?.begun(at: now) {
                memory.unverified = verification
                progress = .started(verification)
            } else {
                // its definition was removed and added again meanwhile
                progress = .unseen
            }
        case .shutDown:
            progress = .down(.stopped)
        case .destroy:
            progress = .nothing
            if memory.aim.recreation == .due { memory.aim.recreation = .done }
        }
    }

    private mutating func turnBack(
        from command: Command, _ refusal: Refusal, _ next: Sighting, at now: Moment, _ actions: inout [Action]
    ) {
        if refusal.kind == .denied && command != .create {
            return noteDenial(of: command, refusal, isMoot: isMoot(command, next), at: now, &actions)
        }
        if refusal.kind == .definition, memory.aim.restartsAnew, progress.isUp {
            // the refusal changed nothing: the old inmate continues
            memory.aim = .run()
            return settle(with: .refused(command, refusal), &actions)
        }
        if isMoot(command, next) { return }
        // an inmate that runs, as before or because others have started it, is let run
        let runs = next.observation?.state.isRunning ?? false
        if command == .load, memory.goal == .run, memory.aim.recreation == .none, refusal.kind == .other, !runs {
            memory.aim.recreation = .due
            if next.observation?.state.isAskedToShutDown != true { memory.aim.restartsAnew = false }
            // the hypervisor stops a cell before it looks at the images: it has not ended by itself
            if next.observation?.state == .shutDown { progress = .down(.stopped) }
            actions.append(.report(.recreating(refusal)))
            return
        }
        if memory.goal == .run {
            fail(.refused(command, refusal), at: now, &actions)
            // one failure, even if the cell is gone as well
            if next == .absent { progress = .nothing }
        } else {
            // nothing of the cell has failed, but who looks later is to know it
            if next.observation != nil { actions.append(.keepEvidence(.refused(command, refusal))) }
            settle(with: .refused(command, refusal), &actions)
            fallBack()
        }
    }

    /// Whether the refused command is no longer needed: the cell is to run, and it runs, because another tool started it
    /// meanwhile, or because the stop or restart was superseded.
    private func isMoot(_ command: Command, _ next: Sighting) -> Bool {
        memory.goal == .run && next.observation?.state.isRunning == true && command != .start
            && memory.aim.recreation != .due && !memory.aim.restartsAnew && !isDeclaredFailed
    }

    /// Repeats a denied shutdown until `stop-timeout` has elapsed; then leaves the inmate running.
    private mutating func noteDenial(
        of command: Command, _ refusal: Refusal, isMoot: Bool, at now: Moment, _ actions: inout [Action]
    ) {
        memory.answered = LifecycleMemory.Answered(.denied, at: now)
        let denial = memory.aim.denial
        if denial == nil { actions.append(.report(.shutdownAnswered(.denied))) }
        switch memory.aim {
        case .run where isMoot, .unsaid, .leave, .exist: return
        case .run, .stop, .absent: break
        }
        let since = denial?.since ?? now
        let retry = now + Aim.Denial.pause
        guard let policy = supervised?.policy, retry <= since + policy.stopTimeout else {
            if memory.goal == .run { memory.aim = .run() }
            settle(with: .denied, &actions)
            // a cell declared failed is not replaced: this counts as a failure
            if memory.goal == .run, isDeclaredFailed { return fail(.refused(command, refusal), at: now, &actions) }
            fallBack()
            return
        }
        memory.aim.denial = Aim.Denial(since: since, retry: retry)
    }

    /// Abandons a goal that could not be reached, and returns to the previous one.
    mutating func fallBack() {
        switch memory.aim {
        case .run, .leave, .unsaid: break
        case .exist(let isGivenUp): memory.aim = .leave(isGivenUp ? .isGivenUp : .content)
        case .stop(let ending), .absent(let ending): memory.aim = ending.resumes && progress.isUp ? .run() : .leave()
        }
    }

    private mutating func noteAnswer(
        to command: Command, unanswered: Duration?, before: Observation?, at now: Moment, _ actions: inout [Action]
    ) {
        guard command != .create, let before, let handshake = knownHandshake else { return }
        guard progress.isUp || command == .shutDown || unanswered != nil else { return }
        let answer: ShutdownAnswer =
            if handshake == .passive || !before.state.isAskedToShutDown {
                .notAsked
            } else {
                unanswered == nil ? .approved : .timedOut
            }
        memory.answered = LifecycleMemory.Answered(answer, at: now, stall: unanswered)
        // all of Linux stood still
        if let unanswered, memory.goal != .run {
            actions.append(.keepEvidence(.didNotAnswer(Unanswered(command: command, cell: nil, stall: unanswered))))
        }
        if answer != .notAsked { actions.append(.report(.shutdownAnswered(answer))) }
    }
}

extension Refusal {
    /// An inmate that does not run has denied nothing, whatever the error number says: it would be asked again and again.
    fileprivate func judged(of command: Command, before: Observation?, _ next: Sighting) -> Refusal {
        guard kind == .denied, let before, !before.state.isAskedToShutDown,
            next.observation?.state.isAskedToShutDown != true
        else { return self }
        if command == .destroy {
            return Refusal(
                kind: .otherCellLocked,
                message: "another cell is running/locked and must not be disturbed: try again when it is not",
                errno: errno)
        }
        return Refusal(
            kind: .other,
            message: "\(Refusal.atRest): look into the kernel's log (dmesg), and try again",
            errno: errno)
    }
}

extension Outcome {
    fileprivate var isDone: Bool { if case .done = self { true } else { false } }

    /// The result of the look decides, not the return value: a stop that failed halfway has stopped the cell.
    fileprivate func judged(by next: Sighting, of command: Command) -> Outcome {
        switch (self, command, next) {
        case (.refused, .destroy, .absent): .done()
        case (.refused, .shutDown, .present(let observation)) where observation.state == .shutDown: .done()
        // the start is verified as usual
        case (.refused(let refusal), .start, .present(let observation))
        where [.other, .denied].contains(refusal.kind) && observation.state.isRunning: .done()
        default: self
        }
    }
}
