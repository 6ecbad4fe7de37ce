// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// The hypervisor says `running` of a cell whose Linux has ended.
@Suite("The end of a guest") struct GuestEndTests {
    private func story(
        _ restart: SupervisionPolicy.Restart, _ handshake: Handshake = .passive, ended end: GuestEnd
    ) -> Story {
        var story = Story(SupervisionPolicy(restart: restart, delay: .zero), handshake: handshake)
        story.bringUp()
        story.see(.running)
        story.send(.heard(.ended(end)))
        #expect(story.actions == [])
        story.see(.running)
        return story
    }

    @Test("A panic is a failure, and is restarted as the policy says", arguments: SupervisionPolicy.Restart.allCases)
    func panic(restart: SupervisionPolicy.Restart) {
        var story = story(restart, ended: .panic)
        #expect(story.actions.first == .keepEvidence(.guestEnded(.panic)))
        #expect(story.reports.contains(.failed(.guestEnded(.panic))))
        #expect(story.commands == (restart == .never ? [] : [.load]))
        guard restart == .never else { return }
        #expect(story.condition == .failed)
        story.see(.running)
        #expect(story.actions == [] && story.condition == .failed)
    }

    @Test("A guest that shut down is stopped; with always it is started again", arguments: [true, false])
    func shutdown(always: Bool) {
        var story = story(always ? .always : .onFailure, ended: .shutdown)
        #expect(story.commands == (always ? [.load] : [.shutDown]))
        #expect(story.reports.contains(.failed(.guestEnded(.shutdown))) == always)
        guard !always else { return }
        #expect(story.reports.contains(.guestEnded(.shutdown)))
        story.finish(.shutDown, .shutDown)
        #expect(story.condition == .stopped && story.lifecycle.desired == "stopped")
        story.see(.shutDown)
        #expect(story.actions == [])
    }

    @Test("A reboot is a restart, unless the policy is never", arguments: SupervisionPolicy.Restart.allCases)
    func reboot(restart: SupervisionPolicy.Restart) {
        let story = story(restart, ended: .reboot)
        #expect(story.commands == (restart == .never ? [.shutDown] : [.load]))
    }

    @Test("Of several ends the first counts, and an end before the start that is under way is none")
    func once() {
        var story = story(.onFailure, ended: .panic)
        #expect(story.commands == [.load])
        story.send(.heard(.ended(.shutdown)))
        story.loadAndStart()
        story.see(.running)
        #expect(story.condition == .running && story.actions == [])
    }

    @Test("Linux is not made to wait for the answer of a guest that has ended")
    func unbounded() {
        let story = story(.onFailure, .unbounded(accepted: true), ended: .panic)
        #expect(story.commands == [] && story.lifecycle.isTakenForSilent)
    }

    @Test("While it is being stopped or replaced, its end changes nothing")
    func wanted() {
        var story = Story(SupervisionPolicy(restart: .always, delay: .zero), handshake: .passive)
        story.bringUp()
        story.see(.running)
        story.send(.heard(.ended(.shutdown)))
        story.request(.stop)
        #expect(story.commands == [.shutDown] && !story.reports.contains(.failed(.guestEnded(.shutdown))))
    }

    @Test("A rule of liveness that is read anew does not forget it")
    func redefined() {
        var story = Story(SupervisionPolicy(restart: .onFailure, delay: .zero), handshake: .passive)
        story.bringUp()
        story.see(.running)
        story.send(.heard(.ended(.panic)))
        let rule = Liveness(.listener, within: .seconds(3))
        story.send(
            .defined(
                Supervised(
                    policy: SupervisionPolicy(restart: .onFailure, delay: .zero, liveness: rule), handshake: .passive)))
        story.see(.running)
        #expect(story.reports.contains(.failed(.guestEnded(.panic))))
    }

    // MARK: - Asking it

    private func asking(_ memory: LifecycleMemory? = nil) -> Story {
        var story = Story(
            SupervisionPolicy(restart: .always, delay: .zero, stopTimeout: .seconds(10), asksGuest: true),
            handshake: .passive, memory: memory)
        story.bringUp()
        story.see(.running)
        return story
    }

    @Test("A stop waits until the guest has shut down", arguments: [Request.stop, .destroy, .restart])
    func asked(request: Request) {
        var story = asking()
        let id = story.request(request)
        #expect(story.commands == [] && story.condition == .stopping)
        #expect(story.reports.contains(.guestAsked(within: .seconds(10))))
        story.wait(.seconds(9))
        story.see(.running)
        #expect(story.actions == [] && story.answer(to: id) == nil)
        story.send(.heard(.ended(.shutdown)))
        story.see(.running)
        let command: Command = request == .stop ? .shutDown : request == .destroy ? .destroy : .load
        #expect(story.commands == [command])
        #expect(!story.reports.contains(.failed(.guestEnded(.shutdown))))
    }

    @Test("A guest that does not is stopped in time, and the daemon wakes for it")
    func unresponsive() {
        var story = asking()
        story.request(.stop)
        #expect(story.lifecycle.nextLook(after: story.now) == story.now + .seconds(10))
        story.wait(.seconds(10))
        story.see(.running)
        #expect(story.reports.contains(.guestUnresponsive(after: .seconds(10))) && story.commands == [.shutDown])
    }

    @Test("A start takes the stop back, and the next stop asks anew")
    func takenBack() {
        var story = asking()
        story.request(.stop)
        story.wait(.seconds(9))
        story.request(.start)
        #expect(story.condition == .running && story.commands == [])
        story.wait(.seconds(9))
        story.request(.stop)
        #expect(story.commands == [] && story.reports.contains(.guestAsked(within: .seconds(10))))
    }

    @Test("One that has failed, or hangs, is not asked")
    func failed() {
        var story = asking()
        story.see(.failed, failedCPUs: [2])
        #expect(story.commands == [.load])
    }
}
