// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet at rest")
struct FleetRestTests {
    private func running(_ policy: SupervisionPolicy = SupervisionPolicy()) -> FleetStory {
        var story = FleetStory(["a": FleetStory.cell(.bounded, policy), "b": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        return story
    }

    @Test("It rests when its cells run or are not wanted")
    func rests() {
        let story = running()
        #expect(story.condition("a") == .running)
        #expect(story.fleet.isAtRest(at: story.now))
    }

    @Test("It does not rest before the first look, nor while somebody waits or the driver works")
    func works() {
        var story = FleetStory(["a": FleetStory.cell()])
        #expect(!story.fleet.isAtRest(at: story.now))
        story.look()
        #expect(story.fleet.isAtRest(at: story.now))
        story.isDriverStuck = true
        story.request(.cell(.start, "a"))
        #expect(!story.fleet.isAtRest(at: story.now))
    }

    @Test("It does not rest while exits are counted to see whether a cell is alive")
    func liveness() {
        let story = running(SupervisionPolicy(liveness: .vmExits(stall: .seconds(3))))
        #expect(!story.fleet.isAtRest(at: story.now))
    }

    @Test("After a restart it rests once the restart is forgotten")
    func restart() {
        var story = running()
        story.befall("a") { $0.state = .failed }
        story.run(for: .seconds(1))
        #expect(story.condition("a") == .running)
        #expect(!story.fleet.isAtRest(at: story.now))
        story.run(for: .seconds(70))
        #expect(story.fleet.isAtRest(at: story.now))
    }

    @Test("It does not rest while a cell waits for its restart, nor on a look that did not show all")
    func waits() {
        var story = running(SupervisionPolicy(delay: .seconds(5)))
        var look = story.world.look(story.fleet)
        look.isComplete = false
        story.send(.looked(look))
        #expect(!story.fleet.isAtRest(at: story.now))
        story.befall("a") { $0.state = .failed }
        story.look()
        #expect(story.condition("a") == .backingOff)
        #expect(!story.fleet.isAtRest(at: story.now))
    }
}
