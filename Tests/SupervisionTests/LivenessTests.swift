// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("Signs of life") struct LivenessTests {
    private static let rule = Liveness(.listener, within: .seconds(3), afterStart: .seconds(10))

    private func story(
        _ restart: SupervisionPolicy.Restart = .onFailure, restartsSilent: Bool = true,
        _ rule: Liveness = LivenessTests.rule, _ handshake: Handshake = .bounded, memory: LifecycleMemory? = nil
    ) -> Story {
        let policy = SupervisionPolicy(
            restart: restart, restartsSilent: restartsSilent, delay: .zero, liveness: rule)
        return Story(policy, handshake: handshake, memory: memory)
    }

    @Test("A cell whose sign does not come in time is restarted, not before")
    func restarted() {
        var story = story()
        story.bringUp()
        story.see(.running)
        story.wait(.milliseconds(9999))
        story.hearNothing()
        #expect(story.actions == [])
        story.send(.heard(.sign))
        story.wait(.milliseconds(2999))
        story.hearNothing()
        #expect(story.condition == .running && story.actions == [])
        story.wait(.milliseconds(1))
        story.hearNothing()
        #expect(story.actions.first == .keepEvidence(.silent))
        #expect(story.reports.contains(.failed(.silent)))
        #expect(story.commands == [.load])
    }

    /// make explore, others: its restart was announced, and then nothing was said.
    @Test("A silent cell of another tool's is not restarted, and the reason is said")
    func leftAlone() {
        var story = story()
        story.lifecycle.memory.trustsFirstSight = nil
        story.see(.running)
        story.see(.running)
        story.wait(.seconds(10))
        story.hearNothing()
        #expect(story.reports.contains(.failed(.silent)))
        #expect(story.reports.contains(.leftAlone(.madeByOthers)))
        #expect(story.commands == [] && story.condition == .failed)
    }

    @Test("It died in another way before that was seen: one failure, of that kind")
    func died() {
        var story = story()
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(10))
        story.send(.heard(.silence))
        #expect(story.actions == [])
        story.see(.failed, failedCPUs: [2])
        #expect(story.reports.contains(.failed(.failed(cpus: [2]))) && !story.reports.contains(.failed(.silent)))
    }

    @Test("A rule that is read anew begins anew")
    func redefined() {
        var story = story(.never)
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(60))
        story.send(.defined(nil))
        story.send(
            .defined(Supervised(policy: SupervisionPolicy(restart: .never, liveness: Self.rule), handshake: .bounded)))
        story.hearNothing()
        #expect(story.condition == .running)
    }

    @Test("Without its first sign it has the time after its start")
    func afterStart() {
        var story = story()
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(10))
        story.hearNothing()
        #expect(story.reports.contains(.failed(.silent)))
    }

    @Test("Nobody listened: nothing is known, and nothing is done")
    func nobodyListened() {
        var story = story()
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(3600))
        story.see(.running)
        #expect(story.condition == .running && story.actions == [])
    }

    @Test("Of a watchdog, each look judges")
    func watchdog() {
        var story = story(.onFailure, Liveness(.calls, within: .seconds(3)))
        story.bringUp()
        story.see(.running)
        story.wait(.milliseconds(2900))
        story.send(.heard(.sign))
        story.wait(.milliseconds(2900))
        story.see(.running)
        #expect(story.condition == .running)
        story.wait(.milliseconds(100))
        story.see(.running)
        #expect(story.reports.contains(.failed(.silent)))
    }

    @Test("What is not restarted is silent, until it gives a sign", arguments: [true, false])
    func silent(never: Bool) {
        var story = story(never ? .never : .onFailure, restartsSilent: never)
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(10))
        story.hearNothing()
        #expect(
            story.actions == [
                .keepEvidence(.silent), .report(.silent(after: .seconds(10))),
                .report(.conditionChanged(from: .running, to: .silent)),
            ])
        story.wait(.seconds(10))
        story.hearNothing()
        #expect(story.actions == [])
        story.send(.heard(.sign))
        #expect(story.actions == [.report(.alive), .report(.conditionChanged(from: .silent, to: .running))])
    }

    @Test("A successor knows that it is silent, and does not say so again")
    func successor() throws {
        var first = story(.never)
        first.bringUp()
        first.see(.running)
        first.wait(.seconds(10))
        first.hearNothing()
        var second = story(.never, memory: first.lifecycle.memory)
        second.see(.running)
        #expect(second.condition == .silent)
        second.wait(.seconds(10))
        second.hearNothing()
        #expect(second.actions == [])
        second.send(.heard(.sign))
        #expect(second.condition == .running)
    }

    @Test("Linux is not made to wait for the answer of a silent cell, and is again once it speaks")
    func unbounded() {
        var story = story(.never, Self.rule, .unbounded(accepted: true))
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(10))
        story.hearNothing()
        #expect(story.lifecycle.isTakenForSilent)
        let refused = story.request(.stop)
        #expect(story.answer(to: refused) == .some(.wouldFreeze))
        story.send(.heard(.sign))
        #expect(!story.lifecycle.isTakenForSilent)
        story.request(.stop)
        #expect(story.commands == [.shutDown])
    }

    @Test("A silent cell is stopped and started on request, and is then watched anew")
    func anew() {
        var story = story(.never)
        story.bringUp()
        story.see(.running)
        story.wait(.seconds(10))
        story.hearNothing()
        story.request(.restart)
        #expect(story.commands == [.load])
        story.finish(.load, .shutDown)
        #expect(story.lifecycle.memory.quietID == nil)
    }

    @Test("VM exits of a cell that is not restarted")
    func exits() {
        var story = story(.never, .vmExits(stall: .seconds(3)))
        story.bringUp()
        story.see(.running, total: 10)
        story.wait(.seconds(3))
        story.see(.running, total: 10)
        #expect(story.condition == .silent)
        story.see(.running, total: 11)
        #expect(story.condition == .running && story.reports.contains(.alive))
    }
}

extension Story {
    /// A listener heard nothing, and the daemon looks.
    fileprivate mutating func hearNothing() {
        send(.heard(.silence))
        see(.running)
    }
}
