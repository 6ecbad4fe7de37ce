// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: the end of the machine")
struct FleetEndTests {
    private func result(_ story: FleetStory, _ id: RequestID) -> ShutDownResult? {
        if case .shutDown(let result) = story.answer(id) { result } else { nil }
    }

    @Test("Cells are stopped in the reverse order of their start, and the hypervisor is disabled")
    func order() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell(), "c": FleetStory.cell()])
        for name in ["b", "a", "c"] {
            story.request(.cell(.start, name))
            story.run()
        }
        story.actions = []
        let end = story.request(.shutDownAll(within: .seconds(30)))
        let start = story.request(.cell(.start, "a"))
        #expect(story.answer(start) == .failed(.shuttingDown(cell: "a")))
        story.run()
        #expect(result(story, end)?.stopped == ["c", "a", "b"])
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["shutdown c", "shutdown a", "shutdown b", "disable"])
    }

    @Test("One that denies does not take the others' time; one that nobody knows is left alone")
    func refusals() {
        var world = FleetWorld()
        world.create(CellName(bytes: [0xff]), .unbounded(accepted: false))
        world.start(0, .hangs)
        world.create(CellName("a"), .bounded)
        world.create(CellName("b"), .bounded)
        var story = FleetStory(
            ["a": FleetStory.cell(), "b": FleetStory.cell(.bounded, SupervisionPolicy(stopTimeout: .seconds(600)))],
            world: world)
        for name in ["a", "b"] {
            story.request(.cell(.start, name))
            story.run()
        }
        story.befall("b") { $0.inmate = .denies }
        let began = story.now
        let end = story.request(.shutDownAll(within: .seconds(30)))
        story.run(for: .seconds(31))
        #expect(result(story, end)?.stopped == ["a"])
        #expect(result(story, end)?.left.map(\.cell) == ["b", #"#1 "\xff""#])
        #expect(result(story, end)?.left.first?.reason == .deniesShutdown("b"))
        #expect(result(story, end)?.notDisabled != nil)
        #expect(story.now - began < .seconds(40))
        #expect(story.world.frozenBy == nil)
    }

    @Test("A cell whose definition was removed is stopped, since it is known how it answers", arguments: [false, true])
    func removed(isNewDaemon: Bool) {
        var story = FleetStory(["a": FleetStory.cell(.passive)])
        story.request(.cell(.start, "a"))
        story.run()
        story.send(.defined("a", nil))
        story.look()
        if isNewDaemon {
            let world = story.world
            story = FleetStory([:], world: world, memory: story.fleet.memory)
        }
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run()
        #expect(result(story, end) == ShutDownResult(stopped: ["a"]))
        #expect(story.world.hypervisor == .disabled)
    }

    @Test("Cells that nobody defined and that do not run are destroyed with the hypervisor's end, and named")
    func namesTheDestroyed() {
        var world = FleetWorld()
        world.create(CellName("other"), .bounded)
        world.create(CellName(bytes: [0xff]), .bounded)
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        story.request(.cell(.start, "a"))
        story.run()
        var refused = story
        refused.endings = [.done, .refused]
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run()
        #expect(result(story, end) == ShutDownResult(stopped: ["a"], destroyed: ["other", #"#2 "\xff""#]))

        let failed = refused.request(.shutDownAll(within: .seconds(10)))
        refused.run()
        #expect(result(refused, failed)?.notDisabled != nil)
        #expect(result(refused, failed)?.destroyed == [], "they are still there")
    }

    @Test("It is answered in time, whatever holds the driver")
    func stuck() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.isDriverStuck = true
        let began = story.now
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run(for: .seconds(11))
        #expect(result(story, end)?.left.map(\.cell) == ["a"])
        #expect(story.now - began < .seconds(12))
    }

    /// Found by the exploration.
    @Test("A disable that nobody wants any more, since its time was over, is not given later")
    func lateDisable() {
        var world = FleetWorld()
        world.create(CellName("other"), .bounded)
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        story.isDriverStuck = true
        let first = story.request(.shutDownAll(within: .seconds(8)))
        story.run(for: .seconds(9))
        #expect(result(story, first)?.notDisabled != nil)
        let second = story.request(.shutDownAll(within: .seconds(8)))
        story.isDriverStuck = false
        story.endings = [.refused]
        story.run()
        #expect(result(story, second)?.notDisabled == nil)
        story.run(for: .seconds(20))
        #expect(story.works == ["disable", "disable"])
    }

    /// Found by the exploration.
    @Test("A disable that fails while all cells are being shut down starts none again")
    func failedDisable() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.isDriverStuck = true
        let disable = story.request(.disable(others: false))
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.actions.removeAll { if case .give = $0 { true } else { false } }
        story.isDriverStuck = false
        story.endings = [.refused]
        story.run()
        #expect(story.answer(disable) != nil)
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["shutdown a", "disable"])
    }

    @Test("What is being enabled is waited for, and then disabled")
    func enabling() {
        var world = FleetWorld()
        world.hypervisor = .disabled
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        let enable = story.request(.enable(FleetStory.system))
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run()
        #expect(story.answer(enable) == .done())
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["enable", "disable"])
    }
}
