// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("What is found when the daemon comes")
struct AdoptionTests {
    private func remembered(_ change: (inout LifecycleMemory) -> Void) -> LifecycleMemory {
        var memory = LifecycleMemory()
        change(&memory)
        return memory
    }

    @Test("A running cell is adopted and not touched, whatever was wanted", arguments: [nil, Goal.run, .leave])
    func running(goal: Goal?) {
        var story = Story(memory: goal.map { goal in remembered { $0.goal = goal } })
        story.see(.running)
        #expect(story.commands == [])
        #expect(story.condition == .running)
        #expect(story.reports.contains(.adopted(.running)))
    }

    @Test("autostart starts a cell when there is no memory of this boot")
    func autostart() {
        var story = Story(SupervisionPolicy(autostart: true))
        story.see(nil)
        #expect(story.commands == [.create])

        story = Story(SupervisionPolicy(autostart: true), memory: remembered { $0.goal = .leave })
        story.see(nil)
        #expect(story.commands == [])
    }

    @Test("What was wanted is carried on")
    func carriedOn() {
        var story = Story(memory: remembered { $0.goal = .run })
        story.see(.shutDown)
        #expect(story.commands == [.load])

        story = Story(memory: remembered { $0.goal = .stop })
        story.see(.running)
        #expect(story.commands == [.shutDown])

        story = Story(
            memory: remembered {
                $0.aim = .leave(.isGivenUp)
            })
        story.see(.failed)
        #expect(story.condition == .gaveUp)
        #expect(story.commands == [])
    }

    @Test("A cell that is destroyed and created between two looks, with the same name and number, is another one")
    func sameNumber() {
        var story = Story()
        story.incarnation = 70
        story.bringUp()
        #expect(!story.lifecycle.isMadeByOthers)
        story.see(.running)
        #expect(story.reports == [])

        story.incarnation = 71
        story.see(.running)
        #expect(story.reports.contains(.replaced(id: 1)))
        #expect(story.lifecycle.isMadeByOthers)
        #expect(story.condition == .running && story.commands == [])
        let stop = story.request(.stop)
        #expect(story.answer(to: stop) == .some(.madeByOthers))
        #expect(story.condition == .running)
    }

    @Test("Also between two daemons; what an older one wrote says nothing about it", arguments: [nil, 70, 71])
    func sameNumberLater(incarnation: UInt64?) {
        var story = Story()
        story.incarnation = 70
        story.bringUp()
        var successor = Story(memory: story.lifecycle.memory)
        if incarnation == nil { successor.lifecycle.memory.creation?.incarnation = nil }
        successor.lifecycle.memory.trustsFirstSight = nil
        successor.incarnation = incarnation ?? 71
        successor.see(.running)
        #expect(successor.reports.contains(.replaced(id: 1)) == (incarnation == 71))
        #expect(successor.lifecycle.isMadeByOthers == (incarnation == 71))
        #expect(successor.lifecycle.memory.creation?.incarnation == incarnation ?? 71)
        #expect(successor.condition == .running && successor.commands == [])
    }

    @Test("A failure is counted once, also over a restart of the daemon")
    func countedOnce() {
        var story = Story()
        story.bringUp()
        story.see(.failed)
        let memory = story.lifecycle.memory
        #expect(memory.budget.attempts.count == 1)

        var successor = Story(memory: memory)
        successor.now = story.now + .seconds(1)
        successor.see(.failed)
        #expect(successor.commands == [.load])
        #expect(successor.lifecycle.memory.budget.attempts.count == 1)
        #expect(successor.lifecycle.memory.restarts == 1)
    }

    @Test("A start whose effect the daemon before did not see is verified")
    func unverified() {
        var story = Story()
        story.goToStart()
        #expect(story.commands == [.start])

        var successor = Story(memory: story.lifecycle.memory)
        successor.exits = story.exits
        successor.see(.running)
        #expect(successor.condition == .starting)
        successor.wait(Verification.patience)
        successor.see(.running)
        #expect(successor.commands == [.load])
    }

    @Test("How long a cell has been as it is survives the daemon")
    func since() {
        var story = Story()
        story.bringUp()
        let since = story.lifecycle.since
        var successor = Story(memory: story.lifecycle.memory)
        successor.now = story.now + .seconds(10)
        successor.see(.running)
        #expect(successor.lifecycle.since == since)
        successor.see(.failed)
        #expect(successor.lifecycle.since == successor.now)
    }

    @Test("A cell of the same name with another number is another cell")
    func replaced() {
        var story = Story()
        story.bringUp()
        story.see(.running, id: 2)
        #expect(story.reports.contains(.replaced(id: 2)))
        #expect(story.commands == [])
        #expect(story.condition == .running)
    }
}
