// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("Commands that others have overtaken")
struct OvertakenTests {
    @Test("A load that was not given, since somebody else has the cell running, leaves it running")
    func load() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.see(.failed)
        #expect(story.commands == [.load])
        story.send(.finished(.load, .overtaken, .present(story.observation(.running))))
        #expect(story.commands == [])
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.budget.attempts.count == 1, "the failure counts, the command does not")
    }

    /// Chaos, seed 20261124, round 492: the cell was taken for running.
    @Test(
        "A start that was refused, and has the cell running, is verified all the same",
        arguments: [
            Refusal.Kind.other, .denied,
        ])
    func refusedStart(kind: Refusal.Kind) {
        var story = Story()
        story.goToStart()
        story.refuse(.start, kind, .running)
        #expect(story.condition == .starting)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.commands == [.load], "it was lost")
    }

    @Test("An inmate that does not run has denied nothing: what is refused then is a failure, and not asked for again")
    func deniedByNobody() {
        var story = Story(SupervisionPolicy(delay: .seconds(1)))
        let start = story.goToStart()
        story.refuse(.start, .denied, .shutDown)
        #expect(story.condition == .backingOff)
        #expect(story.commands == [])
        guard case .failed(.refused(.start, let refusal))?? = story.answer(to: start) else {
            Issue.record("\(String(describing: story.answer(to: start)))")
            return
        }
        #expect(refusal.kind == .other && refusal.message.contains("does not run"))
        #expect(!story.reports.contains(.shutdownAnswered(.denied)))
    }

    @Test("A cell that does not run and cannot be destroyed: another one is locked")
    func destroyBesideLocked() {
        var story = Story()
        story.goToStart()
        story.finish(.start, .running)
        story.exitsGrow()
        story.see(.shutDown)
        story.request(.destroy)
        story.refuse(.destroy, .denied, .shutDown)
        #expect(!story.reports.contains(.shutdownAnswered(.denied)))
        #expect(story.commands == [])
    }

    @Test("A create that was not given goes on with the cell that others have created")
    func create() {
        var story = Story()
        story.see(nil)
        let id = story.request(.start)
        story.send(.finished(.create, .overtaken, .present(story.observation(.shutDown))))
        #expect(story.commands == [.load])
        #expect(story.answer(to: id) == nil)
    }

    /// make explore, inmates: a look followed the other without a pause.
    @Test("A denied stop is not repeated while the state is transient, and no look hastens then")
    func transientAfterDenial() {
        var story = Story()
        story.bringUp()
        story.request(.stop)
        story.refuse(.shutDown, .denied, .running)
        story.wait(Aim.Denial.pause)
        story.see(.invalid)
        #expect(story.commands == [])
        #expect(story.lifecycle.nextLook(after: story.now) == nil, "the usual interval is enough")
        story.wait(CellLifecycle.passing)
        story.see(.invalid)
        #expect(story.commands == [.shutDown])
    }

    @Test("A start that was not given is decided anew")
    func start() {
        var story = Story()
        story.goToStart()
        story.send(.finished(.start, .overtaken, .present(story.observation(.running))))
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.unverified == nil)
    }
}

@Suite("Inmates that do not answer, without a time limit")
struct SilentTests {
    private static let handshake = Handshake.unbounded(accepted: true)

    @Test("Until a start has shown its effect, the inmate may be silent; a lost one is")
    func lostStart() {
        var story = Story(handshake: Self.handshake)
        story.see(nil)
        #expect(!story.lifecycle.mayBeSilent)
        story.goToStart()
        #expect(story.lifecycle.mayBeSilent, "the start is under way")
        story.finish(.start, .running)
        #expect(story.lifecycle.mayBeSilent)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(!story.lifecycle.mayBeSilent && story.lifecycle.isKnownSilent)
        #expect(story.condition == .failed)
    }

    @Test("Whoever asks to stop it in that moment waits until it is known whether the inmate answers")
    func stopAfterStart() {
        var story = Story(handshake: Self.handshake)
        story.goToStart()
        story.finish(.start, .running)
        let id = story.request(.stop)
        #expect(story.commands == [])
        story.exitsGrow()
        story.see(.running)
        #expect(story.commands == [.shutDown])
        story.finish(.shutDown, .shutDown)
        #expect(story.isDone(id))
    }

    @Test("The daemon's successor knows it, and does not ask either")
    func successor() {
        var story = Story(handshake: Self.handshake)
        story.goToStart()
        story.finish(.start, .running)
        story.wait(Verification.patience)
        story.see(.running)
        var next = Story(handshake: Self.handshake, memory: story.lifecycle.memory)
        next.now = story.now
        #expect(next.lifecycle.mayBeSilent, "not looked at yet")
        next.see(.running)
        #expect(next.lifecycle.isKnownSilent)
        let id = next.request(.stop)
        #expect(next.commands == [])
        #expect(next.answer(to: id) == .some(.wouldFreeze))
    }

    /// Chaos, seed 20261123, round 185: the successor of a daemon that died with its start froze Linux.
    @Test("A start that met a cell of the same name that was not loaded leaves an inmate that is never asked")
    func startedUnloaded() {
        var story = Story(handshake: Self.handshake)
        story.goToStart()
        var next = Story(handshake: Self.handshake, memory: story.lifecycle.memory)
        next.see(.running, id: 2)
        #expect(next.lifecycle.isKnownSilent)
        #expect(next.condition == .failed)
        let id = next.request(.restart)
        #expect(next.commands == [])
        #expect(next.answer(to: id) == .some(.wouldFreeze))

        story.finish(.start, .running, id: 2)
        #expect(story.commands == [])
        #expect(story.lifecycle.isKnownSilent)
        #expect(story.reports.contains(.failed(.startedUnloaded)))

        var bounded = Story()
        bounded.goToStart()
        bounded.finish(.start, .running, id: 2)
        #expect(bounded.reports.contains(.replaced(id: 2)))
        #expect(bounded.commands == [], "nobody knows how the other tool's cell answers")
    }

    @Test(
        "A running cell that a refused load has stopped has not ended by itself",
        arguments: [SupervisionPolicy.Restart.onFailure, .always])
    func stoppedByRefusedLoad(restart: SupervisionPolicy.Restart) {
        var story = Story(SupervisionPolicy(restart: restart))
        story.bringUp()
        let id = story.request(.restart)
        story.refuse(.load, .other, .shutDown)
        #expect(story.commands == [.destroy])
        #expect(story.answer(to: id) == nil)
        story.finish(.destroy, nil)
        #expect(story.commands == [.create])
        story.finish(.create, .shutDown)
        story.loadAndStart()
        #expect(story.condition == .running)
        #expect(story.isDone(id))
        #expect(story.lifecycle.desired == "running")
    }

    @Test("A load that is refused while the inmate runs destroys nothing")
    func refusedLoad() {
        var story = Story()
        story.bringUp()
        let id = story.request(.restart)
        #expect(story.commands == [.load])
        story.refuse(.load, .other, .running)
        #expect(story.commands == [])
        #expect(story.condition == .running)
        #expect(story.answer(to: id) != .some(nil))
    }
}
