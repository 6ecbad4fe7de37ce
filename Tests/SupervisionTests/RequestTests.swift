// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("What people ask for")
struct RequestTests {
    @Test("Stop shuts down by a handshake and tells how it was answered")
    func stop() {
        var story = Story()
        story.bringUp()
        let id = story.request(.stop)
        #expect(story.commands == [.shutDown])
        #expect(story.condition == .stopping)
        story.finish(.shutDown, .shutDown)
        #expect(story.isDone(id))
        #expect(story.condition == .stopped)
        #expect(story.lifecycle.memory.lastAnswer == .approved)
        story.wait(.seconds(100))
        story.see(.shutDown)
        #expect(story.commands == [], "what was stopped stays stopped")
    }

    @Test("A passive cell is not asked; one that does not answer has timed out")
    func answers() {
        var story = Story(handshake: .passive)
        story.bringUp()
        story.request(.stop)
        story.finish(.shutDown, .shutDown)
        #expect(story.lifecycle.memory.lastAnswer == .notAsked)

        story = Story()
        story.bringUp()
        story.request(.stop)
        story.finish(.shutDown, .shutDown, timedOut: true)
        #expect(story.lifecycle.memory.lastAnswer == .timedOut)
        // all of Linux stood still: that is recorded
        let unanswered = Unanswered(command: .shutDown, cell: nil, stall: .milliseconds(700))
        #expect(story.actions.contains(.keepEvidence(.didNotAnswer(unanswered))), "\(story.actions)")
    }

    @Test("An inmate that does not run has denied nothing, whatever the error number says")
    func deniedAtRest() {
        var story = Story()
        story.see(nil)
        story.request(.start)
        story.finish(.create, .shutDown)
        story.refuse(.load, .denied, .shutDown)
        let refusals = story.reports.compactMap { if case .recreating(let refusal) = $0 { refusal } else { nil } }
        #expect(refusals.map(\.kind) == [.other] && refusals[0].message.hasPrefix(Refusal.atRest))

        story = Story()
        story.bringUp()
        story.request(.stop)
        story.finish(.shutDown, .shutDown)
        let destroy = story.request(.destroy)
        story.refuse(.destroy, .denied, .shutDown)
        guard case .refused(.destroy, let other)?? = story.answer(to: destroy) else {
            Issue.record("\(story.actions)")
            return
        }
        #expect(other.kind == .otherCellLocked)
    }

    @Test("What is seen while a command works does not change how it was answered")
    func seenMeanwhile() {
        var story = Story()
        story.bringUp()
        story.request(.stop)
        story.see(.shutDown)
        story.finish(.shutDown, .shutDown)
        #expect(story.lifecycle.memory.lastAnswer == .approved)

        story.request(.start)
        story.exitsGrow()
        story.see(.shutDown)
        story.finish(.load, .shutDown)
        story.see(.shutDown)
        story.wait(.milliseconds(1))
        story.see(.shutDown)
        #expect(story.commands == [.start], "the park that was seen before the load's end counts")
    }

    @Test("A denied stop is repeated until stop-timeout, then the cell is looked after as before")
    func denied() {
        var story = Story(SupervisionPolicy(stopTimeout: .seconds(1)))
        story.bringUp()
        let id = story.request(.stop)
        var asked = 1
        for _ in 0..<40 {
            if story.commands == [.shutDown] || asked == 1 && story.lifecycle.inFlight != nil {
                story.refuse(.shutDown, .denied, .running)
                asked += 1
            }
            if story.answer(to: id) != nil { break }
            story.wait(.milliseconds(50))
            story.see(.running)
        }
        #expect(story.answer(to: id) == .some(.denied))
        #expect(asked == 6)
        #expect(story.condition == .running)
        #expect(story.lifecycle.desired == "running")
        #expect(story.lifecycle.memory.lastAnswer == .denied)
    }

    @Test("A restart replaces the running inmate by load and start; a denial leaves it running")
    func restart() {
        var story = Story(SupervisionPolicy(stopTimeout: .zero))
        story.bringUp()
        var id = story.request(.restart)
        #expect(story.commands == [.load])
        story.loadAndStart()
        #expect(story.isDone(id))
        #expect(story.lifecycle.memory.restarts == 0)

        id = story.request(.restart)
        story.refuse(.load, .denied, .running)
        #expect(story.answer(to: id) == .some(.denied))
        #expect(story.condition == .running)
    }

