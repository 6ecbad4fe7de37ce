// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: cells of others")
struct FleetForeignTests {
    private static let alpha = ["alpha": FleetStory.cell()]
    private static let names: [CellName] = [CellName("other"), CellName(bytes: []), CellName(bytes: [0xff, 0xfe])]

    private func world(_ name: CellName, _ state: CellState = .running) -> FleetWorld {
        var world = FleetWorld()
        world.create(name, .unbounded(accepted: false))
        if state != .shutDown { world.start(0, .hangs) }
        world.cells[0].state = state
        return world
    }

    @Test(
        "Nothing is created beside a running cell that nobody here defines", arguments: names,
        [CellState.running, .communicationABIMismatch, .invalid])
    func create(name: CellName, state: CellState) {
        var story = FleetStory(Self.alpha, world: world(name, state))
        let start = story.request(.cell(.start, "alpha"))
        story.run(for: .seconds(10))
        #expect(story.world.frozenBy == nil)
        #expect(story.works == [])
        guard case .failed(.cell("alpha", .failed(.refused(.create, let refusal)))) = story.answer(start) else {
            Issue.record("\(story.answer(start).debugDescription)")
            return
        }
        #expect(refusal.message.contains(name.text ?? "#1 \(name.escaped)"))
    }

    @Test("Nothing is destroyed or disabled beside it either; load and start of a cell that exists tell nobody")
    func others() {
        var world = world(CellName("other"))
        world.create(CellName("alpha"), .bounded)
        var story = FleetStory(Self.alpha, world: world)
        let start = story.request(.cell(.start, "alpha"))
        story.run()
        #expect(story.answer(start) == .done())
        let destroy = story.request(.cell(.destroy, "alpha"))
        story.run()
        guard case .failed(.cell("alpha", .refused(.destroy, _))) = story.answer(destroy) else {
            Issue.record("\(story.answer(destroy).debugDescription)")
            return
        }
        let disable = story.request(.disable(others: true))
        story.run()
        #expect(story.answer(disable) == .failed(.unknownAnswer(cell: "other", to: .disable)))
        #expect(story.world.frozenBy == nil)
        #expect(story.works == ["load alpha", "start alpha"])
    }

    @Test("An automatic re-creation obeys the same")
    func automatic() {
        var story = FleetStory(Self.alpha)
        story.request(.cell(.start, "alpha"))
        story.run()
        story.world = world(CellName(bytes: []))
        story.actions = []
        story.run(for: .seconds(20))
        #expect(story.works == [])
        #expect(story.world.frozenBy == nil)
    }

    @Test(
        "A foreign cell that is shut down is destroyed by a disable only if that is wanted", arguments: [false, true])
    func disable(others: Bool) {
        var story = FleetStory(Self.alpha, world: world(CellName("other"), .shutDown))
        let disable = story.request(.disable(others: others))
        story.run()
        #expect(story.answer(disable) == (others ? .done() : .failed(.othersDestroyed(["other"]))))
    }

    /// Found by the exploration.
    @Test("A foreign cell that comes while a disable waits for its turn is not destroyed by it")
    func comesBeforeDisable() {
        var story = FleetStory(Self.alpha)
        story.look()
        story.send(.requested(.disable(others: false), 1))
        story.world.create(CellName("other"), .bounded)
        story.run()
        #expect(story.answer(1) == .failed(.othersDestroyed(["other"])))
        #expect(story.works == [])
    }

    @Test("While a cell cannot be seen, none is created")
    func incomplete() {
        var story = FleetStory(Self.alpha)
        story.look()
        story.send(.requested(.cell(.start, "alpha"), 1))
        story.send(.looked(Look(.enabled, guests: [])))
        story.actions = []
        var look = Look(.enabled)
        look.guests = [
            Look.Guest(name: CellName("other"), observation: Observation(id: 1, state: .shutDown), isCurrent: false)
        ]
        var blind = FleetStory(Self.alpha)
        blind.look()
        blind.send(.requested(.cell(.start, "alpha"), 1))
        blind.send(.looked(look))
        #expect(blind.works == [])
        blind.look()
        #expect(blind.works == ["create alpha"])
    }

    @Test("A cell whose definition was removed is known to answer: others come and go beside it")
    func removed() {
        var story = FleetStory(["alpha": FleetStory.cell(), "beta": FleetStory.cell(.passive)])
        story.request(.cell(.start, "beta"))
        story.run()
        story.send(.defined("beta", nil))
        let start = story.request(.cell(.start, "alpha"))
        story.run()
        #expect(story.answer(start) == .done())
        #expect(story.condition("beta") == .foreign)
    }
}
