// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A sentence that holds on every transition.
struct Invariant: Sendable {
    let sentence: String
    let holds: @Sendable (Transition, Supervised) -> Bool

    init(_ sentence: String, _ holds: @escaping @Sendable (Transition, Supervised) -> Bool) {
        self.sentence = sentence
        self.holds = holds
    }

    static let all: [Invariant] = [
        Invariant("one command is in flight at a time") { step, _ in
            if case .finished = step.event { return step.commands.count <= 1 }
            return step.commands.count <= (step.before.lifecycle.inFlight == nil ? 1 : 0)
        },
        Invariant("a command follows from a look, and what it showed still stands") { step, _ in
            step.commands.isEmpty
                || step.event?.isLook == true
                    && step.after.lifecycle.sighting?.withoutStatistics == step.after.world.sighting([])
        },
        Invariant("never a start without a load before it") { step, _ in
            !step.commands.contains(.start) || step.after.world.images == .intact
        },
        Invariant("no command that could freeze Linux, unless the definition accepts it") { step, supervised in
            guard case .unbounded(let accepted) = supervised.handshake else { return true }
            return accepted || !step.asksTheInmate
        },
        Invariant("no command to an inmate that is known not to answer, accepted or not") { step, supervised in
            guard case .unbounded = supervised.handshake, step.asksTheInmate else { return true }
            if step.has({ $0 == .alive }) { return true }
            // its counters could not be read, and now they show that it was started
            if case .started = step.before.lifecycle.progress, !step.after.lifecycle.isKnownSilent { return true }
            return !step.before.lifecycle.isKnownSilent && !step.after.record.isDeclaredFailed
        },
        Invariant("no command on a cell without a definition") { step, _ in
            step.commands.isEmpty || step.after.record.isDefined
        },
        Invariant("no command on a cell that has gone, or on none that came") { step, _ in
            step.commands.allSatisfy { ($0 == .create) == (step.after.world.state == nil) }
        },
        Invariant("a healthy inmate is touched only because somebody asked") { step, _ in
            guard step.after.world.inmate == .healthy, !step.after.record.isDeclaredFailed else { return true }
            guard step.commands.contains(where: { $0 != .create }) else { return true }
            let record = step.before.record
            // what was started is not what was loaded: another cell had taken its place
            if step.startedAnother || record.hasStartedAnother { return true }
            return record.isToBeStopped || record.pending.contains(Request.restart.asOption)
        },
        Invariant("what should be stopped is never loaded or started") { step, _ in
            !step.after.record.isToBeStopped || !step.commands.contains { $0 == .load || $0 == .start }
        },
        Invariant("what was given up is not brought back unless somebody asks") { step, _ in
            !step.before.record.isGivenUp || !step.after.record.isGivenUp
                || !step.commands.contains { $0 == .load || $0 == .start }
        },
        Invariant("a failure is counted once") { step, _ in
            var faults = step.faults
            // that one is no fault of the machine's, but of what could not be seen
            let failures = step.failures.filter { $0 != .startedUnloaded }
            return failures.allSatisfy { faults.remove(Record.fault(of: $0)) != nil }
        },
        Invariant("a failure that a look shows is counted") { step, _ in
            guard step.what == .look, step.before.lifecycle.inFlight == nil, step.before.lifecycle.progress.isUp,
                step.before.record.isDefined, step.before.lifecycle.sighting?.observation?.id == step.after.world.id
            else { return true }
            let state = step.after.world.state
            guard state == .failed || state == .communicationABIMismatch, !step.after.world.isShownInvalid else {
                return true
            }
            return step.failures.count == 1
        },
        Invariant("the evidence of a failure is kept before anything is repaired") { step, _ in
            guard
                let failure = step.actions.firstIndex(where: { if case .report(.failed) = $0 { true } else { false } })
            else { return true }
            return step.actions[..<failure].contains { if case .keepEvidence = $0 { true } else { false } }
        },
        Invariant("the limit of restarts is obeyed") { step, supervised in
            step.after.record.restarts <= supervised.policy.limit.attempts
        },
        Invariant("a restart waits for its delay, unless somebody asks") { step, _ in
            guard let until = step.before.lifecycle.memory.aim.backingOffUntil, until > .present,
                step.after.lifecycle.sighting != .disabled
            else { return true }
            return !step.commands.contains { $0 == .create || $0 == .load || $0 == .start }
        },
        Invariant("a policy of never restarts nothing") { step, supervised in
            supervised.policy.restart != .never
                || !step.has { if case .restarting = $0 { true } else { false } }
        },
        Invariant("what should run is given up only for a reason") { step, supervised in
            guard step.before.lifecycle.memory.goal == .run, step.after.lifecycle.memory.goal != .run else {
                return true
            }
            switch step.what {
            case .request(.stop), .request(.destroy), .released, .undefined, .newDaemonWithoutMemory: return true
            default: break
            }
            return step.has {
                switch $0 {
                case .gaveUp, .leftAlone: true
                default: false
                }
            }
                || !step.failures.isEmpty && (supervised.policy.restart == .never || step.after.lifecycle.isKnownSilent)
                || step.after.world.state == .shutDown && supervised.policy.restart != .always  // it ended by itself
                || step.answers.contains { $0.failure != nil && $0.failure != .superseded(by: .start) }
                || !supervised.handshake.permitsAsking(
                    step.after.world.state ?? .shutDown, silent: step.after.lifecycle.isKnownSilent)
        },
        Invariant("a look that shows nothing new is not repeated at once") { step, _ in
            guard step.what == .look, let next = step.after.lifecycle.nextLook(after: .present), next <= .present else {
                return true
            }
            return step.after.abstracted != step.before
        },
        Invariant("a request is answered once, and only one that was made") { step, _ in
            var pending = step.before.record.pending
            if case .request(let request) = step.what { pending.insert(request.asOption) }
            return step.answers.allSatisfy { pending.remove($0.request.asOption) != nil }
        },
        Invariant("silent is said of no cell that gave a sign of life in time") { step, _ in
            let isSaid =
                step.has { if case .silent = $0 { true } else { false } } || step.failures.contains(.silent)
                || step.failures.contains(.stalled)
            return !isSaid || step.after.record.wasOverdue
        },
        Invariant("a silent cell is restarted only by its policy") { step, supervised in
            let isRestarted = step.failures.contains(.silent) || step.failures.contains(.stalled)
            return !isRestarted || supervised.policy.restart != .never && supervised.policy.restartsSilent
        },
        Invariant("a cell that gives a sign of life is not silent") { step, _ in
            guard step.what == .listen, step.after.world.inmate == .healthy, step.before.lifecycle.progress.isUp else {
                return true
            }
            return step.after.lifecycle.condition != .silent
        },
        Invariant("what is answered with done is done") { step, _ in
            step.answers.filter { $0.failure == nil }.allSatisfy { request, _ in
                let sighting = step.after.lifecycle.sighting
                let state = sighting?.observation?.state
                switch request {
                case .create: return state != nil
                case .start: return state?.isRunning == true || state == .shutDown || state == .invalid
                case .restart: return step.after.record.isReplaced
                case .stop: return state?.isRunning != true
                case .destroy: return state == nil
                }
            }
        },
    ]
}

