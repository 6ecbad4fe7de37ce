// SPDX-License-Identifier: Apache-2.0

/// What only the daemon knows of a cell, kept in its state file so that its successor continues from there.
package struct LifecycleMemory: Hashable, Sendable {
    /// A successor learns the goal and whether the cell was given up: see ``kept``.
    var aim = Aim.unsaid
    /// Automatic restarts since a user last started the cell.
    package var restarts = 0
    package var budget = RestartBudget()
    /// The cell whose failure has been counted, and which has not been loaded again since. It is known longer than
    /// ``failure`` when nothing is wanted any more of a cell that failed, and ``failure`` longer than the cell when that
    /// has been destroyed.
    package var failedID: Int?
    /// Why the cell does not run; nil once it runs or is no longer wanted.
    package var failure: FailureCause?
    /// The cell that runs and has given no sign of life in time, and is not restarted for it.
    var quietID: Int?
    /// The condition that the daemon last recorded.
    var shown: Shown?
    var answered: Answered?
    /// A start whose effect has not been seen.
    var unverified: Verification?
    var creation: Creation?
    /// The memory of an earlier daemon is lost: the first cell seen is assumed to be the daemon's own.
    var trustsFirstSight: Bool?

    package init() {}

    package var goal: Goal? {
        get { aim.goal }
        set { aim = Aim(newValue) }
    }

    package var isGivenUp: Bool { aim.isGivenUp }

    package var lastAnswer: ShutdownAnswer? { answered?.answer }
    package var lastAnswerTime: Moment? { answered?.at }
    /// How long Linux was stalled when the last request was not answered in time.
    package var lastStall: Duration? { answered?.stall }

    /// The part that a successor reads.
    package var kept: LifecycleMemory {
        var kept = self
        kept.aim = Aim(goal, isGivenUp: isGivenUp)
        return kept
    }

    /// The part that outlives the cell's definition: how the cell answers, and whether it may not answer.
    var withoutDefinition: LifecycleMemory {
        var kept = LifecycleMemory()
        kept.creation = creation
        kept.unverified = unverified
        kept.quietID = quietID
        if failure?.isDeclared == true {
            (kept.failure, kept.failedID) = (failure, failedID)
        }
        return kept
    }

    /// A condition, and since when.
    struct Shown: Hashable, Sendable {
        let condition: Condition
        let since: Moment
    }

    /// What became of the last shutdown request.
    struct Answered: Hashable, Sendable {
        let answer: ShutdownAnswer
        let at: Moment
        /// How long Linux was stalled; nil when it was answered in time.
        let stall: Duration?

        init(_ answer: ShutdownAnswer, at moment: Moment, stall: Duration? = nil) {
            self.answer = answer
            at = moment
            self.stall = answer == .timedOut ? stall : nil
        }
    }
}

/// In the state file: one flat object, as the first release wrote it.
extension LifecycleMemory: Codable {
    private enum CodingKeys: String, CodingKey {
        case goal, restarts, budget, gaveUp, failedID, failure, condition, since, lastAnswer, lastAnswerTime, lastStall
        case unverified, creation, trustsFirstSight, quietID
    }

    package init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        let gaveUp = try file.decode(Bool.self, forKey: .gaveUp)
        aim = Aim(try file.decodeIfPresent(Goal.self, forKey: .goal), isGivenUp: gaveUp)
        restarts = try file.decode(Int.self, forKey: .restarts)
        budget = try file.decode(RestartBudget.self, forKey: .budget)
        failedID = try file.decodeIfPresent(Int.self, forKey: .failedID)
        failure = try file.decodeIfPresent(FailureCause.self, forKey: .failure)
        if let condition = try file.decodeIfPresent(Condition.self, forKey: .condition),
            let since = try file.decodeIfPresent(Moment.self, forKey: .since)
        {
            shown = Shown(condition: condition, since: since)
        }
        if let answer = try file.decodeIfPresent(ShutdownAnswer.self, forKey: .lastAnswer),
            let time = try file.decodeIfPresent(Moment.self, forKey: .lastAnswerTime)
        {
            answered = Answered(answer, at: time, stall: try file.decodeIfPresent(Duration.self, forKey: .lastStall))
        }
        unverified = try file.decodeIfPresent(Verification.self, forKey: .unverified)
        creation = try file.decodeIfPresent(Creation.self, forKey: .creation)
        trustsFirstSight = try file.decodeIfPresent(Bool.self, forKey: .trustsFirstSight)
        quietID = try file.decodeIfPresent(Int.self, forKey: .quietID)
    }

    package func encode(to encoder: any Encoder) throws {
        var file = encoder.container(keyedBy: CodingKeys.self)
        try file.encodeIfPresent(goal, forKey: .goal)
        try file.encode(restarts, forKey: .restarts)
        try file.encode(budget, forKey: .budget)
        try file.encode(isGivenUp, forKey: .gaveUp)
        try file.encodeIfPresent(failedID, forKey: .failedID)
        try file.encodeIfPresent(failure, forKey: .failure)
        try file.encodeIfPresent(shown?.condition, forKey: .condition)
        try file.encodeIfPresent(shown?.since, forKey: .since)
        try file.encodeIfPresent(lastAnswer, forKey: .lastAnswer)
        try file.encodeIfPresent(lastAnswerTime, forKey: .lastAnswerTime)
        try file.encodeIfPresent(lastStall, forKey: .lastStall)
        try file.encodeIfPresent(unverified, forKey: .unverified)
        try file.encodeIfPresent(creation, forKey: .creation)
        try file.encodeIfPresent(trustsFirstSight, forKey: .trustsFirstSight)
        try file.encodeIfPresent(quietID, forKey: .quietID)
    }
}

/// How the cell that is there answers a shutdown request: as it was created, or as its definition said when it was
/// first seen. The definition may have changed since.
struct Creation: Hashable, Sendable, Codable {
    var id: Int
    /// See ``Observation/incarnation``.
    var incarnation: UInt64?
    let handshake: Handshake
    /// False for a cell that another tool created and started: ``handshake`` is then what the definition says, which that
    /// tool need not have used. Nil in the files of older daemons, for true.
    var isOwn: Bool?

    func isOf(_ observation: Observation) -> Bool {
        observation.isSameCell(as: Observation(id: id, incarnation: incarnation, state: observation.state))
    }
}
