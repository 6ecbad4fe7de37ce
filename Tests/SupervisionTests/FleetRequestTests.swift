// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("The fleet: requests of several steps")
struct FleetRequestTests {
    private static let pair = ["base": FleetStory.cell(), "user": FleetStory.cell(requires: ["base"])]

    @Test("Starting a cell starts what it requires; stopping that stops the cell first")
    func startAndStop() {
        var story = FleetStory(Self.pair)
        let start = story.request(.cell(.start, "user"))
        story.run()
        #expect(story.answer(start) == .done())
        #expect(story.works == ["create base", "load base", "start base", "create user", "load user", "start user"])
        #expect(story.actions.contains(.note(.init(.start, "base"), of: start, nil)))
        story.actions = []
        let stop = story.request(.cell(.stop, "base"))
        story.run()
        #expect(story.answer(stop) == .done())
        #expect(story.works == ["shutdown user", "shutdown base"])
    }

    @Test("Restarting a cell restarts the cells that require it")
    func restart() {
        var story = FleetStory(Self.pair)
        story.request(.cell(.start, "user"))
        story.run()
        story.actions = []
        let restart = story.request(.cell(.restart, "base"))
        story.run()
        #expect(story.answer(restart) == .done())
        #expect(story.works == ["shutdown user", "load base", "start base", "load user", "start user"])
        #expect(story.condition("user") == .running)
    }

    @Test("What was stopped for a restart that is denied is started again")
    func deniedRestart() {
        var story = FleetStory(Self.pair)
        story.request(.cell(.start, "user"))
        story.run()
        story.befall("base") { $0.inmate = .denies }
        let restart = story.request(.cell(.restart, "base"))
        story.run(for: .seconds(10))
        #expect(story.answer(restart) == .failed(.cell("base", .denied)))
        #expect(story.condition("user") == .running)
        #expect(story.fleet.requests.isEmpty)
    }

    @Test("A cell whose requirement has failed for good does not wait for it in silence")
    func hopeless() {
        let never = SupervisionPolicy(restart: .never)
        var story = FleetStory([
            "base": FleetStory.cell(.bounded, never), "user": FleetStory.cell(requires: ["base"]),
        ])
        story.request(.cell(.start, "user"))
        story.run()
        story.befall("base") { ($0.state, $0.inmate, $0.failedCPUs) = (.failed, .none, [1]) }
        story.run()
        story.befall("user") { ($0.state, $0.inmate, $0.failedCPUs) = (.failed, .none, [2]) }
        story.run()
        #expect(story.fleet.cells["user"]?.waitsFor == .requires(other: "base", .notToRun))
        let start = story.request(.cell(.start, "base"))
        story.run()
        #expect(story.answer(start) == .done())
        #expect(story.condition("user") == .running)
    }

    @Test("A start that waits in vain is answered at once, by way of a third cell too")
    func hopelessChain() {
        var story = FleetStory([
            "a": FleetStory.cell(.bounded, SupervisionPolicy(restart: .never)), "b": FleetStory.cell(requires: ["a"]),
            "c": FleetStory.cell(after: ["b"]), "d": FleetStory.cell(requires: ["b"]),
        ])
        story.request(.cell(.start, "d"))
        story.run()
        for name in ["a", "b", "d"] {
            story.befall(name) { ($0.state, $0.inmate, $0.failedCPUs) = (.failed, .none, [1]) }
        }
        story.run()
        #expect(story.fleet.cells["d"]?.waitsFor == .requires(other: "b", .waitsInVain))
        let after = story.request(.cell(.start, "c"))
        story.run()
        #expect(story.answer(after) == .done(), "it only comes after a cell that never comes")
    }

    /// Found by the exploration.
    @Test("A cell whose requirement has lost its definition waits in vain, and says so")
    func undefined() {
        var story = FleetStory(Self.pair)
        story.request(.cell(.start, "base"))
        story.run()
        story.send(.defined("base", nil))
        let start = story.request(.cell(.start, "user"))
        story.run()
        #expect(story.answer(start) == .failed(.waitsInVain("user", .requires(other: "base", .undefined))))
        story.send(.defined("base", FleetStory.cell()))
        story.run()
        #expect(story.condition("user") == .running)
    }

