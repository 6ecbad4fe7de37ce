// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// What a goal brings with it ends with the goal.
@Suite("A goal and what belongs to it")
struct AimTests {
    private static let once = SupervisionPolicy(limit: .init(attempts: 1, within: .seconds(60)))

    /// Running, after a failure and its restart.
    private func restarted() -> Story {
        var story = Story(Self.once)
        story.bringUp()
        story.see(.failed)
        story.wait(.seconds(1))
        story.see(.failed)
        story.loadAndStart()
        return story
    }

    @Test("A stop that was taken back before it was denied leaves nothing to look for")
    func stopTakenBack() {
        var story = Story()
        story.bringUp()
        story.request(.stop)
        let start = story.request(.start)
        story.refuse(.shutDown, .denied, .running)
        #expect(story.isDone(start))
        #expect(story.lifecycle.nextLook(after: story.now + .seconds(1)) == nil)
    }

    @Test("A restart that was denied, and then cannot be done, leaves nothing to look for")
    func restartGivenUp() {
        var story = Story()
        story.bringUp()
        story.request(.restart)
        story.refuse(.load, .denied, .running)
        story.wait(.milliseconds(250))
        story.see(.running)
        #expect(story.commands == [.load])
        story.refuse(.load, .definition, .running)
        #expect(story.condition == .running)
        #expect(story.lifecycle.nextLook(after: story.now + .seconds(1)) == nil)
    }

    @Test("A lost start is repeated when the delay is over, and not looked for before")
    func lostWhileBackingOff() {
        var story = Story(SupervisionPolicy(delay: .seconds(1)))
        story.goToStart()
        story.request(.stop)
        story.refuse(.start, .denied, .running)
        #expect(story.commands == [.shutDown])
        story.request(.restart)
        story.refuse(.shutDown, .other, .running)
        #expect(story.condition == .backingOff)
        let restart = story.now + .seconds(1)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.reports.contains(.lostStart(attempt: 1)))
        story.wait(.milliseconds(100))
        story.see(.running)
        #expect(story.lifecycle.nextLook(after: story.now) == restart)
        story.now = restart
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("What was given up is not started because the hypervisor was not disabled after all")
    func givenUp() {
        var story = restarted()
        story.request(.stop)
        story.request(.start)
        story.refuse(.shutDown, .denied, .running)
        story.lifecycle.memory.budget = RestartBudget()
        for _ in 0..<2 {
            story.see(.failed)
            story.wait(.seconds(1))
            story.see(.failed)
            if story.commands == [.load] { story.loadAndStart() }
        }
        #expect(story.condition == .gaveUp)
        story.send(.released)
        story.send(.retained)
        story.see(.failed)
        #expect(story.condition == .gaveUp)
        #expect(story.commands == [])
    }

    @Test("What ended by itself is not started because the hypervisor was not disabled after all")
    func ended() {
        var story = Story()
        story.bringUp()
        story.request(.stop)
        story.request(.start)
        story.refuse(.shutDown, .denied, .running)
        story.see(.shutDown)
        story.send(.released)
        story.send(.retained)
        story.see(.shutDown)
        #expect(story.condition == .stopped)
        #expect(story.commands == [])
    }

    @Test("What was to run is wanted again after a disable that failed, whatever ended meanwhile")
    func resumed() {
        var story = Story()
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.send(.released)
        story.refuse(.load, .other, .shutDown)
        story.send(.retained)
        story.see(.shutDown)
        #expect(story.commands == [.load])
    }

    @Test("A cell that is given up while it waits for its restart announces none")
    func noRestart() {
        var story = Story(Self.once)
        story.bringUp()
        story.see(.failed)
        #expect(story.lifecycle.nextRestart != nil)
        story.see(nil)
        #expect(story.condition == .gaveUp)
        #expect(story.lifecycle.nextRestart == nil)
    }

    @Test("A denial does not show for how long Linux was stalled by an earlier request")
    func stall() {
        var story = Story()
        story.bringUp()
        story.request(.restart)
        story.finish(.load, .shutDown, timedOut: true)
        #expect(story.lifecycle.memory.lastStall == .milliseconds(700))
        story.exitsGrow()
        story.see(.shutDown)
        story.wait(.milliseconds(1))
        story.see(.shutDown)
        story.finish(.start, .running)
        story.exitsGrow()
        story.see(.running)
        story.request(.stop)
        story.refuse(.shutDown, .denied, .running)
        #expect(story.lifecycle.memory.lastAnswer == .denied)
        #expect(story.lifecycle.memory.lastStall == nil)
    }
}
