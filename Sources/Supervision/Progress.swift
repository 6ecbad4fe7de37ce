// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
/// What is wanted of a cell.
package enum Goal: String, Hashable, Sendable, Codable {
    /// Nothing: it is watched and left as it is.
    case leave
    /// It runs, and is restarted as its policy says. The only goal that stays when it is reached.
    case run
    case stop
    /// It exists.
    case exist
    /// It does not exist.
    case absent
}

/// How far a cell has come, as far as sysfs does not show it.
enum Progress: Hashable, Sendable {
    /// Not looked at yet, or seen only in a passing state.
    case unseen
    /// There is no cell.
    case nothing
    case loaded(Settling)
    case started(Verification)
    case up
    case down(End)

    enum End: Hashable, Sendable {
        case created, stopped, failed
    }
}

/// The wait between load and start. The hypervisor loses a start that comes while a CPU is still being parked for the
/// load; none was lost of 600 that came 1 ms after each CPU's management exits had grown.
struct Settling: Hashable, Sendable {
    static let pause = Duration.milliseconds(1)
    /// How long the growth is waited for.
    static let patience = Duration.milliseconds(50)

    /// `vmexits_management` of each CPU before the load; empty when it could not be read.
    let before: [UInt64]
    let since: Moment
    /// When the growth was seen.
    var parked: Moment?
    var parkedExits: [UInt64]?
    /// How many starts of this load were lost.
    var lostStarts = 0

    init(before: [UInt64], since: Moment) {
        self.before = before
        self.since = since
    }

    mutating func look(_ observation: Observation, at now: Moment) {
        guard parked == nil, let exits = observation.managementExits else { return }
        if exits.haveAllGrown(beyond: before) {
            parked = now
            parkedExits = exits
        }
    }

    /// Whether it runs by others' doing. A lost start leaves a cell that says it runs; if its CPUs were started since,
    /// that was not us.
    func isTaken(by observation: Observation) -> Bool {
        guard observation.state.isRunning else { return false }
        guard lostStarts > 0 else { return true }
        guard let parkedExits, let exits = observation.managementExits, !exits.isEmpty else { return false }
        return exits != parkedExits
    }

    /// Whether nobody else has started the cell since, and so used up what was loaded.
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

/// The watch whether a start took effect: each CPU's management exits must grow by one more.
struct Verification: Hashable, Sendable, Codable {
    static let patience = Duration.milliseconds(50)
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

/// What only the daemon knows of a cell, kept in its state file so that its successor goes on where it ended.
package struct LifecycleMemory: Hashable, Sendable, Codable {
    package var goal: Goal?
    /// Automatic restarts since somebody last started the cell.
    package var restarts = 0
    package var budget = RestartBudget()
    package var gaveUp = false
    /// The cell whose failure has been counted, and which has not been loaded again since.
    package var failedID: Int?
    package var failure: FailureCause?
    /// How the cell was, and since when.
    package var condition: Condition?
    package var since: Moment?
    package var lastAnswer: ShutdownAnswer?
    package var lastAnswerTime: Moment?
    /// How long Linux was stalled when the last request was not answered in time.
    package var lastStall: Duration?
    /// A start whose effect has not been seen.
    var unverified: Verification?
    var creation: Creation?
    /// What an earlier daemon knew is lost: the cell that is seen first is taken for one that it created.
    var trustsFirstSight: Bool?

    package init() {}

    /// What is kept of a cell whose definition went: how it answers, and that it does not, or may not.
    var withoutDefinition: LifecycleMemory {
        var kept = LifecycleMemory()
        kept.creation = creation
        kept.unverified = unverified
        if failure?.isDeclared == true {
            (kept.failure, kept.failedID) = (failure, failedID)
        }
        return kept
    }
}

/// How the cell that is there answers a shutdown request: as it was created, or as its definition said when it was
/// first seen. The definition may have changed since.
struct Creation: Hashable, Sendable, Codable {
    var id: Int
    let handshake: Handshake
    /// False for a cell that another tool created and started: ``handshake`` is then what the definition says, which that
    /// tool need not have used. Nil in the files of older daemons, for true.
    var isOwn: Bool?
}