extension Transition {
    /// Whether the start that has ended met another cell than it was for.
    var startedAnother: Bool {
        guard case .finished(.start, _, let sighting) = event else { return false }
        return sighting.observation?.id != before.lifecycle.flight?.before?.id
    }

    /// Whether a command is given before which the hypervisor asks the inmate to shut down, and waits.
    fileprivate var asksTheInmate: Bool {
        guard commands.contains(where: { $0 != .create }) else { return false }
        return after.lifecycle.sighting?.observation?.state.isAskedToShutDown == true
    }
}

extension Sighting {
    fileprivate var withoutStatistics: Sighting {
        guard case .present(var observation) = self else { return self }
        (observation.managementExits, observation.totalExits) = (nil, nil)
        return .present(observation)
    }
}

// MARK: - The goal

extension Place {
    /// Whether nothing is left to be done: what is wanted is so, and everybody has been answered.
    func isSettled(_ supervised: Supervised) -> Bool {
        // Linux stands still; only a definition that accepts this comes here
        if world.isFrozen { return supervised.handshake == .unbounded(accepted: true) }
        guard lifecycle.inFlight == nil, record.pending.isEmpty, lifecycle.waiting.isEmpty else { return false }
        guard record.isDefined else { return true }
        switch lifecycle.memory.goal {
        case .leave, nil: return true
        case .run where !world.isEnabled: return lifecycle.sighting == .disabled
        case .run:
            guard [.running, .degraded, .silent].contains(lifecycle.currentCondition) else { return false }
            guard world.state?.isRunning == true else { return false }
            // an inmate that hangs shows only where a liveness rule looks for it
            switch world.inmate {
            case .healthy: return lifecycle.currentCondition != .silent
            case .hung: return supervised.policy.liveness == nil || lifecycle.isQuiet
            case .lost, .none: return false
            }
        case .stop, .exist, .absent: return false
        }
    }
}
