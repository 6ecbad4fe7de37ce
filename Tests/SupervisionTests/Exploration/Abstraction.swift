// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// The abstraction by which the reachable places become finitely many.
///
/// Of every place one representative is visited. Two places have the same when no comparison in `Supervision` can tell
/// them apart:
/// - a moment only as far as it is over or to come: it was `present`, or `longAgo` (``Deadline``);
/// - counters of VM exits only by their order among each other, since they are only compared;
/// - numbers of cells only as the same as or another than that of the cell that is there;
/// - what is only shown and never decides (sentences, the condition, `since`, the count of restarts, the last answer) not at all.
extension Place {
    var abstracted: Place {
        var place = self
        place.renameIDs()
        place.rankExits()
        place.dropWhatDecidesNothing()
        place.dropWhatIsOver()
        return place
    }

    private mutating func renameIDs() {
        let id = world.id
        func renamed(_ old: Int) -> Int { old == id ? 1 : 2 }
        lifecycle.memory.failedID = lifecycle.memory.failedID.map(renamed)
        lifecycle.memory.quietID = lifecycle.memory.quietID.map(renamed)
        let started = lifecycle.memory.unverified?.cell
        lifecycle.memory.unverified?.cell = started.map(renamed)
        if case .started(var watch) = lifecycle.progress {
            watch.cell = nil
            lifecycle.progress = .started(watch)
        }
        if let old = lifecycle.memory.creation?.id { lifecycle.memory.creation?.id = renamed(old) }
        lifecycle.sighting = lifecycle.sighting?.changed { $0.id = renamed($0.id) }
        if let old = lifecycle.flight?.before?.id { lifecycle.flight?.before?.id = renamed(old) }
        world.id = 1
    }

    private mutating func rankExits() {
        var values: Set<UInt64> = [world.managementExits]
        if lifecycle.inFlight == .load { values.formUnion(lifecycle.flight?.before?.managementExits ?? []) }
        values.formUnion(lifecycle.memory.unverified?.before ?? [])
        switch lifecycle.progress {
        case .loaded(let settling): values.formUnion(settling.before + (settling.parkedExits ?? []))
        case .started(let watch): values.formUnion(watch.before)
        default: break
        }
        let order = values.sorted()
        func rank(_ exits: [UInt64]) -> [UInt64] { exits.map { UInt64(order.firstIndex(of: $0) ?? 0) } }

        world.managementExits = rank([world.managementExits])[0]
        let commanded = lifecycle.inFlight == .load ? lifecycle.flight?.before?.managementExits.map(rank) : nil
        lifecycle.flight?.before?.managementExits = commanded
        // of a create it says that the cell is the daemon's own
        if lifecycle.inFlight != .create { lifecycle.flight?.handshake = nil }
        lifecycle.memory.unverified = lifecycle.memory.unverified.map {
            Verification(before: rank($0.before), since: .present, lostStarts: $0.lostStarts, cell: $0.cell)
        }
        switch lifecycle.progress {
        case .loaded(let old):
            var settling = Settling(before: rank(old.before), since: old.since, earlierLosses: old.earlierLosses)
            // once the park was seen, its patience is of no account
            if old.parked != nil { settling = settling.copy(since: .present) }
            (settling.parked, settling.parkedExits) = (old.parked, old.parkedExits.map(rank))
            settling.lostStarts = old.lostStarts
            lifecycle.progress = .loaded(settling)
        case .started(let old):
            lifecycle.progress = .started(
                Verification(before: rank(old.before), since: old.since, lostStarts: old.lostStarts))
        default: break
        }
        world.totalExits = lifecycle.uptime?.liveliness.map { $0.exits == world.totalExits ? 0 : 1 } ?? 0
        if lifecycle.uptime?.liveliness?.exits != nil { lifecycle.uptime?.liveliness?.exits = 0 }
        // each wait may take any time
        lifecycle.uptime?.liveliness?.hasSpoken = false
        lifecycle.uptime?.liveliness?.isListenedTo = false
        if lifecycle.uptime?.liveliness?.since == .present { lifecycle.uptime?.liveliness?.silentUntil = nil }
    }

    private mutating func dropWhatDecidesNothing() {
        lifecycle.since = .present
        lifecycle.memory.shown = nil
        lifecycle.memory.answered = nil
        lifecycle.memory.restarts = 0
        lifecycle.memory.budget.consecutive = min(lifecycle.memory.budget.consecutive, 1)
        lifecycle.condition = .absent
        lifecycle.memory.failure = lifecycle.memory.failure.flatMap { $0.isDeclared ? .stalled : nil }
        if lifecycle.memory.budget.isUntouched { lifecycle.uptime?.since = .present }
        lifecycle.sighting = lifecycle.sighting?.changed { observation in
            (observation.managementExits, observation.totalExits, observation.failedCPUs) = (nil, nil, [])
            if observation.state == .runningLocked { observation.state = .running }
        }
        lifecycle.flight?.before?.totalExits = nil
        lifecycle.flight?.before?.failedCPUs = []
        if lifecycle.flight?.before?.state == .runningLocked { lifecycle.flight?.before?.state = .running }
        if lifecycle.memory.aim == .leave(.isReleased) { lifecycle.memory.aim = .leave() }
        if let until = lifecycle.memory.aim.backingOffUntil {
            lifecycle.memory.aim.backingOffUntil = until > .present ? .toCome : .present
        }
        if let denial = lifecycle.memory.aim.denial {
            let retry: Moment = denial.retry > .present ? .toCome : .present
            lifecycle.memory.aim.denial = Aim.Denial(since: denial.since, retry: retry)
        }
        lifecycle.waiting.sort { $0.id < $1.id }
    }
}

extension Place {
    /// What the record knows of things that have passed.
    private mutating func dropWhatIsOver() {
        if world.state?.isRunning == true && world.inmate != .lost { world.images = .executed }
        if world.state?.isRunning != true { world.hasFailedCPU = world.state == .failed }
        if lifecycle.inFlight == nil { record.faults.remove(.refused) }
        if world.inmate != .hung && world.inmate != .lost { record.faults.remove(.hangs) }
        if !world.hasFailedCPU || world.state?.isRunning != true { record.faults.remove(.degraded) }
        if lifecycle.blindSince == nil { record.faults.remove(.blinded) }
        if let policy = lifecycle.supervised?.policy {
            if world.inmate == .hung && policy.liveness == nil { record.faults.remove(.hangs) }
            if world.state == .shutDown && policy.restart != .always { record.faults.remove(.ended) }
        }
        switch world.state {
        case .failed, .communicationABIMismatch, .invalid, .shutDown: break
        case .running, .runningLocked, nil: record.faults.remove(.ended)
        }
        if world.state != nil { record.faults.remove(.vanished) }
        record.wasOverdue = false
        if !record.pending.contains(Request.restart.asOption) { record.isReplaced = false }
    }
}

extension Sighting {
    fileprivate func changed(_ change: (inout Observation) -> Void) -> Sighting {
        guard case .present(var observation) = self else { return self }
        change(&observation)
        return .present(observation)
    }
}
