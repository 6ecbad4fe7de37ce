// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

/// What ``ExplorationTests`` has found: each of these stories went wrong once.
@Suite("Stories that the exploration found")
struct ExploredTests {
    /// A load that was refused while the cell showed a passing state.
    @Test("What turns out to run on is not destroyed to be created anew")
    func runsOn() {
        var story = Story()
        story.bringUp()
        story.request(.restart)
        #expect(story.commands == [.load])
        story.send(.stop)
        story.send(.start)
        story.refuse(.load, .other, .invalid)
        story.see(.running)
        #expect(story.commands == [])
        #expect(story.condition == .running)
    }

    /// From a lost start to its repetition, which waits.
    private func lostStart() -> Story {
        var story = Story(SupervisionPolicy(delay: .seconds(1)))
        story.goToStart()
        story.send(.stop)
        story.refuse(.start, .denied, .running)
        story.send(.restart)
        story.refuse(.shutDown, .other, .running)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.reports.contains(.lostStart(attempt: 1)))
        #expect(story.condition == .backingOff)
        return story
    }

    @Test("A repeated start is not given to what others have stopped or started meanwhile")
    func takenBeforeRepetition() {
        var story = lostStart()
        story.see(.shutDown)
        story.wait(.seconds(1))
        story.see(.shutDown)
        #expect(story.commands == [.load])

        story = lostStart()
        story.exitsGrow()
        story.see(.running)
        story.wait(.seconds(1))
        story.see(.running)
        #expect(story.commands == [])
        #expect(story.condition == .running)

        // it may have come late, and has used its images up
        story = lostStart()
        story.wait(.seconds(1))
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("A start does not take back the restart that somebody waits for")
    func startDuringRestart() {
        var story = Story()
        story.bringUp()
        let restart = story.send(.restart)
        story.send(.start)
        #expect(story.answer(to: restart) == nil)
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("A create goes with a start or restart, and does not take its place")
    func createDuringRestart() {
        var story = Story()
        story.bringUp()
        let restart = story.send(.restart)
        let create = story.send(.create)
        #expect(story.isDone(create))
        #expect(story.answer(to: restart) == nil)
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("A destroy or stop that is refused, and is done all the same, is done; the cell is not brought back")
    func refusedAndDone() {
        var story = Story()
        story.bringUp()
        var id = story.request(.destroy)
        story.refuse(.destroy, .other, nil)
        #expect(story.isDone(id))
        #expect(story.reports.allSatisfy { if case .failed = $0 { false } else { true } })
        story.wait(.seconds(1))
        story.see(nil)
        #expect(story.commands == [])

        story = Story()
        story.bringUp()
        id = story.request(.stop)
        story.refuse(.shutDown, .other, .shutDown)
        #expect(story.isDone(id))
        #expect(story.condition == .stopped)
    }

    @Test("A refused command that took the cell with it is one failure")
    func oneFailure() {
        var story = Story(SupervisionPolicy(limit: .init(attempts: 1, within: .seconds(60))))
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.refuse(.load, .definition, nil)
        #expect(story.reports.count { if case .failed = $0 { true } else { false } } == 1)
        #expect(story.condition == .backingOff)
    }

    @Test(
        "A restart whose load is refused halfway has stopped the cell: it is made anew, and nobody is told that it is done"
    )
    func loadRefusedHalfway() {
        var story = Story()
        story.bringUp()
        let id = story.request(.restart)
        story.refuse(.load, .other, .shutDown)
        #expect(story.answer(to: id) == nil)
        #expect(story.commands == [.destroy])
        #expect(story.lifecycle.desired == "running")
    }

    @Test(
        "A refused load that nobody needs any more costs the running inmate nothing",
        arguments: [Refusal.Kind.other, .definition])
    func mootLoad(kind: Refusal.Kind) {
        var story = Story()
        story.bringUp()
        story.request(.restart)
        story.send(.stop)
        let id = story.send(.start)
        story.refuse(.load, kind, .running)
        #expect(story.commands == [])
        #expect(story.condition == .running)
        #expect(story.isDone(id))
    }

    @Test("A failure of another cell with the number of one that failed is counted, and waits for its delay")
    func numberUsedAgain() {
        var story = Story()
        story.bringUp()
        story.see(.failed)
        story.see(nil)
        story.see(.running)
        story.see(.failed)
        #expect(story.reports.contains(.failed(.failed(cpus: []))))
        #expect(story.commands == [])
        #expect(story.lifecycle.memory.budget.attempts.count == 3)
    }

    @Test("What was loaded may be gone when others destroy the cell: it is loaded again")
    func destroyedAfterLoad() {
        var story = Story()
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.finish(.load, .invalid)
        story.wait(Settling.patience)
        story.see(.shutDown)
        #expect(story.commands == [.load])
    }

    @Test("What was loaded for a start that was taken back is not started later without a load")
    func loadedForNobody() {
        var story = Story()
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.send(.stop)
        story.finish(.load, .shutDown)
        story.request(.start)
        #expect(story.commands == [.load])
    }

    @Test("A restart of a cell that shows a passing state restarts it when it turns out to run")
    func restartWhilePassing() {
        var story = Story()
        story.see(nil)
        story.lifecycle.memory.trustsFirstSight = true
        story.see(.invalid)
        let id = story.request(.restart)
        story.see(.running)
        #expect(story.answer(to: id) == nil)
        #expect(story.commands == [.load])
    }

    @Test("A definition that goes and comes back while a lost start is repeated does not repeat it for ever")
    func definedAnewDuringStart() {
        var story = Story()
        story.goToStart()
        story.finish(.start, .running)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.commands == [.load])
        story.loadAndSettle()
        let supervised = story.lifecycle.supervised
        story.send(.defined(nil))
        story.send(.defined(supervised))
        story.exitsGrow()
        story.finish(.start, .running)
        #expect(story.commands == [])
        #expect(story.condition == .running)
    }

    @Test("A start that is refused and shows running is verified as any other")
    func refusedStart() {
        var story = Story()
        let id = story.goToStart()
        story.refuse(.start, .other, .running)
        #expect(story.answer(to: id) == nil)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.reports.contains(.lostStart(attempt: 1)))
        story.loadAndSettle()
        story.exitsGrow()
        story.refuse(.start, .other, .running)
        #expect(story.isDone(id))
    }

    @Test("invalid after a command that changed the cell is waited for anew")
    func invalidAfterCommand() {
        var story = Story()
        story.bringUp()
        story.see(.invalid)
        story.wait(CellLifecycle.passing)
        story.see(.invalid)
        #expect(story.reports.contains(.failed(.invalidState)))
        story.wait(.milliseconds(100))
        story.see(.invalid)
        story.finish(.load, .invalid)
        #expect(story.reports.allSatisfy { if case .failed = $0 { false } else { true } })
    }

    @Test("A cell that stalls and must be waited for without end is never asked again, also by a later daemon")
    func stalledUnbounded() {
        let policy = SupervisionPolicy(liveness: .vmExits(stall: .seconds(3)))
        var story = Story(policy, handshake: .unbounded(accepted: true))
        story.bringUp()
        story.see(.running, total: 10)
        story.wait(.seconds(3))
        story.see(.running, total: 10)
        #expect(story.condition == .failed)
        let stop = story.request(.stop)
        #expect(story.answer(to: stop) == .some(.wouldFreeze))

        var successor = Story(policy, handshake: .unbounded(accepted: true), memory: story.lifecycle.memory)
        successor.see(.running, total: 10)
        let again = successor.request(.stop)
        #expect(successor.answer(to: again) == .some(.wouldFreeze))
    }

    @Test("A command that is refused does not bring back to life what was declared failed")
    func refusedAfterLostStart() {
        var story = Story()
        story.goToStart()
        for attempt in 0...Verification.repetitions {
            if attempt > 0 { story.loadAndSettle() }
            story.finish(.start, .running)
            story.wait(Verification.patience)
            story.see(.running)
        }
        story.wait(.milliseconds(100))
        story.see(.running)
        #expect(story.commands == [.load])
        story.refuse(.load, .other, .running)
        #expect(story.condition == .backingOff)
        story.wait(.milliseconds(200))
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("A refused disable does not bring back to life what was declared failed")
    func releasedAfterStall() {
        var story = Story(SupervisionPolicy(liveness: .vmExits(stall: .seconds(3))))
        story.bringUp()
        story.see(.running, total: 10)
        story.wait(.seconds(3))
        story.see(.running, total: 10)
        #expect(story.condition == .backingOff)
        story.send(.released)
        story.see(.running, total: 10)
        #expect(story.condition == .failed)
    }
}
