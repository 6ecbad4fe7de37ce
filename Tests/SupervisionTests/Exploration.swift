@testable import Supervision

/// One cell of a hypervisor, as it is: small enough that all of its states can be visited.
struct ModelWorld: Hashable {
    enum Images: Hashable { case none, intact, executed }

    var isEnabled = true
    var state: CellState?
    var id = 1
    var images = Images.none
    /// The inmate executes and answers.
    var isAlive = false
    /// A failure that has not been reported.
    var hasNewFailure = false

    /// The management exits, counted up to a few: a load and a start add one each.
    var exits: UInt64 = 0

    var sighting: Sighting {
        guard isEnabled else { return .disabled }
        guard let state else { return .absent }
        return .present(Observation(id: id, state: state, managementExits: [exits]))
    }
}

/// A place in the space of all that can happen: the world, the lifecycle, what was asked last.
struct Place {
    var world: ModelWorld
    var lifecycle: CellLifecycle
    var now: Moment
    var asked: Request?
    /// The events that led here, for a counterexample.
    var path: [String] = []

    /// Everything that decides what can come next: times only as far as somebody compares them.
    var key: Key { Key(self) }

    struct Key: Hashable {
        let world: ModelWorld
        let memory: [Int]
        let progress: String
        let flags: [Bool]
        let sighting: Sighting?
        let inFlight: Command?
        let commanded: CellState?
        let waiting: Set<Request>
        let asked: Request?
        let goals: [Goal?]

        init(_ place: Place) {
            let life = place.lifecycle
            let now = place.now
            world = place.world
            memory = [
                min(life.memory.restarts, 1), life.memory.budget.attempts.count, min(life.memory.budget.consecutive, 2),
                life.memory.budget.attempts.first.map { now - $0 >= .seconds(60) ? 1 : 2 } ?? 0,
            ]
            progress = Self.describe(life.progress, at: now, exits: place.world.exits)
            flags = [
                life.backingOffUntil != nil, life.backingOffUntil.map { $0 <= now } ?? false, life.restartsAnew,
                life.recreation == .due, life.recreation == .done, life.denial != nil,
                life.denial.map { $0.retry <= now } ?? false, life.isSilent, life.memory.gaveUp,
                life.memory.failedID == place.world.id, life.memory.failure != nil, life.memory.unverified != nil,
                life.memory.unverifiedID == place.world.id,
                life.denial.map { now - $0.since > .milliseconds(250) } ?? false,
                life.invalidSince != nil, life.invalidSince.map { now - $0 >= CellLifecycle.passing } ?? false,
                now - life.upSince >= .seconds(60), life.supervised != nil,
            ]
            sighting = life.sighting
            inFlight = life.inFlight
            commanded = life.commanded?.state
            waiting = Set(life.waiting.map(\.request))
            asked = place.asked
            goals = [life.memory.goal, life.goalBefore]
        }

        private static func describe(_ progress: Progress, at now: Moment, exits: UInt64) -> String {
            switch progress {
            case .loaded(let settling):
                let grown = settling.before.first.map { exits > $0 } ?? false
                return "loaded \(grown) \(settling.parked != nil) \(settling.isOver(at: now)) \(settling.lostStarts)"
            case .started(let verification):
                let grown = verification.before.first.map { exits > $0 } ?? false
                let isOver = now - verification.since >= Verification.patience
                return "started \(grown) \(isOver) \(verification.lostStarts)"
            default: return "\(progress)"
            }
        }
    }
}

/// Something that can happen at a place.
enum Happening: Hashable, CustomStringConvertible {
    enum Ending: CaseIterable { case done, lost, refused, denied, unusable, timedOut }
    enum Misfortune: CaseIterable {
        case fail, end, destroyed, startedByOthers, replaced, invalid, locked, disabled, enabled
    }

    case look
    case wait(Duration)
    case finish(Ending)
    case request(Request)
    case misfortune(Misfortune)
    case resetFailed
    /// The daemon dies, and its successor begins with what was written.
    case newDaemon

    static let all: [Happening] =
        [.look, .resetFailed, .newDaemon]
        + [Duration.milliseconds(1), .milliseconds(60), .milliseconds(600), .seconds(61)].map(Happening.wait)
        + Ending.allCases.map(Happening.finish)
        + [Request.create, .start, .stop, .restart, .destroy].map(Happening.request)
        + Misfortune.allCases.map(Happening.misfortune)

    var description: String {
        switch self {
        case .look: "a look"
        case .wait(let time): "\(time) pass"
        case .finish(let ending): "the command ends: \(ending)"
        case .request(let request): "somebody asks: \(request.rawValue)"
        case .misfortune(let what): "misfortune: \(what)"
        case .resetFailed: "reset-failed"
        case .newDaemon: "a new daemon"
        }
    }
}

extension ModelWorld {
    /// What a command does, for each way in which it can end; nil where it cannot end so.
    mutating func perform(_ command: Command, _ ending: Happening.Ending) -> Outcome? {
        let refused = Outcome.refused(Refusal(kind: .other, message: "refused", errno: 22))
        let isPossible = isEnabled && (state == nil) == (command == .create)
        let asks = isAlive && state?.isAskedToShutDown == true && command != .create
        switch ending {
        case .denied:
            guard isPossible, asks else { return nil }
            return .refused(Refusal(kind: .denied, message: "denied", errno: 1))
        case .unusable:
            return command == .load ? .refused(Refusal(kind: .definition, message: "unusable")) : nil
        case .refused:
            if isPossible && command == .load { (state, isAlive, images) = (.shutDown, false, .none) }
            return refused
        case .lost:
            guard isPossible, command == .start else { return nil }
            state = .running
            isAlive = false
            return .done()
        case .timedOut:
            guard isPossible, asks else { return nil }
        case .done:
            guard isPossible else { return nil }
        }
        switch command {
        case .create: (state, images, isAlive, exits) = (.shutDown, .none, false, 0)
        case .load: (state, images, isAlive, exits) = (.shutDown, .intact, false, min(exits, 2) + 1)
        case .start: (isAlive, images, exits, state) = (images == .intact, .executed, min(exits, 3) + 1, .running)
        case .shutDown: (state, isAlive) = (.shutDown, false)
        case .destroy: (state, isAlive, images) = (nil, false, .none)
        }
        hasNewFailure = false
        return .done(timedOut: ending == .timedOut)
    }

    /// What befalls it; false where that cannot happen.
    mutating func befall(_ what: Happening.Misfortune) -> Bool {
        switch what {
        case .fail where isAlive: (state, isAlive, hasNewFailure) = (.failed, false, true)
        case .end where isAlive: (state, isAlive) = (.shutDown, false)
        case .destroyed where isEnabled && state != nil: (state, isAlive, images) = (nil, false, .none)
        case .startedByOthers where isEnabled && state == .shutDown:
            (state, isAlive, images, exits) = (.running, true, .executed, min(exits, 3) + 1)
        case .replaced where isEnabled && state != nil && id == 1:
            (id, state, isAlive, images, exits) = (2, .running, true, .executed, 2)
        case .invalid where isAlive && state == .running: (state, isAlive, hasNewFailure) = (.invalid, false, true)
        case .locked where isAlive && state == .running: state = .runningLocked
        case .disabled where isEnabled: (isEnabled, state, isAlive, images) = (false, nil, false, .none)
        case .enabled where !isEnabled: isEnabled = true
        default: return false
        }
        return true
    }
}
