// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: words that are true")
struct FleetTruthTests {
    @Test(
        "A stop that was not answered says so, and for how long Linux was stalled",
        arguments: [Request.stop, .restart, .destroy])
    func unanswered(request: Request) {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .hangs }
        let id = story.request(.cell(request, "a"))
        story.run()
        #expect(story.answer(id) == .done(unanswered: FleetWorld.stall))
        let next = story.request(.cell(.start, "a"))
        story.run()
        #expect(story.answer(next) == .done())
    }

    @Test("A cell that the hypervisor stops while another is created did not answer")
    func neighbour() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .hangs }
        story.request(.cell(.create, "b"))
        story.run()
        let cause = FailureCause.didNotAnswer(Unanswered(command: .create, cell: "b", stall: FleetWorld.stall))
        #expect(story.actions.contains(.report(.failed(cause), of: "a")))
        #expect(story.condition("a") == .running, "it is restarted")
    }

    @Test("A cell with one dead CPU of two is restarted as one that failed", arguments: [true, false])
    func degraded(restarts: Bool) {
        let policy = SupervisionPolicy(restartsDegraded: restarts)
        var story = FleetStory(["a": FleetStory.cell(.bounded, policy)])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.failedCPUs = [1] }
        story.look()
        #expect(story.actions.contains(.keepEvidence(.cpusFailed([1]), of: "a")))
        story.run()
        #expect(story.condition("a") == (restarts ? .running : .degraded))
        #expect(story.fleet.cells["a"]?.lifecycle.memory.restarts == (restarts ? 1 : 0))
    }
}
