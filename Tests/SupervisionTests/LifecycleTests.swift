// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The life of a cell")
struct LifecycleTests {
    @Test("A start creates, loads, settles, starts, and is answered when the start has shown its effect")
    func start() {
        var story = Story()
        story.see(nil)
        #expect(story.condition == .absent)
        let id = story.request(.start)
        #expect(story.commands == [.create])
        #expect(story.condition == .starting)
        story.finish(.create, .shutDown)
        #expect(story.commands == [.load])
        story.finish(.load, .shutDown)
        #expect(story.commands == [])
        #expect(story.lifecycle.curiosity == .managementExits)

        story.exitsGrow()
        story.see(.shutDown)
        #expect(story.commands == [], "the park has been seen, but not for a millisecond yet")
        story.wait(.milliseconds(1))
        story.see(.shutDown)
        #expect(story.commands == [.start])

        story.finish(.start, .running)
        #expect(story.condition == .starting)
        #expect(story.answer(to: id) == nil)
        story.exitsGrow()
        story.see(.running)
        #expect(story.condition == .running)
        #expect(story.isDone(id))
        #expect(story.lifecycle.curiosity == [])
    }

    @Test("A start waits for the park of every CPU")
    func everyCPU() {
        var story = Story()
        story.exits = [3, 3]
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.finish(.load, .shutDown)
        story.exits = [4, 3]
        story.see(.shutDown)
        story.wait(.milliseconds(2))
        story.see(.shutDown)
        #expect(story.commands == [])
        story.exits = [4, 4]
        story.see(.shutDown)
        story.wait(.milliseconds(1))
        story.see(.shutDown)
        #expect(story.commands == [.start])
    }

