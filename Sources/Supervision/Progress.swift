// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// The progress of a cell that sysfs does not show.
enum Progress: Hashable, Sendable {
    /// Not looked at yet, or seen only in a passing state.
    case unseen
    /// There is no cell.
    case nothing
    case loaded(Settling)
    case started(Verification)
    case up(Uptime)
    case down(End)

    var isUp: Bool { if case .up = self { true } else { false } }

    /// Whether it has been started, verified or not.
    var isBegun: Bool {
        switch self {
        case .up, .started: true
        default: false
        }
    }

    enum End: Hashable, Sendable {
        case created, stopped, failed
    }
}

/// What is known of an inmate while it is up.
struct Uptime: Hashable, Sendable {
    var since: Moment
    /// What a liveness rule watches; nil without one, and until the first look.
    var liveliness: Liveliness?
    /// Its operating system has ended, which its state does not show.
    var guestEnd: GuestEnd?

    /// When its guest was asked to shut down before the cell is stopped; nil: it was not.
    var asked: Moment?

    func with(_ liveliness: Liveliness?) -> Uptime {
        var changed = self
        changed.liveliness = liveliness
        return changed
    }

    struct Liveliness: Hashable, Sendable {
        /// Nil until they are read.
        var exits: UInt64?
        /// The last sign of life; before the first one, when it was watched first.
        var since: Moment
        /// Whether it has given one.
        var hasSpoken = false
        /// Until when a listener has heard nothing of it since; nil once a look has judged by it.
        var silentUntil: Moment?
        /// A listener has reported anything.
        var isListenedTo = false

        mutating func speak(at now: Moment) {
            (since, hasSpoken, silentUntil) = (now, true, nil)
        }
    }
}

/// The wait between load and start. The hypervisor loses a start that is issued while a CPU is still being parked for
/// the load; none was lost of 600 that were issued 1 ms after each CPU's management exits had grown.
struct Settling: Hashable, Sendable {
    static let pause = Duration.milliseconds(1)
    /// The longest wait for the growth.
    static let patience = Duration.milliseconds(50)

    /// `vmexits_management` of each CPU before the load; empty when it could not be read.
    let before: [UInt64]
    let since: Moment
    /// When the growth was seen.
    var parked: Moment?
    var parkedExits: [UInt64]?
    /// How many starts were lost, of which the last one was of this load.
    var lostStarts = 0
    /// How many were lost before this load.
    var earlierLosses = 0

    init(before: [UInt64], since: Moment, earlierLosses: Int = 0) {
        self.before = before
        self.since = since
        self.earlierLosses = earlierLosses
    }

    mutating func look(_ observation: Observation, at now: Moment) {
        guard parked == nil, let exits = observation.managementExits else { return }
        if exits.haveAllGrown(beyond: before) {
            parked = now
            parkedExits = exits
        }
    }

    /// Whether another tool started it. A lost start leaves a cell whose state is `running`; if its CPUs were started
    /// since, another tool did that.
    func isTaken(by observation: Observation) -> Bool {
        guard observation.state.isRunning else { return false }
        guard lostStarts > 0 else { return true }
        guard let parkedExits, let exits = observation.managementExits, !exits.isEmpty else { return false }
        return exits != parkedExits
    }

    /// Whether no other tool has started the cell since the load, which would have used up the images.
    func isUntouched(_ exits: [UInt64]) -> Bool {
        if let parkedExits { return exits == parkedExits }
        return !zip(exits, before).contains { $0 < $1 }
    }

    func isOver(at now: Moment) -> Bool {
        now >= end
    }

    var end: Moment {
        parked.map { $0 + Self.pause } ?? (since + Self.patience)
    }
}

/// Checks whether a start took effect: each CPU's management exits must grow by one more.
struct Verification: Hashable, Sendable, Codable {
    /// A CPU that starts does so within microseconds, but the machine may stand still meanwhile: repeating it, with a load
    /// before, would end a program that has been late only.
    static let patience = Duration.milliseconds(200)
    /// How often a lost start is repeated before it counts as a failure.
    static let repetitions = 3

    var before: [UInt64]
    var since: Moment
    var lostStarts = 0
    /// The number of the cell that was started; nil in what an older daemon wrote.
    var cell: Int?

    /// The same, from now on.
    func begun(at now: Moment) -> Verification {
        var begun = self
        begun.since = now
        return begun
    }

    enum Verdict { case pending, started, lost }

    func verdict(on observation: Observation, at now: Moment) -> Verdict {
        // a CPU that did what it has no right to has run
        guard observation.failedCPUs.isEmpty else { return .started }
        guard let exits = observation.managementExits else { return .pending }
        // counters that cannot be read prove nothing: the state must do
        if before.isEmpty || exits.isEmpty || exits.haveAllGrown(beyond: before) { return .started }
        return now - since >= Self.patience ? .lost : .pending
    }
}

extension [UInt64] {
    fileprivate func haveAllGrown(beyond before: [UInt64]) -> Bool {
        count == before.count && !isEmpty && zip(self, before).allSatisfy { $0 > $1 }
    }
}
