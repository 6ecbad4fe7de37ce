// SPDX-License-Identifier: Apache-2.0

/// What shows that an inmate is alive although its state says `running`: signs of life, of which the next must come in
/// time.
package struct Liveness: Hashable, Sendable {
    /// Where the signs come from, which is also who can notice that there are none.
    package enum Source: Hashable, Sendable {
        /// The count of VM exits that each look shows. Only for inmates that are known to exit regularly: a healthy one
        /// that uses nothing but what it was given makes no exit at all.
        case exits
        /// A listener, which reports signs and their absence. While it reports nothing, nothing is known: the cell is not
        /// called silent because nobody listened.
        case listener
        /// Calls of others, by which each look judges, as a watchdog does.
        case calls
    }

    package var source: Source
    /// The longest time between two signs; more than zero.
    package var within: Duration
    /// The longest time until the first sign of an inmate that came up, or was found when the daemon came; more than zero.
    package var afterStart: Duration

    /// - Parameter afterStart: nil for `within`.
    package init(_ source: Source, within: Duration, afterStart: Duration? = nil) {
        self.source = source
        self.within = within
        self.afterStart = afterStart ?? within
    }

    /// The count of VM exits grows at least once in `stall`.
    package static func vmExits(stall: Duration) -> Liveness { Liveness(.exits, within: stall) }
}

/// What a listener heard of a cell since it listened last.
package enum LifeSign: Hashable, Sendable {
    case sign, silence
    /// It has ended, as its own last words or someone else's say.
    case ended(GuestEnd)
}

extension CellLifecycle {
    /// Whether its inmate gave no sign of life in time, and is not restarted for it.
    package var isQuiet: Bool { memory.quietID != nil && supervised?.policy.liveness != nil }

    /// Whether its inmate is up, as far as is known.
    package var isUp: Bool { progress.isUp }

    /// When its inmate came up, or was found; nil: it is not up.
    package var upSince: Moment? { uptimeNow?.since }

    /// The last sign of life of an inmate that is up; before the first one, when it came up or was found.
    package var lastSign: Moment? { uptimeNow?.liveliness?.since }

    /// Since when it is up and a listener's reports would count, and there were none; nil: there were, or need not be.
    package var unheardSince: Moment? {
        guard supervised?.policy.liveness?.source == .listener, let life = uptimeNow?.liveliness,
            !life.isListenedTo
        else { return nil }
        return life.since
    }

    /// Whether ``lastSign`` is one.
    package var hasGivenSign: Bool { uptimeNow?.liveliness?.hasSpoken == true }

    private var uptimeNow: Uptime? { if case .up(let uptime) = progress { uptime } else { nil } }

    /// What a listener, or somebody else, says of its life. The next look judges: the inmate may have ended in another way.
    mutating func hear(_ sign: LifeSign, at now: Moment, _ actions: inout [Action]) {
        if case .ended(let end) = sign { return hear(end) }
        guard let rule = supervised?.policy.liveness, var uptime = uptimeNow else { return }
        var life = uptime.liveliness ?? Uptime.Liveliness(since: now)
        switch sign {
        case .sign: life.speak(at: now)
        // during a command it is told by what comes after it
        case .silence where rule.source == .listener && inFlight == nil: life.silentUntil = now
        case .silence, .ended: break
        }
        life.isListenedTo = true
        uptime.liveliness = life
        progress = .up(uptime)
        if sign == .sign { endQuiet(&actions) }
    }

    /// What a look at an inmate that runs says of its life.
    mutating func watchLife(_ observation: Observation, _ uptime: Uptime, at now: Moment, _ actions: inout [Action]) {
        guard let rule = supervised?.policy.liveness else { return }
        var life = uptime.liveliness ?? Uptime.Liveliness(since: now)
        var hasSign = false
        if rule.source == .exits, let exits = observation.totalExits {
            if let known = life.exits {
                hasSign = known != exits
                if hasSign { life.speak(at: now) }
            } else {
                life.since = now
            }
            life.exits = exits
        }
        let silentUntil = life.silentUntil
        // it is not judged by what it was before: it may have recovered
        life.silentUntil = nil
        progress = .up(uptime.with(life))
        if hasSign { endQuiet(&actions) }
        let isKnownUntil =
            switch rule.source {
            case .exits: observation.totalExits.map { _ in now }
            case .listener: silentUntil
            case .calls: now
            }
        if let isKnownUntil { judgeLife(by: rule, until: isKnownUntil, at: now, &actions) }
    }

    /// - Parameter end: until when it is known whether it gave a sign.
    /// - Precondition: its state says that it runs.
    private mutating func judgeLife(
        by rule: Liveness, until end: Moment, at now: Moment, _ actions: inout [Action]
    ) {
        guard let life = uptimeNow?.liveliness else { return }
        let patience = life.hasSpoken ? rule.within : rule.afterStart
        guard end - life.since >= patience else { return }
        if isWaitedForWithoutEnd { isSilent = true }
        let cause = rule.source == .exits ? FailureCause.stalled : .silent
        if isRestartedWhenSilent { return fail(cause, at: now, &actions) }
        guard memory.quietID == nil else { return }
        memory.quietID = sighting?.observation?.id
        actions.append(.keepEvidence(cause))
        actions.append(.report(.silent(after: patience)))
    }

    /// Another rule begins: what was seen by the one before says nothing.
    mutating func watchAnew() {
        if let uptime = uptimeNow { progress = .up(uptime.with(nil)) }
    }

    private mutating func endQuiet(_ actions: inout [Action]) {
        guard memory.quietID != nil else { return }
        memory.quietID = nil
        // a CPU that failed may be the one that would answer
        isSilent = isWaitedForWithoutEnd && sighting?.observation?.failedCPUs.isEmpty == false
        actions.append(.report(.alive))
    }

    /// Whether silence counts as its own failure.
    private var isRestartedWhenSilent: Bool {
        guard let policy = supervised?.policy else { return false }
        return policy.restartsSilent && policy.restart != .never && memory.goal == .run
    }
}
