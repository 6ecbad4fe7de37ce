// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import TestSupport
import Testing

@testable import Supervision

/// A hypervisor with one cell, a few lines long: what commands do, what goes wrong, what others do behind one's back.
private struct World {
    var random: SeededGenerator
    var isEnabled = true
    var state: CellState?
    var id = 0
    var exits: UInt64 = 0
    /// Images lie in memory that nothing has executed since.
    var isFresh = false
    /// The inmate executes.
    var isAlive = false
    var hasFaults = true

    mutating func chance(_ percent: Int) -> Bool {
        hasFaults && Int.random(in: 0..<100, using: &random) < percent
    }

    var sighting: Sighting {
        guard isEnabled else { return .disabled }
        guard let state else { return .absent }
        return .present(Observation(id: id, state: state, managementExits: [exits]))
    }

    mutating func perform(_ command: Command) -> Outcome {
        let refused = Outcome.refused(Refusal(kind: .other, message: "no", errno: 22))
        guard isEnabled else { return refused }
        guard (state == nil) == (command == .create) else { return refused }
        if state?.isAskedToShutDown == true, isAlive, chance(20) {
            return .refused(Refusal(kind: .denied, message: "denied", errno: 1))
        }
        switch command {
        case .create:
            if chance(10) { return refused }
            id = Int.random(in: 1...3, using: &random)
            state = .shutDown
            exits = 1
            isFresh = false
            isAlive = false
        case .load:
            state = .shutDown
            exits += 1
            isAlive = false
            isFresh = !chance(10)
            if !isFresh { return refused }
        case .shutDown:
            state = .shutDown
            exits += 1
            isAlive = false
        case .start:
            state = .running
            if chance(15) { return .done() }
            exits += 1
            isAlive = isFresh
            isFresh = false
        case .destroy:
            state = nil
            isAlive = false
        }
        return .done()
    }

    mutating func misfortune() {
        switch Int.random(in: 0..<9, using: &random) {
        case 0 where state == .running: (state, isAlive) = (.failed, false)
        case 1 where state == .running: (state, isAlive) = (.shutDown, false)
        case 2: (state, isAlive) = (nil, false)
        case 3: (isEnabled, state, isAlive) = (false, nil, false)
        case 4: isEnabled = true
        case 5 where state == nil && isEnabled: (state, exits, id) = (.shutDown, 1, 2)
        case 6 where state == .running: state = .runningLocked
        case 7 where state == .runningLocked: state = .running
        case 8 where state == .running: (state, isAlive) = (.invalid, false)
        default: break
        }
    }
}

@Suite("Whatever happens")
struct WorldTests {
    @Test("When faults cease, what is wanted is reached", arguments: 0..<300)
    func reached(seed: UInt64) {
        var world = World(random: .init(seed: seed))
        let policy = SupervisionPolicy(
            restart: seed.isMultiple(of: 2) ? .onFailure : .always, delay: .milliseconds(10),
            maximumDelay: .milliseconds(100), limit: .init(attempts: 5, within: .seconds(10)),
            stopTimeout: .seconds(1))
        var story = Story(policy, handshake: seed.isMultiple(of: 3) ? .passive : .bounded)
        var pending: Command?
        var lastRequest = Request.start
        var unanswered: Set<RequestID> = []

        func look(_ story: inout Story) {
            for action in story.actions {
                switch action {
                case .run(let command):
                    #expect(pending == nil, "one command at a time (seed \(seed))")
                    if command == .start {
                        #expect(world.isFresh || !world.isAlive && world.state != .running || !world.isEnabled)
                    }
                    pending = command
                case .answer(let id, _): unanswered.remove(id)
                default: break
                }
            }
            story.actions = []
        }

        for step in 0..<1500 {
            if step == 1000 {
                world.hasFaults = false
                world.isEnabled = true
            }
            if step < 1000, world.chance(5) { world.misfortune() }
            if step < 1000 && world.chance(2) || step == 1001 {
                let request: Request =
                    [.start, .stop, .restart, .destroy, .create].randomElement(using: &world.random) ?? .start
                lastRequest = step == 1001 && request == .create ? .start : request
                unanswered.insert(story.request(lastRequest))
                look(&story)
            }
            if let command = pending, !world.chance(30) {
                pending = nil
                let outcome = world.perform(command)
                story.send(.finished(command, outcome, world.sighting))
                look(&story)
            }
            story.wait(.milliseconds(10))
            story.send(.seen(world.sighting))
            look(&story)
        }

        #expect(pending == nil)
        #expect(unanswered == [], "every request is answered (seed \(seed))")
        switch lastRequest {
        case .start, .restart:
            #expect(story.condition == .running, "seed \(seed)")
            #expect(world.isAlive, "seed \(seed)")
        case .stop: #expect(world.state == nil || world.state == .shutDown, "seed \(seed)")
        case .destroy: #expect(world.state == nil, "seed \(seed)")
        case .create: break
        }
    }
}
