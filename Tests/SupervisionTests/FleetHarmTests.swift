// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// Found by a review of the daemon in the simulated machine.
@Suite("The fleet: what froze Linux, and who is blamed")
struct FleetHarmTests {
    @Test("After Linux has lost a CPU, the hypervisor is not disabled, neither on request nor at the end")
    func lostCPU() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.send(.lostCPUs(LostCPUs(parked: [1])))
        story.actions = []
        let disable = story.request(.disable(others: true))
        story.run()
        #expect(story.answer(disable) == .failed(.lostCPUs(LostCPUs(parked: [1]))))
        let end = story.request(.shutDownAll(within: .seconds(5)))
        story.run(for: .seconds(6))
        guard case .shutDown(let result) = story.answer(end) else {
            Issue.record("\(story.answer(end).debugDescription)")
            return
        }
        #expect(result.stopped == ["a"])
        #expect(result.notDisabled == .lostCPUs(LostCPUs(parked: [1])))
        #expect(story.works == ["shutdown a"])
        // another boot of the hypervisor
        story.send(.lostCPUs(LostCPUs()))
        let again = story.request(.disable(others: false))
        story.run()
        #expect(story.answer(again) == .done())
    }

    /// Found by the exploration.
    @Test("A disable that others have overtaken is not given again after Linux has lost a CPU")
    func lostCPUBeforeRetry() {
        var world = FleetWorld()
        world.create(CellName("other"), .bounded)
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        let end = story.request(.shutDownAll(within: .seconds(8)))
        #expect(story.works == ["disable"])
        story.send(.lostCPUs(LostCPUs(parked: [1])))
        (story.world.cells, story.world.areOthersChanged) = ([], true)
        story.finish(.overtaken)
        story.run()
        #expect(story.works == ["disable"])
        if case .shutDown(let result) = story.answer(end) {
            #expect(result.notDisabled == .lostCPUs(LostCPUs(parked: [1])))
        } else {
            Issue.record("\(story.answer(end).debugDescription)")
        }
    }

    @Test("After Linux has lost a CPU, no cell is created: Linux would wait for it to take another one offline")
    func createAfterLostCPU() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.send(.lostCPUs(LostCPUs(parked: [1])))
        story.actions = []
        let start = story.request(.cell(.start, "b"))
        story.run(for: .seconds(1))
        guard case .failed(let failure) = story.answer(start) else {
            Issue.record("\(story.answer(start).debugDescription)")
            return
        }
        #expect("\(failure)".contains("Linux lost CPU 1"))
        #expect(!story.works.contains { $0.hasPrefix("create") })
    }

    /// Seen on an Arm64 machine: the cell goes on saying that it runs, and the next destroy froze Linux.
    @Test("After the hypervisor itself has failed on a CPU, no command is given at all")
    func stoppedCPU() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.stoppedCPUs = [3] }
        story.send(.lostCPUs(LostCPUs(stopped: [3])))
        story.actions = []
        story.look()
        let life = story.fleet.cells["a"]?.lifecycle
        #expect(life?.condition == .failed && life?.memory.failure == .hypervisorFailed([3]), "it is not said to run")
        #expect(story.actions.contains(.keepEvidence(.hypervisorFailed([3]), of: "a")), "\(story.actions)")
        for request in [
            FleetRequest.cell(.stop, "a"), .cell(.restart, "a"), .cell(.start, "b"), .disable(others: true),
        ] {
            let id = story.request(request)
            story.run(for: .seconds(1))
            guard case .failed(let failure) = story.answer(id) else {
                Issue.record("\(request): \(story.answer(id).debugDescription)")
                continue
            }
            #expect(
                "\(failure)".contains("failed on CPU 3") || failure == .lostCPUs(LostCPUs(stopped: [3])), "\(failure)")
        }
        let end = story.request(.shutDownAll(within: .seconds(5)))
        story.run(for: .seconds(6))
        if case .shutDown(let result) = story.answer(end) {
            #expect(result.left.map(\.cell) == ["a"])
            #expect(result.notDisabled == .lostCPUs(LostCPUs(stopped: [3])))
        } else {
            Issue.record("\(story.answer(end).debugDescription)")
        }
        #expect(story.works == [])

        var heir = FleetStory(story.definitions, world: story.world, memory: story.fleet.memory)
        heir.look()
        heir.run(for: .seconds(1))
        #expect(heir.fleet.cells["a"]?.lifecycle.condition == .failed, "also for the daemon's successor")
        #expect(
            !heir.actions.contains(.keepEvidence(.hypervisorFailed([3]), of: "a")) && heir.works == [], "and only once")
    }

    /// The daemon looks each 10 ms, and a create that waits for an answer lasts longer.
    @Test("A cell that shows its failure before the command ends is not said to have declared it itself")
    func seenBeforeTheEnd() {
        var story = FleetStory([
            "a": FleetStory.cell(.bounded, SupervisionPolicy(restart: .never)), "b": FleetStory.cell(),
        ])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .hangs }
        story.actions = []
        let create = story.request(.cell(.create, "b"))
        #expect(story.works == ["create b"])
        // what the hypervisor has done by the end of the command is there to be seen before
        let handshakes = story.definitions.mapValues(\.supervised.handshake)
        guard let work = story.fleet.inDriver, let end = story.world.perform(work, .done, handshakes: handshakes) else {
            Issue.record("nothing is in the driver")
            return
        }
        story.look()
        story.look()
        story.send(.finished(end, story.world.look(story.fleet)))
        story.run()
        #expect(story.answer(create) == .done())
        let causes = story.actions.compactMap { action in
            if case .report(.failed(let cause), "a") = action { cause } else { nil }
        }
        #expect(causes.count == 1)
        guard case .didNotAnswer = causes.first else {
            Issue.record("a is said to have failed thus: \(causes)")
            return
        }
    }
}

