// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

/// Something that can happen at a place.
enum Happening: Hashable, Sendable {
    case look
    /// A look that could not read the statistics.
    case blindLook
    /// A listener says what it heard: a sign of life of a healthy inmate, and silence of any other.
    case listen
    /// A wait comes to its end, whichever began first.
    case runsOut(Deadline)
    /// The hypervisor carries out the command in flight and, perhaps, something else happens before the look after it.
    case finish(Ending, then: Misfortune?)
    case request(Request)
    case resetFailed
    /// Somebody asks the daemon to disable the hypervisor.
    case released
    /// Its definition is read again, goes, or comes (back).
    case redefined, undefined, defined
    /// The daemon dies at any moment, also in the middle of a command; its successor begins with what was written.
    case newDaemon
    /// Likewise, while the command in flight is carried out.
    case newDaemonAfter(Ending)
    /// Likewise, but the state file cannot be read.
    case newDaemonWithoutMemory
    case befall(Misfortune)
}

extension Happening: CustomStringConvertible {
    var description: String {
        switch self {
        case .look: "the daemon looks"
        case .blindLook: "the daemon looks, and cannot read the statistics"
        case .listen: "a listener says what it heard of it"
        case .runsOut(let deadline): "time passes: \(deadline) is over"
        case .finish(_, let misfortune): misfortune.map { "in the machine, at once: \($0)" } ?? "the command returns"
        case .newDaemonAfter(let ending):
            "the daemon dies while its command is carried out (\(ending)); a new one begins"
        case .request(let request): "somebody asks: \(request.rawValue)"
        case .resetFailed: "somebody asks: reset-failed"
        case .released: "somebody asks: disable"
        case .redefined: "reload: the definition is read again"
        case .undefined: "reload: the definition went"
        case .defined: "reload: there is a definition"
        case .newDaemon: "the daemon dies; a new one begins"
        case .newDaemonWithoutMemory: "the daemon dies; a new one begins without the state file"
        case .befall(let what): "in the machine: \(what)"
        }
    }
}

/// The waits that decide anything. Each is either to come or over: how long it takes is of no consequence, and any of
/// them may be over before any other, so that what holds here holds for every choice of delays and limits.
enum Deadline: CaseIterable, Sendable {
    case restartDelay
    case pauseAfterDenial, stopTimeout
    case settlingPause, settlingPatience
    case verificationPatience
    /// How long `invalid` is taken for a passing state.
    case passingState
    /// The run that counts as stable.
    case stableRun
    /// The time within which restarts are limited, for the oldest of them.
    case limitWindow
    case stall
    /// How long counters that cannot be read are waited for.
    case blindness
}

extension CellLifecycle {
    var uptime: Uptime? {
        get { if case .up(let uptime) = progress { uptime } else { nil } }
        set { if progress.isUp, let newValue { progress = .up(newValue) } }
    }

    /// Whether this wait is going on, and not over yet.
    func awaits(_ deadline: Deadline) -> Bool {
        switch (deadline, progress) {
        case (.restartDelay, _): memory.aim.backingOffUntil.map { $0 > .present } ?? false
        case (.pauseAfterDenial, _): memory.aim.denial.map { $0.retry > .present } ?? false
        case (.stopTimeout, _): memory.aim.denial?.since == .present
        case (.settlingPause, .loaded(let settling)): settling.parked == .present
        case (.settlingPatience, .loaded(let settling)): settling.parked == nil && settling.since == .present
        case (.verificationPatience, .started(let verification)): verification.since == .present
        case (.passingState, _): invalidSince == .present
        case (.stableRun, .up(let uptime)): uptime.since == .present && !memory.budget.isUntouched
        case (.limitWindow, _): !memory.budget.attempts.isEmpty
        case (.stall, _): uptime?.liveliness?.since == .present
        case (.blindness, _): blindSince == .present
        case (.settlingPause, _), (.settlingPatience, _), (.verificationPatience, _), (.stableRun, _): false
        }
    }

    /// The same when this wait is over.
    func after(_ deadline: Deadline) -> CellLifecycle {
        var next = self
        switch (deadline, progress) {
        case (.restartDelay, _): next.memory.aim.backingOffUntil = .present
        case (.pauseAfterDenial, _): next.memory.aim.denial?.retry = .present
        case (.stopTimeout, _):
            next.memory.aim.denial = memory.aim.denial.map { Aim.Denial(since: .longAgo, retry: $0.retry) }
        case (.settlingPause, .loaded(var settling)):
            settling.parked = .longAgo
            next.progress = .loaded(settling)
        case (.settlingPatience, .loaded(let settling)): next.progress = .loaded(settling.copy(since: .longAgo))
        case (.verificationPatience, .started(let old)):
            next.progress = .started(Verification(before: old.before, since: .longAgo, lostStarts: old.lostStarts))
        case (.passingState, _): next.invalidSince = .longAgo
        case (.stableRun, _): next.uptime?.since = .longAgo
        case (.limitWindow, _): next.memory.budget.attempts.removeFirst()
        case (.stall, _):
            // what was heard, or not heard, before that
            next.uptime?.liveliness?.silentUntil = nil
            next.uptime?.liveliness?.since = .longAgo
        case (.blindness, _): next.blindSince = .longAgo
        case (.settlingPause, _), (.settlingPatience, _), (.verificationPatience, _): break
        }
        return next
    }
}

extension Settling {
    func copy(since: Moment) -> Settling {
        var copy = Settling(before: before, since: since, earlierLosses: earlierLosses)
        (copy.parked, copy.parkedExits, copy.lostStarts) = (parked, parkedExits, lostStarts)
        return copy
    }
}

extension Moment {
    /// Every event happens now; what began earlier and is not over began now, too.
    static let present = Moment(nanoseconds: 1_000_000_000_000_000)
    /// Earlier than any wait takes.
    static let longAgo = Moment(nanoseconds: 0)
    static let toCome = present + .seconds(1)
}