    @Test("A restart whose images cannot be used leaves the running inmate alone")
    func restartWithoutImages() {
        var story = Story()
        story.bringUp()
        let id = story.request(.restart)
        story.refuse(.load, .definition, .running)
        let refusal = Refusal(kind: .definition, message: "no", errno: 1)
        #expect(story.answer(to: id) == .some(.refused(.load, refusal)))
        #expect(story.condition == .running)
        #expect(story.lifecycle.memory.budget == RestartBudget())
    }

    @Test("Destroy works from anywhere, twice")
    func destroy() {
        var story = Story()
        story.bringUp()
        var id = story.request(.destroy)
        #expect(story.commands == [.destroy])
        story.finish(.destroy, nil)
        #expect(story.isDone(id))
        #expect(story.condition == .absent)
        id = story.request(.destroy)
        #expect(story.isDone(id))
    }

    @Test("Create creates and does no more")
    func create() {
        var story = Story()
        story.see(nil)
        let id = story.request(.create)
        #expect(story.commands == [.create])
        story.finish(.create, .shutDown)
        #expect(story.isDone(id))
        #expect(story.condition == .created)
        #expect(story.commands == [])
    }

    @Test("A refused create of a request is an answer, not a reason to go on")
    func refusedCreate() {
        var story = Story()
        story.see(nil)
        let id = story.request(.create)
        story.refuse(.create, .otherCellLocked, nil)
        let refusal = Refusal(kind: .otherCellLocked, message: "no", errno: 1)
        #expect(story.answer(to: id) == .some(.refused(.create, refusal)))
        #expect(story.condition == .absent)
    }

    @Test("A start whose create is refused, and that is not repeated, leaves nothing that failed: the answer says why")
    func refusedCreateOfAStart() {
        var story = Story(SupervisionPolicy(restart: .never))
        story.see(nil)
        let id = story.request(.start)
        let refusal = Refusal(kind: .other, message: "no", errno: 1)
        story.refuse(.create, .other, nil)
        #expect(story.answer(to: id) == .some(.failed(.refused(.create, refusal))))
        #expect(story.condition == .absent)
        #expect(story.lifecycle.memory.failure == .refused(.create, refusal))
    }

    @Test("What the inmate answered is forgotten with the next cell that is created")
    func answerOfAnotherCell() {
        var story = Story()
        story.bringUp()
        story.request(.destroy)
        story.finish(.destroy, nil, timedOut: true)
        #expect(story.lifecycle.memory.lastAnswer == .timedOut)
        story.bringUp()
        #expect(story.lifecycle.memory.lastAnswer == nil && story.lifecycle.memory.lastStall == nil)
    }

    @Test("A later request takes the place of an earlier one of another aim")
    func superseded() {
        var story = Story()
        story.see(nil)
        let start = story.request(.start)
        let stop = story.request(.stop)
        #expect(story.answer(to: start) == .some(.superseded(by: .stop)))
        #expect(story.commands == [], "one command at a time")
        story.finish(.create, .shutDown)
        #expect(story.isDone(stop))
        #expect(story.commands == [])
    }

    @Test("Without a hypervisor a start is refused and a stop is done")
    func disabled() {
        var story = Story()
        story.send(.seen(.disabled))
        var id = story.request(.start)
        #expect(story.answer(to: id) == .some(.disabled))
        id = story.request(.stop)
        #expect(story.isDone(id))
    }

    @Test("A foreign cell is shown and not touched")
    func foreign() {
        var story = Story()
        story.send(.defined(nil))
        story.see(.running)
        #expect(story.condition == .foreign)
        let id = story.request(.stop)
        #expect(story.answer(to: id) == .some(.foreign))
        story.see(.failed)
        #expect(story.commands == [])
    }

    @Test("An unbounded handshake that was not accepted is never begun")
    func unbounded() {
        var story = Story(handshake: .unbounded(accepted: false))
        story.see(.running)
        let id = story.request(.stop)
        #expect(story.answer(to: id) == .some(.wouldFreeze))
        #expect(story.condition == .running)
        story.see(.failed)
        story.wait(.seconds(1))
        story.see(.failed)
        #expect(story.commands == [.load], "a failed cell is not asked")
    }

    /// Its program cannot answer in either: Linux would wait for it indefinitely.
    @Test(
        "An accepted unbounded handshake is not begun with a cell of another ABI, or of no state",
        arguments: [
            CellState.communicationABIMismatch, .invalid,
        ])
    func askedInVain(state: CellState) {
        var story = Story(handshake: .unbounded(accepted: true))
        story.see(.running)
        for _ in 0..<100 {
            story.see(state)
            story.wait(.milliseconds(100))
        }
        #expect(story.condition == .failed)
        for request in [Request.stop, .restart, .destroy] { _ = story.request(request) }
        story.see(state)
        #expect(story.commands == [])
    }
}