@Suite("The fleet: a cell of another tool under a name that is defined")
struct FleetImpostorTests {
    private static let definitions = ["a": FleetStory.cell(), "b": FleetStory.cell(.bounded)]

    private func impostor() -> FleetStory {
        var story = FleetStory(Self.definitions)
        story.look()
        story.world.create(CellName("b"), .unbounded(accepted: false))
        story.world.start(0, .hangs)
        story.run()
        return story
    }

    @Test("No other cell is created beside it, and nothing is disabled; whoever asks is told which cell")
    func refused() {
        var story = impostor()
        let start = story.request(.cell(.start, "a"))
        story.run()
        guard case .failed(.cell("a", .failed(.refused(.create, let refusal)))) = story.answer(start) else {
            Issue.record("\(story.answer(start).debugDescription)")
            return
        }
        #expect(refusal.message.contains("the cell b was not created by the daemon"))
        let disable = story.request(.disable(others: true))
        story.run()
        #expect(story.answer(disable) == .failed(.unknownAnswer(cell: "b", to: .disable)))
        #expect(story.works == [] && story.world.frozenBy == nil)
    }

    @Test(
        "It is not asked to shut down for a stop, restart or destroy: nobody knows whether it answers",
        arguments: [Request.stop, .restart, .destroy], [false, true])
    func notAsked(request: Request, isPassive: Bool) {
        var story = FleetStory(["b": FleetStory.cell(isPassive ? .passive : .bounded)])
        story.look()
        story.world.create(CellName("b"), .unbounded(accepted: false))
        story.world.start(0, .hangs)
        story.run()
        let id = story.request(.cell(request, "b"))
        story.run()
        #expect(story.answer(id) == .failed(.cell("b", .madeByOthers)))
        #expect(story.works == [] && story.world.frozenBy == nil)
        #expect(story.condition("b") == .running)
    }

    @Test("One that does not run is destroyed, or started: nobody is asked", arguments: [CellState.shutDown, .failed])
    func notRunning(state: CellState) {
        for request in [Request.start, .destroy] {
            var story = impostor()
            story.befall("b") { ($0.state, $0.inmate) = (state, .none) }
            let id = story.request(.cell(request, "b"))
            story.run()
            #expect(story.answer(id) == .done())
            #expect(story.works == (request == .destroy ? ["destroy b"] : ["load b", "start b"]))
            guard request == .start else { continue }
            // by now it is the daemon's
            let stop = story.request(.cell(.stop, "b"))
            story.run()
            #expect(story.answer(stop) == .done())
        }
    }

    @Test("One that shows an unknown layout is asked like one that runs, so it is not restarted")
    func unknownLayout() {
        var story = impostor()
        story.befall("b") { $0.state = .communicationABIMismatch }
        story.run(for: .seconds(5))
        #expect(story.works == [] && story.world.frozenBy == nil)
    }

    @Test("The end of the machine leaves it alone")
    func end() {
        var story = impostor()
        let end = story.request(.shutDownAll(within: .seconds(5)))
        story.run(for: .seconds(6))
        guard case .shutDown(let result) = story.answer(end) else {
            Issue.record("\(story.answer(end).debugDescription)")
            return
        }
        #expect(result.left.map(\.reason) == [.unknownAnswer(cell: "b", to: .disable)])
        #expect(story.works == [] && story.world.frozenBy == nil)
    }

    @Test("A definition that is written for it makes it no more trustworthy")
    func defined() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.world.create(CellName("b"), .unbounded(accepted: false))
        story.world.start(1, .hangs)
        story.look()
        story.send(.defined("b", FleetStory.cell(.bounded)))
        story.run()
        story.actions = []
        let destroy = story.request(.cell(.destroy, "a"))
        story.run()
        #expect(story.works == ["shutdown a"] || story.works == [])
        #expect(story.answer(destroy) != .done())
        #expect(story.world.frozenBy == nil)
    }

    @Test("One that the daemon has started itself is trusted, and so are all when the state file is lost")
    func trusted() {
        var story = FleetStory(Self.definitions)
        story.look()
        story.world.create(CellName("b"), .bounded)
        let start = story.request(.cell(.start, "b"))
        story.run()
        #expect(story.answer(start) == .done())
        let other = story.request(.cell(.start, "a"))
        story.run()
        #expect(story.answer(other) == .done())

        var lost = FleetMemory()
        lost.isLost = true
        var successor = FleetStory(Self.definitions, world: story.world, memory: lost)
        successor.definitions = Self.definitions
        let destroy = successor.request(.cell(.destroy, "a"))
        successor.run()
        #expect(successor.answer(destroy) == .done())
    }
}
