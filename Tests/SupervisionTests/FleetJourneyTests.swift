// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// Nothing but the value, and what it is told.
@Suite("The fleet: the journeys of ARCHITECTURE.md")
struct FleetJourneyTests {
    private let start = Moment(nanoseconds: 1_000_000_000_000)

    private func seen(
        _ state: CellState, failed: [Int] = [], exits: UInt64? = nil, besides others: [Look.Guest] = []
    ) -> Look {
        let observation = Observation(id: 1, state: state, failedCPUs: failed, managementExits: exits.map { [$0] })
        return Look(.enabled, guests: [Look.Guest(name: CellName("rtems"), observation: observation)] + others)
    }

    private func given(_ actions: [FleetAction]) -> [DriverWork] {
        actions.compactMap { if case .give(let work) = $0 { work } else { nil } }
    }

    @Test(
        "A definition to CELL_CREATE: asked for after a request and a look, with the driver free and nobody in danger")
    func create() {
        var fleet = Fleet([:], memory: FleetMemory(), at: start)
        _ = fleet.handle(.looked(Look(.enabled)), at: start)
        _ = fleet.handle(.defined("rtems", FleetStory.cell()), at: start)
        #expect(given(fleet.handle(.looked(Look(.enabled)), at: start)) == [], "nobody has asked")

        #expect(given(fleet.handle(.requested(.cell(.start, "rtems"), 7), at: start)) == [], "nobody has looked")
        #expect(fleet.nextWake(after: start) == start)
        var endangered = fleet
        let actions = fleet.handle(.looked(Look(.enabled)), at: start)
        #expect(given(actions) == [.command(.create, of: "rtems", decidedOn: .absent)])
        #expect(fleet.inDriver == .command(.create, of: "rtems", decidedOn: .absent))

        // a cell that nobody defined may never answer when it is told
        let stranger = Look.Guest(name: CellName(bytes: [0xff]), observation: Observation(id: 2, state: .running))
        #expect(given(endangered.handle(.looked(Look(.enabled, guests: [stranger])), at: start)) == [])
    }

    @Test("Whether the hypervisor was enabled by the daemon or by another tool is told apart")
    func enabling() {
        func told(_ actions: [FleetAction]) -> [MachineReport] {
            actions.compactMap { if case .machine(let report) = $0 { report } else { nil } }
        }
        let system = FleetSystem(path: "/q35.toml", cpus: [0, 1])
        for looksMeanwhile in [false, true] {
            var fleet = Fleet([:], memory: FleetMemory(), at: start)
            _ = fleet.handle(.configured(system), at: start)
            _ = fleet.handle(.looked(Look(.disabled, onlineCPUs: [0, 1])), at: start)
            _ = fleet.handle(.requested(.enable(system), 7), at: start)
            let actions = fleet.handle(.looked(Look(.disabled, onlineCPUs: [0, 1])), at: start)
            #expect(given(actions) == [.enable(system)], "\(actions)")
            if looksMeanwhile { #expect(told(fleet.handle(.looked(Look(.enabled)), at: start)) == []) }
            let ended = fleet.handle(.finished(.machine(nil), Look(.enabled)), at: start)
            #expect(told(ended) == [.enabled(system, despite: nil)])
            #expect(told(fleet.handle(.looked(Look(.disabled)), at: start)) == [.seen(isEnabled: false)])
            #expect(told(fleet.handle(.looked(Look(.enabled)), at: start)) == [.seen(isEnabled: true)])
            _ = fleet.handle(.requested(.disable(others: false), 8), at: start)
            #expect(given(fleet.handle(.looked(Look(.enabled)), at: start)) == [.disable])
            if looksMeanwhile { #expect(told(fleet.handle(.looked(Look(.disabled)), at: start)) == []) }
            let disabled = fleet.handle(.finished(.machine(nil), Look(.disabled)), at: start)
            #expect(told(disabled) == [.disabled(despite: nil)])
        }
    }

    @Test("A state text to a restart: evidence, report, delay, load, pause, start, proof")
    func restart() {
        let policy = SupervisionPolicy(delay: .milliseconds(100))
        let definition = FleetStory.cell(.bounded, policy)
        var fleet = Fleet(["rtems": definition], memory: FleetMemory(), at: start)
        _ = fleet.handle(.looked(seen(.running, exits: 5)), at: start)
        #expect(fleet.cells["rtems"]?.lifecycle.condition == .running, "it is adopted as it is found")

        let failure = FailureCause.failed(cpus: [3])
        let actions = fleet.handle(.looked(seen(.failed, failed: [3])), at: start)
        #expect(actions.prefix(2) == [.keepEvidence(failure, of: "rtems"), .report(.failed(failure), of: "rtems")])
        #expect(given(actions) == [])
        let due = start + .milliseconds(100)
        #expect(fleet.nextWake(after: start) == due)
        #expect(given(fleet.handle(.looked(seen(.failed, failed: [3], exits: 6)), at: start + .milliseconds(99))) == [])

        let failed = seen(.failed, failed: [3], exits: 6)
        let load = given(fleet.handle(.looked(failed), at: due))
        #expect(load == [.command(.load, of: "rtems", decidedOn: failed.sighting(of: "rtems"))])
        _ = fleet.handle(.finished(.command(.done()), seen(.shutDown, exits: 6)), at: due)
        #expect(given(fleet.handle(.looked(seen(.shutDown, exits: 6)), at: due)) == [], "its CPU is not parked yet")
        let parked = due + .milliseconds(2)
        #expect(given(fleet.handle(.looked(seen(.shutDown, exits: 7)), at: parked)) == [], "a start could be lost")
        let startable = parked + .milliseconds(1)
        let started = given(fleet.handle(.looked(seen(.shutDown, exits: 7)), at: startable))
        #expect(started.count == 1)
        _ = fleet.handle(.finished(.command(.done()), seen(.running, exits: 7)), at: startable)
        #expect(fleet.cells["rtems"]?.lifecycle.condition == .starting, "it says that it runs; nothing proves it")
        let proof = fleet.handle(.looked(seen(.running, exits: 8)), at: startable + .milliseconds(1))
        #expect(proof.contains(.report(.conditionChanged(from: .starting, to: .running), of: "rtems")))
        #expect(fleet.cells["rtems"]?.lifecycle.memory.restarts == 1)
    }

    @Test("start rtems to its answer: what it requires first, one step after the other, and by a deadline")
    func request() {
        let definitions = ["base": FleetStory.cell(), "rtems": FleetStory.cell(requires: ["base"])]
        var story = FleetStory(definitions)
        let id = story.request(.cell(.start, "rtems"))
        #expect(story.works == ["create base"])
        story.run()
        #expect(story.works.last == "start rtems")
        #expect(story.answer(id) == .done())

        var stuck = FleetStory(definitions)
        stuck.isDriverStuck = true
        let late = stuck.request(.cell(.start, "rtems"))
        stuck.now = stuck.now + (Fleet.patience - .seconds(1))
        stuck.look()
        #expect(stuck.answer(late) == nil)
        stuck.now = stuck.now + .seconds(1)
        stuck.look()
        #expect(stuck.answer(late) == .failed(.timedOut(cell: "rtems")))
    }
}
