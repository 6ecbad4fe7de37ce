// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
// What follows from a failure: evidence, then a restart, or none.

extension CellLifecycle {
    /// Counts one failure and decides what follows.
    mutating func fail(_ cause: FailureCause, at now: Moment, _ actions: inout [Action]) {
        actions.append(.keepEvidence(cause))
        actions.append(.report(.failed(cause)))
        let hasLostCPU = sighting?.observation?.isAbandoned ?? false
        if isAskedInVain || hasLostCPU && isWaitedForWithoutEnd { isSilent = true }
        // a refused command does not revive a cell that was declared failed
        let isOnlyHindered =
            switch cause {
            case .refused, .countersUnreadable: true
            default: false
            }
        if !isOnlyHindered || !isDeclaredFailed { memory.failure = cause }
        memory.failedID = sighting?.observation?.id
        memory.quietID = nil
        // the start of an inmate that could not be stopped may still have to be verified
        if case .refused(let command, _) = cause, command != .start {} else { memory.unverified = nil }
        progress = sighting?.observation == nil ? .nothing : .down(.failed)
        if memory.goal == .run { memory.aim = .run() } else { memory.aim.denial = nil }
        settle(with: .failed(cause), &actions) { $0 != .stop && $0 != .destroy }

        guard memory.goal == .run, let policy = supervised?.policy else { return }
        guard policy.restart != .never, !isSilent, !hasLostCPU else {
            memory.aim = .leave()
            return
        }
        guard let delay = memory.budget.delayOfNextRestart(at: now, policy: policy) else {
            memory.aim = .leave(.isGivenUp)
            actions.append(.report(.gaveUp(attempts: policy.limit.attempts, within: policy.limit.within)))
            return
        }
        memory.aim = .run(.backingOff(until: now + delay))
        let attempt = memory.budget.attempts.count
        actions.append(.report(.restarting(after: delay, attempt: attempt, of: policy.limit.attempts)))
    }

    /// A failed cell is no longer wanted. A cell declared failed stays so while its state is `running`.
    mutating func forgetFailure() {
        // including while its state is transient
        let mayRun = sighting?.observation?.state.isAskedToShutDown ?? (sighting == nil)
        if memory.failure?.isDeclared == true, memory.failedID != nil, mayRun { return }
        memory.failure = nil
    }

    /// Forgets failures; a cell that was given up is not started until a user asks.
    mutating func resetFailed() {
        memory.budget.reset()
        memory.restarts = 0
        memory.aim.forgiveFailures()
        if memory.goal != .run, memory.failure?.isDeclared != true { memory.failure = nil }
    }
}
