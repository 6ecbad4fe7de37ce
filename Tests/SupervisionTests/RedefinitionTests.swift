// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("Definitions that change while the cell is there")
struct RedefinitionTests {
    private static let unbounded = Handshake.unbounded(accepted: true)
    private static let bounded = Supervised(policy: SupervisionPolicy(), handshake: .bounded)

    /// Its start was lost, and its answers would be waited for without end.
    private func silent() -> Story {
        var story = Story(handshake: Self.unbounded)
        story.goToStart()
        story.finish(.start, .running)
        story.wait(Verification.patience)
        story.see(.running)
        return story
    }

    private func isLeftAlone(_ story: inout Story) -> Bool {
        let id = story.request(.stop)
        return story.commands == [] && story.answer(to: id) == .some(.wouldFreeze)
    }

    @Test("A time limit that the definition has got since is not one of the cell that is there")
    func limit() {
        var story = silent()
        story.send(.defined(Self.bounded))
        #expect(isLeftAlone(&story))

        var successor = Story(handshake: .bounded, memory: story.lifecycle.memory)
        successor.see(.running)
        #expect(successor.lifecycle.isKnownSilent)
        #expect(isLeftAlone(&successor))
    }

    @Test("It counts for the next cell of this name")
    func nextCell() {
        var story = silent()
        story.send(.defined(Self.bounded))
        story.see(nil)
        story.lifecycle.memory.trustsFirstSight = true
        story.see(.running, id: 2)
        story.request(.stop)
        #expect(story.commands == [.shutDown])
    }

    @Test("That the definition changed while the cell was being created changes nothing about it")
    func duringCreate() {
        var story = Story(handshake: .unbounded(accepted: false))
        story.see(nil)
        story.request(.create)
        story.send(.defined(Self.bounded))
        story.finish(.create, .shutDown)
        story.see(.running)
        #expect(isLeftAlone(&story))
    }

    @Test("Acceptance is the definition's as it is now")
    func acceptance() {
        var story = Story(handshake: .unbounded(accepted: false))
        story.see(.running)
        #expect(isLeftAlone(&story))
        story.send(.defined(Supervised(policy: SupervisionPolicy(), handshake: Self.unbounded)))
        story.request(.stop)
        #expect(story.commands == [.shutDown])
    }

    @Test("An inmate that does not answer is known for that when its definition goes and comes back")
    func removed() {
        var story = silent()
        story.send(.defined(nil))
        var successor = Story(handshake: .bounded, memory: story.lifecycle.memory)
        successor.see(.running)
        #expect(isLeftAlone(&successor))
        story.send(.defined(Self.bounded))
        #expect(isLeftAlone(&story))
    }
}

@Suite("A start that is verified, while its definition goes and comes")
struct RedefinedStartTests {
    @Test("It is verified when there is a definition again", arguments: [false, true])
    func goesAndComes(isSeenMeanwhile: Bool) {
        var story = Story()
        story.goToStart()
        story.finish(.start, .running)
        story.send(.defined(nil))
        if isSeenMeanwhile { story.see(.running) }
        story.send(.defined(Supervised(policy: SupervisionPolicy(), handshake: .bounded)))
        story.see(.running)
        #expect(story.condition == .starting)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.commands == [.load], "it was lost")
    }
}

@Suite("What was wanted before")
struct WantedBeforeTests {
    @Test("A second stop that is denied as well leaves the inmate looked after")
    func secondStop() {
        var story = Story()
        story.bringUp()
        story.request(.stop)
        story.request(.stop)
        story.refuse(.shutDown, .denied, .running)
        story.wait(SupervisionPolicy().stopTimeout)
        story.refuse(.shutDown, .denied, .running)
        story.see(.running)
        story.refuse(.shutDown, .denied, .running)
        #expect(story.lifecycle.desired == "running")
    }

    @Test("A disable that fails leaves wanted what nobody has asked otherwise of meanwhile, and counts as before")
    func retained() {
        var story = Story()
        story.bringUp()
        story.see(.failed)
        let budget = story.lifecycle.memory.budget
        story.loadAndStart()
        story.send(.released)
        #expect(story.lifecycle.desired == "stopped")
        story.send(.retained)
        #expect(story.lifecycle.desired == "running")
        #expect(story.lifecycle.memory.budget == budget)

        story.send(.released)
        let id = story.request(.stop)
        story.send(.retained)
        #expect(story.lifecycle.desired == "stopped")
        story.finish(.shutDown, .shutDown)
        #expect(story.isDone(id))
        #expect(story.commands == [])
    }
}