    /// Found by the exploration.
    @Test("What a cell requires is looked at once more when its turn with the driver has come")
    func lateTurn() {
        let never = SupervisionPolicy(restart: .never)
        var story = FleetStory([
            "base": FleetStory.cell(.bounded, never), "user": FleetStory.cell(requires: ["base"]),
            "other": FleetStory.cell(),
        ])
        story.request(.cell(.start, "base"))
        story.run()
        story.isDriverStuck = true
        story.request(.cell(.create, "other"))
        story.request(.cell(.start, "user"))
        story.befall("base") { ($0.state, $0.inmate, $0.failedCPUs) = (.failed, .none, [1]) }
        story.isDriverStuck = false
        story.run()
        #expect(!story.works.contains("create user"), "\(story.works)")
        #expect(story.fleet.cells["user"]?.waitsFor == .requires(other: "base", .notToRun))
    }

    /// Found by the exploration.
    @Test("A start whose effect cannot be seen is told to whoever waits, and verified later")
    func unverified() {
        var story = FleetStory(["a": FleetStory.cell()])
        let start = story.request(.cell(.start, "a"))
        for _ in 0..<3 { story.run(for: .milliseconds(3)) }
        while story.world["a"]?.state.isRunning != true { story.run(for: .milliseconds(1)) }
        guard story.answer(start) == nil else { return }
        story.world.isBlind = true
        story.run(for: .seconds(4))
        #expect(story.answer(start) == .failed(.cell("a", .failed(.startUnverified))))
        story.world.isBlind = false
        story.run()
        #expect(story.condition("a") == .running)
    }

    @Test("A cell that is declared failed, and says that it runs, is not waited for")
    func declaredFailed() {
        var story = FleetStory([
            "base": FleetStory.cell(
                .bounded, SupervisionPolicy(restart: .never, liveness: .vmExits(stall: .seconds(1)))),
            "user": FleetStory.cell(requires: ["base"]),
        ])
        story.request(.cell(.start, "user"))
        story.run()
        story.request(.cell(.stop, "user"))
        story.run()
        story.befall("base") { $0.inmate = .hangs }
        // its total of exits cannot be read here: say it as the lifecycle would
        story.fleet.cells["base"]?.lifecycle.memory.goal = .leave
        story.fleet.cells["base"]?.lifecycle.memory.failure = .stalled
        story.fleet.cells["base"]?.lifecycle.memory.failedID = 1
        story.fleet.cells["base"]?.lifecycle.progress = .down(.failed)
        story.look()
        #expect(story.fleet.wait(of: "user") == .requires(other: "base", .declaredFailed))
    }

    @Test("Every request is answered by its deadline, when the driver never ends what it does")
    func deadline() {
        var story = FleetStory(Self.pair)
        story.isDriverStuck = true
        let requests = [story.request(.cell(.start, "base")), story.request(.cell(.start, "user"))]
        story.now = story.now + Fleet.patience
        story.look()
        for id in requests { #expect(story.answer(id) != nil) }
        #expect(story.answer(requests[0]) == .failed(.timedOut(cell: "base")))
    }

    @Test("Exit counters that stay unreadable are told to whoever waits for the start")
    func blind() {
        var story = FleetStory(["a": FleetStory.cell(.bounded, SupervisionPolicy(restart: .never))])
        story.world.isBlind = true
        let start = story.request(.cell(.start, "a"))
        story.run(for: .seconds(5))
        #expect(story.answer(start) == .failed(.cell("a", .failed(.countersUnreadable))))
    }

    @Test("The daemon's end answers everybody and begins nothing more")
    func ending() {
        var story = FleetStory(Self.pair)
        story.isDriverStuck = true
        let start = story.request(.cell(.start, "user"))
        story.send(.ending)
        #expect(story.answer(start) == .failed(.daemonEnds(cell: "user")))
        let count = story.given.count
        story.isDriverStuck = false
        story.run()
        #expect(story.given.count == count)
    }
}
