// SPDX-License-Identifier: Apache-2.0

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

/// A goal, with the state that is meaningful only while it is the goal.
enum Aim: Hashable, Sendable {
    /// No request yet: a cell that is found running is kept running.
    case unsaid
    case leave(Rest = .content)
    case run(Effort = .underWay(Steps()))
    case exist(isGivenUp: Bool)
    case stop(Ending)
    case absent(Ending)

    /// Why nothing is wanted.
    enum Rest: Hashable, Sendable {
        case content
        /// Its goal was `run`, and becomes `run` again if the hypervisor is not disabled.
        case isReleased
        /// It failed more often than its limit allows.
        case isGivenUp
    }

    /// The progress towards a running cell.
    enum Effort: Hashable, Sendable {
        /// It failed; the restart begins then.
        case backingOff(until: Moment)
        case underWay(Steps)
    }

    struct Steps: Hashable, Sendable {
        /// The running inmate is to be replaced by a fresh one.
        var restartsAnew = false
        var recreation = Recreation.none
        var denial: Denial?
    }

    /// After a refused load: the cell is destroyed and created once, then the load has to succeed.
    enum Recreation: Hashable, Sendable { case none, due, done }

    struct Ending: Hashable, Sendable {
        /// Its goal was `run`, and becomes `run` again if this goal is not reached.
        var resumes: Bool
        var denial: Denial?
    }

    /// The inmate has denied a shutdown request, which is repeated.
    struct Denial: Hashable, Sendable {
        static let pause = Duration.milliseconds(250)
        /// When it denied the first one.
        let since: Moment
        var retry: Moment
    }

    init(_ goal: Goal?, isGivenUp: Bool = false) {
        self =
            switch goal {
            case nil: .unsaid
            case .leave: .leave(isGivenUp ? .isGivenUp : .content)
            case .run: .run()
            case .stop: .stop(Ending(resumes: false))
            case .exist: .exist(isGivenUp: isGivenUp)
            case .absent: .absent(Ending(resumes: false))
            }
    }

    var goal: Goal? {
        switch self {
        case .unsaid: nil
        case .leave: .leave
        case .run: .run
        case .exist: .exist
        case .stop: .stop
        case .absent: .absent
        }
    }

    var isGivenUp: Bool {
        switch self {
        case .leave(let rest): rest == .isGivenUp
        case .exist(let isGivenUp): isGivenUp
        case .unsaid, .run, .stop, .absent: false
        }
    }

    /// Whether the goal, if it is given up, gives way to running.
    var resumes: Bool {
        switch self {
        case .run: true
        case .stop(let ending), .absent(let ending): ending.resumes
        case .unsaid, .leave, .exist: false
        }
    }

    /// A user requested the cell again, or reset its failures.
    mutating func forgiveFailures() {
        switch self {
        case .leave(.isGivenUp): self = .leave()
        case .exist: self = .exist(isGivenUp: false)
        case .unsaid, .leave, .run, .stop, .absent: break
        }
    }
}

// MARK: - What a goal brings with it

/// Each property exists only with its goal; with another goal, setting it has no effect.
extension Aim {
    var backingOffUntil: Moment? {
        get { if case .run(.backingOff(let until)) = self { until } else { nil } }
        set {
            guard case .run(let effort) = self else { return }
            if let newValue {
                self = .run(.backingOff(until: newValue))
            } else if case .backingOff = effort {
                self = .run()
            }
        }
    }

    /// What is under way so that it runs; setting it ends a delay.
    private var steps: Steps? {
        get { if case .run(.underWay(let steps)) = self { steps } else { nil } }
        set { if case .run = self, let newValue { self = .run(.underWay(newValue)) } }
    }

    var restartsAnew: Bool {
        get { steps?.restartsAnew ?? false }
        set {
            if restartsAnew != newValue {
                steps = Steps(restartsAnew: newValue, recreation: recreation, denial: denial)
            }
        }
    }

    var recreation: Recreation {
        get { steps?.recreation ?? .none }
        set {
            if recreation != newValue {
                steps = Steps(restartsAnew: restartsAnew, recreation: newValue, denial: denial)
            }
        }
    }

    var denial: Denial? {
        get {
            switch self {
            case .run: steps?.denial
            case .stop(let ending), .absent(let ending): ending.denial
            case .unsaid, .leave, .exist: nil
            }
        }
        set {
            guard denial != newValue else { return }
            switch self {
            case .run: steps = Steps(restartsAnew: restartsAnew, recreation: recreation, denial: newValue)
            case .stop(let ending): self = .stop(Ending(resumes: ending.resumes, denial: newValue))
            case .absent(let ending): self = .absent(Ending(resumes: ending.resumes, denial: newValue))
            case .unsaid, .leave, .exist: break
            }
        }
    }
}
