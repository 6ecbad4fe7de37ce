// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// Found by chaos: each re-creation beside a stranger was refused, and counted as a failed restart, until the cell was
/// given up.
@Suite("The fleet: what nobody asked for waits until it cannot stall Linux")
struct FleetHeldBackTests {
    private static let definitions = [
        "alpha": FleetStory.cell(.bounded, SupervisionPolicy(limit: .init(attempts: 2, within: .seconds(60)))),
        "later": FleetStory.cell(requires: ["alpha"]),
    ]

    private func besideStranger() -> FleetStory {
        var story = FleetStory(Self.definitions)
        story.request(.cell(.start, "alpha"))
        story.run()
        story.world = FleetWorld()
        story.world.create(CellName("stranger"), .unbounded(accepted: false))
        story.world.start(0, .hangs)
        story.actions = []
        return story
    }

    @Test("A re-creation waits as long as the stranger runs, says for whom, and costs no attempt")
    func waits() {
        var story = besideStranger()
        story.run(for: .seconds(120))
        #expect(story.works == [])
        #expect(story.condition("alpha") == .starting)
        let stranger = Danger(cell: "stranger", kind: .unknown)
        #expect(story.fleet.cells["alpha"]?.waitsFor == .danger(stranger))
        #expect(story.actions.filter { $0 == .machine(.waits("alpha", .danger(stranger))) }.count == 1)

        story.world.cells = []
        story.run()
        #expect(story.condition("alpha") == .running)
        #expect(story.fleet.cells["alpha"]?.waitsFor == nil)
        #expect(story.fleet.cells["alpha"]?.lifecycle.memory.budget.attempts.count == 1)
    }

    @Test("It goes on when the stranger is given a definition, too")
    func defined() {
        var story = besideStranger()
        story.run()
        story.definitions["stranger"] = FleetStory.cell(.bounded)
        story.send(.defined("stranger", FleetStory.cell(.passive)))
        story.world.cells[0].state = .failed
        story.run()
        #expect(story.condition("alpha") == .running)
    }

    @Test("Whoever asks meanwhile is told at once, and the cell comes up later all the same")
    func asked() {
        var story = besideStranger()
        story.run()
        let start = story.request(.cell(.start, "alpha"))
        guard case .failed(.cell("alpha", .failed(.refused(.create, let refusal)))) = story.answer(start) else {
            Issue.record("\(story.answer(start).debugDescription)")
            return
        }
        #expect(refusal.message.contains("stranger"))
        story.run(for: .seconds(30))
        #expect(story.condition("alpha") == .starting)
        story.world.cells = []
        story.run()
        #expect(story.condition("alpha") == .running)
    }

    @Test("A cell that requires it waits in vain, and whoever starts that is told at once")
    func required() {
        var story = besideStranger()
        story.run()
        let start = story.request(.cell(.start, "later"))
        #expect(
            story.answer(start) == .failed(.waitsInVain("later", .requires(other: "alpha", .waitsInVain))))
        story.world.cells = []
        story.run()
        #expect(story.condition("later") == .running)
    }

    @Test("A stop ends the wait")
    func stopped() {
        var story = besideStranger()
        story.run()
        let stop = story.request(.cell(.stop, "alpha"))
        story.run()
        #expect(story.answer(stop) == .done())
        #expect(story.condition("alpha") == .absent)
        #expect(story.works == [])
    }
}

@Suite("The fleet: a disable that comes too late")
struct FleetOvertakenDisableTests {
    @Test("A disable before which another cell comes is judged anew")
    func judgedAnew() {
        var story = FleetStory(["alpha": FleetStory.cell()])
        let disable = story.request(.disable(others: false))
        #expect(story.works == ["disable"])
        story.world.create(CellName("other"), .bounded)
        story.world.areOthersChanged = true
        story.finish(.overtaken)
        story.world.areOthersChanged = false
        story.run()
        #expect(story.answer(disable) == .failed(.othersDestroyed(["other"])))
        #expect(story.works == ["disable"])
        #expect(story.fleet.machine == .enabled)
    }

    /// Found by the exploration.
    @Test("One that nobody waits for any more is not repeated")
    func notRepeated() {
        var story = FleetStory(["alpha": FleetStory.cell()])
        let disable = story.request(.disable(others: true))
        story.now = story.now + Fleet.patience + .seconds(1)
        story.look()
        #expect(story.answer(disable) == .failed(.timedOut(cell: nil)))
        story.world.areOthersChanged = true
        story.finish(.overtaken)
        story.world.areOthersChanged = false
        story.run()
        #expect(story.works == ["disable"])
        #expect(story.fleet.machine == .enabled)
    }

    /// Found by the exploration: it was rejected without a word, and everybody waited for it ever after.
    @Test("One that is overtaken while all cells are being shut down is left to that", arguments: [true, false])
    func beforeTheEnd(isAnswered: Bool) {
        var story = FleetStory(["alpha": FleetStory.cell()])
        let disable = story.request(.disable(others: false))
        story.isDriverStuck = true
        if isAnswered {
            story.now = story.now + Fleet.patience + .seconds(1)
            story.look()
        }
        let end = story.request(.shutDownAll(within: .seconds(8)))
        story.world.areOthersChanged = true
        story.isDriverStuck = false
        story.finish(.overtaken)
        story.world.areOthersChanged = false
        story.run()
        #expect(story.answer(disable) == .failed(isAnswered ? .timedOut(cell: nil) : .beingShutDown))
        #expect(story.answer(end) == .shutDown(ShutDownResult()))
        #expect(story.fleet.machine == .disabled(nil))
        #expect(story.works == ["disable", "disable"])
    }

    /// Found by the exploration.
    @Test("Who comes before one is overtaken counts at the end of the machine")
    func strangerBeforeTheEnd() {
        var story = FleetStory(["alpha": FleetStory.cell()])
        story.request(.disable(others: false))
        let end = story.request(.shutDownAll(within: .seconds(8)))
        story.world.create(CellName("other"), .unbounded(accepted: false))
        story.befall("other") { ($0.state, $0.inmate) = (.running, .hangs) }
        story.world.areOthersChanged = true
        story.finish(.overtaken)
        story.world.areOthersChanged = false
        story.run()
        #expect(story.world.frozenBy == nil)
        #expect(story.works == ["disable"])
        guard case .shutDown(let result) = story.answer(end) else {
            Issue.record("\(story.answer(end) as Any)")
            return
        }
        #expect(result.left.map(\.cell) == ["other"])
    }

    /// Found by the exploration.
    @Test("What was to be loaded is not loaded after the end of the machine")
    func lateImages() {
        var story = FleetStory(["alpha": FleetStory.cell()], readsImages: true)
        story.request(.cell(.start, "alpha"))
        story.finish()
        story.look()
        story.world.create(CellName("other"), .unbounded(accepted: false))
        story.befall("other") { ($0.state, $0.inmate) = (.running, .hangs) }
        story.request(.shutDownAll(within: .seconds(8)))
        story.send(.imagesRead("alpha", nil))
        story.run()
        #expect(story.works == ["create alpha"])
    }
}
