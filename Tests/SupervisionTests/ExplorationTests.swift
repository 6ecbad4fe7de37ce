import Foundation
import Testing

@testable import Supervision

@Suite("Every state that can be reached")
struct ExplorationTests {
    private static let policy = SupervisionPolicy(
        delay: .milliseconds(50), maximumDelay: .milliseconds(50), limit: .init(attempts: 1, within: .seconds(60)),
        stopTimeout: .milliseconds(300))

    /// A sentence that holds on every transition, and when it does not.
    private struct Invariant: Sendable {
        let sentence: String
        let isBroken: @Sendable (_ before: Place, _ what: Happening, _ actions: [Action], _ after: Place) -> Bool
    }

    private static func commands(_ actions: [Action]) -> [Command] {
        actions.compactMap { if case .run(let command) = $0 { command } else { nil } }
    }

    /// Whether what the lifecycle believes is what is.
    private static func isUpToDate(_ place: Place) -> Bool {
        place.lifecycle.sighting?.observation?.state == place.world.state
    }

    private static let invariants = [
        Invariant(sentence: "one command at a time") { before, what, actions, _ in
            var free = before.lifecycle.inFlight == nil
            if case .finish = what { free = true }
            return commands(actions).count > (free ? 1 : 0) && what != .newDaemon
        },
        Invariant(sentence: "never a start without a load before it") { _, _, actions, after in
            commands(actions).contains(.start) && isUpToDate(after) && after.world.images != .intact
        },
        Invariant(sentence: "nothing is started that should be stopped") { _, _, actions, after in
            !commands(actions).filter { $0 == .load || $0 == .start }.isEmpty && after.lifecycle.memory.goal != .run
        },
        Invariant(sentence: "a healthy inmate is touched only at somebody's request") { before, _, actions, after in
            guard after.world.isAlive, isUpToDate(after), after.world.state?.isRunning == true else { return false }
            guard !commands(actions).isEmpty else { return false }
            return ![.stop, .restart, .destroy].contains(after.asked)
        },
        Invariant(sentence: "what could freeze Linux is not done") { _, _, actions, after in
            guard case .unbounded(let accepted) = after.lifecycle.supervised?.handshake else { return false }
            let asking = commands(actions).contains { $0 != .create }
            guard asking, let state = after.lifecycle.sighting?.observation?.state, state.isAskedToShutDown else {
                return false
            }
            return !accepted || after.lifecycle.isKnownSilent
        },
        Invariant(sentence: "the limit is obeyed") { _, _, _, after in
            after.lifecycle.memory.budget.attempts.count > policy.limit.attempts
        },
        Invariant(sentence: "a failure is counted once") { before, _, actions, after in
            let counted = actions.contains {
                switch $0 {
                case .report(.failed(.failed)), .report(.failed(.invalidState)): true
                default: false
                }
            }
            return counted && !before.world.hasNewFailure
        },
    ]

    /// What follows, or nil where this cannot happen.
    private static func step(_ place: Place, _ what: Happening) -> (place: Place, actions: [Action])? {
        var next = place
        let actions: [Action]
        switch what {
        case .look:
            actions = next.lifecycle.handle(.seen(next.world.sighting), at: next.now)
        case .wait(let time):
            next.now = next.now + time
            return (next, [])
        case .finish(let ending):
            guard let command = next.lifecycle.inFlight, let outcome = next.world.perform(command, ending) else {
                return nil
            }
            actions = next.lifecycle.handle(.finished(command, outcome, next.world.sighting), at: next.now)
        case .request(let request):
            guard next.lifecycle.waiting.isEmpty else { return nil }
            actions = next.lifecycle.handle(.requested(request, 1), at: next.now)
            let isRefused = actions.contains { if case .answer(_, .some) = $0 { true } else { false } }
            if !isRefused { next.asked = request }
        case .misfortune(let misfortune):
            // two starts in the same millisecond, ours of what the other has used up: nothing in sysfs would tell
            if misfortune == .startedByOthers, next.lifecycle.inFlight == .start { return nil }
            guard next.world.befall(misfortune) else { return nil }
            return (next, [])
        case .resetFailed:
            actions = next.lifecycle.handle(.resetFailed, at: next.now)
        case .newDaemon:
            // what the old one had begun ends without it, one way or the other: here, it is not done
            next.lifecycle = CellLifecycle(place.lifecycle.supervised, memory: place.lifecycle.memory, at: next.now)
            actions = []
        }
        let sees = [.report(.failed(.failed(cpus: []))), .report(.failed(.invalidState))].contains {
            actions.contains($0)
        }
        if sees { next.world.hasNewFailure = false }
        return (next, actions)
    }

    @Test(
        "What must always hold, holds; and from everywhere the goal is reached when faults cease",
        arguments: [Handshake.passive, .bounded, .unbounded(accepted: true), .unbounded(accepted: false)])
    func explore(handshake: Handshake) throws {
        let now = Moment(nanoseconds: 1_000_000_000_000)
        let supervised = Supervised(policy: Self.policy, handshake: handshake)
        var queue = [Place(world: ModelWorld(), lifecycle: CellLifecycle(supervised, at: now), now: now)]
        var visited: Set<Place.Key> = [queue[0].key]
        var transitions = 0
        var index = 0
        while index < queue.count, index < Self.bound {
            let place = queue[index]
            index += 1
            for what in Happening.all {
                guard let (reached, actions) = Self.step(place, what) else { continue }
                transitions += 1
                var next = reached
                next.path = place.path + ["\(what)"]
                for invariant in Self.invariants where invariant.isBroken(place, what, actions, next) {
                    Issue.record("\(invariant.sentence), but: \(next.path.joined(separator: "; ")) → \(actions)")
                    return
                }
                if visited.insert(next.key).inserted { queue.append(next) }
            }
            if let story = Self.doesNotConverge(place) {
                Issue.record("the goal is not reached from: \(place.path.joined(separator: "; ")) → \(story)")
                return
            }
        }
        print("explored \(handshake): \(visited.count) states, \(transitions) transitions, \(index) of them expanded")
    }

    /// States from which everything is tried; EXPLORE=100000 tries more than the minute that a test may take.
    private static let bound = ProcessInfo.processInfo.environment["EXPLORE"].flatMap(Int.init) ?? 2000

    /// Lets everything go well for two seconds; what is wrong then, or nil.
    private static func doesNotConverge(_ start: Place) -> String? {
        var place = start
        place.world.isEnabled = true
        for _ in 0..<200 {
            if place.lifecycle.inFlight != nil,
                let (next, _) = step(place, .finish(.done)) ?? step(place, .finish(.refused))
            {
                place = next
            }
            place.now = place.now + .milliseconds(10)
            guard let (next, _) = step(place, .look) else { return "no look" }
            place = next
        }
        let life = place.lifecycle
        if life.inFlight != nil { return "\(String(describing: life.inFlight)) still in flight" }
        if !life.waiting.isEmpty { return "nobody answered \(life.waiting)" }
        switch life.memory.goal {
        case .run:
            if life.condition != .running { return "\(life.condition)" }
            // such a definition is refused, and a command that would help is not permitted
            if life.supervised?.handshake == .unbounded(accepted: false) { return nil }
            return place.world.isAlive ? nil : "said to run, and does not"
        case .stop, .exist, .absent: return "\(String(describing: life.memory.goal)) still wanted"
        case .leave, nil: return nil
        }
    }
}