    @Test("A failed cell is loaded again before it is started again, after its evidence has been kept")
    func restart() {
        var story = Story()
        story.bringUp()
        story.wait(.seconds(1))
        story.see(.failed, failedCPUs: [3])
        #expect(story.actions.first == .keepEvidence(.failed(cpus: [3])))
        #expect(story.condition == .backingOff)
        story.wait(.milliseconds(99))
        story.see(.failed)
        #expect(story.commands == [])
        story.wait(.milliseconds(1))
        story.see(.failed)
        #expect(story.commands == [.load])
        story.loadAndStart()
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.restarts == 1)
    }

    @Test("Without a delay the load follows the failure at once")
    func noDelay() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.see(.failed)
        #expect(story.commands == [.load])
    }

    @Test("Statistics that were not read are asked for before a load")
    func exitsBeforeLoad() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.send(.seen(.present(Observation(id: 1, state: .failed))))
        #expect(story.commands == [])
        #expect(story.lifecycle.curiosity == .managementExits)
        #expect(story.lifecycle.nextLook(after: story.now) == story.now)
        story.see(.failed)
        #expect(story.commands == [.load])
    }

    @Test("The limit is obeyed, and an explicit start or a reset counts anew")
    func limit() {
        var story = Story(SupervisionPolicy(delay: .zero, limit: .init(attempts: 2, within: .seconds(60))))
        story.bringUp()
        for _ in 0..<2 {
            story.see(.failed)
            #expect(story.commands == [.load])
            story.loadAndStart()
        }
        story.see(.failed)
        #expect(story.commands == [])
        #expect(story.condition == .gaveUp)
        #expect(story.reports.contains(.gaveUp(attempts: 2, within: .seconds(60))))
        story.wait(.seconds(3600))
        story.see(.failed)
        #expect(story.commands == [])

        story.send(.resetFailed)
        #expect(story.condition == .stopped)
        #expect(story.lifecycle.memory.restarts == 0)
        story.request(.start)
        #expect(story.commands == [.load])
    }

    @Test("A stable run forgets earlier failures")
    func stable() {
        let policy = SupervisionPolicy(delay: .milliseconds(100), limit: .init(attempts: 1, within: .seconds(60)))
        var story = Story(policy)
        story.bringUp()
        for _ in 0..<3 {
            story.wait(.seconds(61))
            story.see(.running)
            story.see(.failed)
            #expect(story.reports.contains(.restarting(after: .milliseconds(100), attempt: 1, of: 1)))
            story.wait(.milliseconds(100))
            story.see(.failed)
            story.loadAndStart()
        }
    }

    @Test("A refused load destroys, creates and loads anew, once")
    func recreate() {
        var story = Story()
        story.see(nil)
        let id = story.request(.start)
        story.finish(.create, .shutDown)
        story.refuse(.load, .other, .shutDown)
        #expect(story.commands == [.destroy])
        story.finish(.destroy, nil)
        #expect(story.commands == [.create])
        story.finish(.create, .shutDown)
        #expect(story.commands == [.load])
        story.refuse(.load, .other, .shutDown)
        #expect(story.commands == [])
        #expect(story.condition == .backingOff)
        let refusal = Refusal(kind: .other, message: "no", errno: 1)
        #expect(story.answer(to: id) == .some(.failed(.refused(.load, refusal))))
    }

    @Test("A lost start is noticed and repeated, and loaded again before: it may only have been late")
    func lostStart() {
        var story = Story()
        let id = story.goToStart()
        story.finish(.start, .running)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.reports.contains(.lostStart(attempt: 1)))
        #expect(story.commands == [.load])
        story.loadAndSettle()
        #expect(story.commands == [.start])
        story.finish(.start, .running)
        story.exitsGrow()
        story.see(.running)
        #expect(story.isDone(id))
        #expect(story.lifecycle.memory.restarts == 0)
    }

    @Test("A lost start of a cell that would be asked without a time limit is never touched again")
    func lostStartUnbounded() {
        var story = Story(handshake: .unbounded(accepted: true))
        story.goToStart()
        story.finish(.start, .running)
        story.wait(Verification.patience)
        story.see(.running)
        #expect(story.commands == [])
        for request in [Request.start, .stop, .restart, .destroy] {
            let id = story.request(request)
            #expect(story.commands == [])
            #expect(story.answer(to: id) == .some(.wouldFreeze))
        }
    }

    @Test("A cell that ends by itself stays stopped unless its policy is always")
    func ended() {
        var story = Story()
        story.bringUp()
        story.see(.shutDown)
        #expect(story.condition == .stopped)
        #expect(story.commands == [])

        story = Story(SupervisionPolicy(restart: .always, delay: .zero))
        story.bringUp()
        story.see(.shutDown)
        #expect(story.commands == [.load])
    }

    @Test("A cell that ends at once has been started")
    func endsAtOnce() {
        var story = Story()
        let id = story.goToStart()
        story.finish(.start, .running)
        story.exitsGrow()
        story.see(.shutDown)
        #expect(story.isDone(id))
        #expect(story.condition == .stopped)
    }

    @Test("A cell that somebody destroyed is created again")
    func vanished() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.see(nil)
        #expect(story.reports.contains(.failed(.vanished)))
        #expect(story.commands == [.create])
    }

    @Test("Cells that go with the hypervisor are no failures, and come back with it")
    func disabled() {
        var story = Story()
        story.bringUp()
        story.send(.seen(.disabled))
        #expect(story.condition == .absent)
        #expect(story.commands == [])
        #expect(story.lifecycle.memory.budget == RestartBudget())
        story.see(nil)
        #expect(story.commands == [.create])
    }

    @Test("invalid passes while others create or destroy; if it stays, it is a failure")
    func invalid() {
        var story = Story(SupervisionPolicy(delay: .zero))
        story.bringUp()
        story.see(.invalid)
        story.wait(.milliseconds(200))
        story.see(.invalid)
        #expect(story.actions == [])
        story.wait(.milliseconds(300))
        story.see(.invalid)
        #expect(story.reports.contains(.failed(.invalidState)))
        #expect(story.commands == [.load])
    }

    @Test("Half dead is degraded, and left running where the definition says so")
    func degraded() {
        var story = Story(SupervisionPolicy(restartsDegraded: false))
        story.bringUp()
        story.see(.running, failedCPUs: [2])
        #expect(story.actions.first == .keepEvidence(.cpusFailed([2])))
        #expect(story.condition == .degraded)
        #expect(story.reports.contains(.cpusFailed([2])))
        #expect(story.commands == [])
    }

    @Test("A CPU that dies before its start was verified has run: one failure, with evidence kept once")
    func diesWhileItStarts() {
        var story = Story(SupervisionPolicy(delay: .zero))
        let start = story.goToStart()
        story.finish(.start, .running)
        #expect(story.condition == .starting)
        story.see(.running, failedCPUs: [2])
        #expect(story.actions.filter { if case .keepEvidence = $0 { true } else { false } }.count == 1)
        #expect(story.reports.contains(.failed(.cpusFailed([2]))))
        #expect(story.answer(to: start) != nil)
        #expect(story.commands == [.load])
    }

    @Test("A CPU that dies at its start is noted, though it is seen before the state is")
    func diesBetweenTwoReads() {
        var story = Story(SupervisionPolicy(restartsDegraded: false))
        _ = story.goToStart()
        story.finish(.start, .shutDown)
        story.see(.shutDown, failedCPUs: [2])
        story.see(.running, failedCPUs: [2])
        #expect(story.actions.contains(.keepEvidence(.cpusFailed([2]))))
        #expect(story.condition == .degraded)
        story.see(.running, failedCPUs: [2])
        #expect(!story.actions.contains(.keepEvidence(.cpusFailed([2]))))
    }

    @Test("A CPU that dies while its start is under way is noted, though a look has seen it meanwhile")
    func diesDuringItsStart() {
        var story = Story(SupervisionPolicy(restartsDegraded: false))
        _ = story.goToStart()
        story.see(.running, failedCPUs: [2])
        #expect(!story.actions.contains(.keepEvidence(.cpusFailed([2]))))
        story.finish(.start, .running, failedCPUs: [2])
        #expect(story.actions.contains(.keepEvidence(.cpusFailed([2]))))
        story.see(.running, failedCPUs: [2])
        #expect(!story.actions.contains(.keepEvidence(.cpusFailed([2]))))
        #expect(story.condition == .degraded)
    }

    @Test("What was declared failed although it says running is not taken for running by the next look")
    func failedButRunning() {
        var story = Story(SupervisionPolicy(liveness: .vmExits(stall: .seconds(3))))
        story.bringUp()
        story.see(.running, total: 10)
        story.wait(.seconds(3))
        story.see(.running, total: 10)
        #expect(story.condition == .backingOff)
        let memory = story.lifecycle.memory
        story.wait(.milliseconds(99))
        story.see(.running, total: 10)
        #expect(story.condition == .backingOff)
        story.wait(.milliseconds(1))
        story.see(.running, total: 10)
        #expect(story.commands == [.load])

        var successor = Story(SupervisionPolicy(liveness: .vmExits(stall: .seconds(3))), memory: memory)
        successor.see(.running, total: 10)
        #expect(successor.commands == [.load])
    }

    @Test("A start that is lost again and again is a failure")
    func lostAgainAndAgain() {
        var story = Story()
        story.goToStart()
        for attempt in 0...Verification.repetitions {
            if attempt > 0 { story.loadAndSettle() }
            #expect(story.commands == [.start])
            story.finish(.start, .running)
            story.wait(Verification.patience)
            story.see(.running)
        }
        #expect(story.reports.contains(.failed(.lostStart)))
        story.wait(.milliseconds(50))
        story.see(.running)
        #expect(story.condition == .backingOff)
        story.wait(.milliseconds(50))
        story.see(.running)
        #expect(story.commands == [.load])
    }

    @Test("A stall of VM exits is a failure for a cell that is known to exit")
    func stall() {
        var story = Story(SupervisionPolicy(delay: .zero, liveness: .vmExits(stall: .seconds(3))))
        story.bringUp()
        #expect(story.lifecycle.curiosity == .totalExits)
        story.see(.running, total: 10)
        story.wait(.milliseconds(2900))
        story.see(.running, total: 11)
        story.wait(.milliseconds(2900))
        story.see(.running, total: 11)
        #expect(story.commands == [])
        story.wait(.milliseconds(100))
        story.see(.running, total: 11)
        #expect(story.reports.contains(.failed(.stalled)))
        #expect(story.commands == [.load])
    }
}
