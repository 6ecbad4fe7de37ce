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

@Suite("The fleet: cells of others")
struct FleetForeignTests {
    private static let alpha = ["alpha": FleetStory.cell()]
    private static let names: [CellName] = [CellName("other"), CellName(bytes: []), CellName(bytes: [0xff, 0xfe])]

    private func world(_ name: CellName, _ state: CellState = .running) -> FleetWorld {
        var world = FleetWorld()
        world.create(name, .unbounded(accepted: false))
        if state != .shutDown { world.start(0, .hangs) }
        world.cells[0].state = state
        return world
    }

    @Test(
        "Nothing is created beside a running cell that nobody here defines", arguments: names,
        [CellState.running, .communicationABIMismatch, .invalid])
    func create(name: CellName, state: CellState) {
        var story = FleetStory(Self.alpha, world: world(name, state))
        let start = story.request(.cell(.start, "alpha"))
        story.run(for: .seconds(10))
        #expect(story.world.frozenBy == nil)
        #expect(story.works == [])
        guard case .failed(.cell("alpha", .failed(.refused(.create, let refusal)))) = story.answer(start) else {
            Issue.record("\(story.answer(start).debugDescription)")
            return
        }
        #expect(refusal.message.contains(name.text ?? "#1 \(name.escaped)"))
    }

    @Test("Nothing is destroyed or disabled beside it either; load and start of a cell that exists tell nobody")
    func others() {
        var world = world(CellName("other"))
        world.create(CellName("alpha"), .bounded)
        var story = FleetStory(Self.alpha, world: world)
        let start = story.request(.cell(.start, "alpha"))
        story.run()
        #expect(story.answer(start) == .done())
        let destroy = story.request(.cell(.destroy, "alpha"))
        story.run()
        guard case .failed(.cell("alpha", .refused(.destroy, _))) = story.answer(destroy) else {
            Issue.record("\(story.answer(destroy).debugDescription)")
            return
        }
        let disable = story.request(.disable(others: true))
        story.run()
        #expect(story.answer(disable) == .failed(.unknownAnswer(cell: "other", to: .disable)))
        #expect(story.world.frozenBy == nil)
        #expect(story.works == ["load alpha", "start alpha"])
    }

    @Test("An automatic re-creation obeys the same")
    func automatic() {
        var story = FleetStory(Self.alpha)
        story.request(.cell(.start, "alpha"))
        story.run()
        story.world = world(CellName(bytes: []))
        story.actions = []
        story.run(for: .seconds(20))
        #expect(story.works == [])
        #expect(story.world.frozenBy == nil)
    }

    @Test(
        "A foreign cell that is shut down is destroyed by a disable only if that is wanted", arguments: [false, true])
    func disable(others: Bool) {
        var story = FleetStory(Self.alpha, world: world(CellName("other"), .shutDown))
        let disable = story.request(.disable(others: others))
        story.run()
        #expect(story.answer(disable) == (others ? .done() : .failed(.othersDestroyed(["other"]))))
    }

    /// Found by the exploration.
    @Test("A foreign cell that comes while a disable waits for its turn is not destroyed by it")
    func comesBeforeDisable() {
        var story = FleetStory(Self.alpha)
        story.look()
        story.send(.requested(.disable(others: false), 1))
        story.world.create(CellName("other"), .bounded)
        story.run()
        #expect(story.answer(1) == .failed(.othersDestroyed(["other"])))
        #expect(story.works == [])
    }

    @Test("While a cell cannot be seen, none is created")
    func incomplete() {
        var story = FleetStory(Self.alpha)
        story.look()
        story.send(.requested(.cell(.start, "alpha"), 1))
        story.send(.looked(Look(.enabled, guests: [])))
        story.actions = []
        var look = Look(.enabled)
        look.guests = [
            Look.Guest(name: CellName("other"), observation: Observation(id: 1, state: .shutDown), isCurrent: false)
        ]
        var blind = FleetStory(Self.alpha)
        blind.look()
        blind.send(.requested(.cell(.start, "alpha"), 1))
        blind.send(.looked(look))
        #expect(blind.works == [])
        blind.look()
        #expect(blind.works == ["create alpha"])
    }

    @Test("A cell whose definition was removed is known to answer: others come and go beside it")
    func removed() {
        var story = FleetStory(["alpha": FleetStory.cell(), "beta": FleetStory.cell(.passive)])
        story.request(.cell(.start, "beta"))
        story.run()
        story.send(.defined("beta", nil))
        let start = story.request(.cell(.start, "alpha"))
        story.run()
        #expect(story.answer(start) == .done())
        #expect(story.condition("beta") == .foreign)
    }
}

@Suite("The fleet: words that are true")
struct FleetTruthTests {
    @Test(
        "A stop that was not answered says so, and for how long Linux was stalled",
        arguments: [Request.stop, .restart, .destroy])
    func unanswered(request: Request) {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .hangs }
        let id = story.request(.cell(request, "a"))
        story.run()
        #expect(story.answer(id) == .done(unanswered: FleetWorld.stall))
        let next = story.request(.cell(.start, "a"))
        story.run()
        #expect(story.answer(next) == .done())
    }

    @Test("A cell that the hypervisor stops while another is created did not answer")
    func neighbour() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .hangs }
        story.request(.cell(.create, "b"))
        story.run()
        let cause = FailureCause.didNotAnswer(Unanswered(command: .create, cell: "b", stall: FleetWorld.stall))
        #expect(story.actions.contains(.report(.failed(cause), of: "a")))
        #expect(story.condition("a") == .running, "it is restarted")
    }

    @Test("A cell with one dead CPU of two is restarted as one that failed", arguments: [true, false])
    func degraded(restarts: Bool) {
        let policy = SupervisionPolicy(restartsDegraded: restarts)
        var story = FleetStory(["a": FleetStory.cell(.bounded, policy)])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.failedCPUs = [1] }
        story.look()
        #expect(story.actions.contains(.keepEvidence(.cpusFailed([1]), of: "a")))
        story.run()
        #expect(story.condition("a") == (restarts ? .running : .degraded))
        #expect(story.fleet.cells["a"]?.lifecycle.memory.restarts == (restarts ? 1 : 0))
    }
}

@Suite("The fleet: enabling and disabling")
struct FleetMachineTests {
    private static let cells = ["a": FleetStory.cell(.bounded, SupervisionPolicy(autostart: true))]

    private var disabled: FleetWorld {
        var world = FleetWorld()
        world.hypervisor = .disabled
        return world
    }

    @Test("It is enabled by itself, once its driver is there; then autostart counts")
    func byItself() {
        var world = disabled
        world.hypervisor = .noDriver
        var story = FleetStory(Self.cells, world: world, memory: nil, system: FleetStory.system)
        story.run()
        #expect(story.works == [])
        story.world.hypervisor = .disabled
        story.run()
        #expect(story.works == ["enable", "create a", "load a", "start a"])
        #expect(story.fleet.machine == .enabled)
    }

    @Test("An enable that fails is tried again")
    func again() {
        var story = FleetStory(Self.cells, world: disabled, memory: nil, system: FleetStory.system)
        story.endings = [.refused, .refused]
        story.run()
        #expect(story.works.filter { $0 == "enable" }.count == 3)
        #expect(story.condition("a") == .running)
    }

    @Test("Not with CPUs that are not just those online", arguments: [[0, 1, 2, 3, 4], [0, 1, 2]])
    func cpus(online: [Int]) {
        var world = disabled
        world.onlineCPUs = online
        var story = FleetStory([:], world: world)
        let enable = story.request(.enable(FleetStory.system))
        story.run()
        #expect(story.answer(enable) == .failed(.otherCPUs(system: FleetStory.system, online: online)))
        #expect(story.works == [])
    }

    @Test("A request that comes meanwhile waits for it")
    func meanwhile() {
        var story = FleetStory(["a": FleetStory.cell()], world: disabled)
        let enable = story.request(.enable(FleetStory.system))
        let start = story.request(.cell(.start, "a"))
        #expect(story.answer(start) == nil)
        story.run()
        #expect(story.answer(enable) == .done())
        #expect(story.answer(start) == .done())
    }

    @Test("A disable that a cell denies leaves everything wanted as before")
    func denied() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.befall("a") { $0.inmate = .denies }
        let disable = story.request(.disable(others: false))
        story.run()
        guard case .failed(.machine(.disable, _)) = story.answer(disable) else {
            Issue.record("\(story.answer(disable).debugDescription)")
            return
        }
        #expect(story.fleet.cells["a"]?.lifecycle.memory.goal == .run)
        story.befall("a") { $0.inmate = .answers }
        #expect(story.request(.disable(others: false)) > 0)
        story.run()
        #expect(story.world.hypervisor == .disabled)
        #expect(story.fleet.memory.isDisabledByRequest)
    }
}

@Suite("The fleet: the end of the machine")
struct FleetEndTests {
    private func result(_ story: FleetStory, _ id: RequestID) -> ShutDownResult? {
        if case .shutDown(let result) = story.answer(id) { result } else { nil }
    }

    @Test("Cells are stopped in the reverse order of their start, and the hypervisor is disabled")
    func order() {
        var story = FleetStory(["a": FleetStory.cell(), "b": FleetStory.cell(), "c": FleetStory.cell()])
        for name in ["b", "a", "c"] {
            story.request(.cell(.start, name))
            story.run()
        }
        story.actions = []
        let end = story.request(.shutDownAll(within: .seconds(30)))
        let start = story.request(.cell(.start, "a"))
        #expect(story.answer(start) == .failed(.shuttingDown(cell: "a")))
        story.run()
        #expect(result(story, end)?.stopped == ["c", "a", "b"])
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["shutdown c", "shutdown a", "shutdown b", "disable"])
    }

    @Test("One that denies does not take the others' time; one that nobody knows is left alone")
    func refusals() {
        var world = FleetWorld()
        world.create(CellName(bytes: [0xff]), .unbounded(accepted: false))
        world.start(0, .hangs)
        world.create(CellName("a"), .bounded)
        world.create(CellName("b"), .bounded)
        var story = FleetStory(
            ["a": FleetStory.cell(), "b": FleetStory.cell(.bounded, SupervisionPolicy(stopTimeout: .seconds(600)))],
            world: world)
        for name in ["a", "b"] {
            story.request(.cell(.start, name))
            story.run()
        }
        story.befall("b") { $0.inmate = .denies }
        let began = story.now
        let end = story.request(.shutDownAll(within: .seconds(30)))
        story.run(for: .seconds(31))
        #expect(result(story, end)?.stopped == ["a"])
        #expect(result(story, end)?.left.map(\.cell) == ["b", #"#1 "\xff""#])
        #expect(result(story, end)?.left.first?.reason == .deniesShutdown("b"))
        #expect(result(story, end)?.notDisabled != nil)
        #expect(story.now - began < .seconds(40))
        #expect(story.world.frozenBy == nil)
    }

    @Test("A cell whose definition was removed is stopped, since it is known how it answers", arguments: [false, true])
    func removed(isNewDaemon: Bool) {
        var story = FleetStory(["a": FleetStory.cell(.passive)])
        story.request(.cell(.start, "a"))
        story.run()
        story.send(.defined("a", nil))
        story.look()
        if isNewDaemon {
            let world = story.world
            story = FleetStory([:], world: world, memory: story.fleet.memory)
        }
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run()
        #expect(result(story, end) == ShutDownResult(stopped: ["a"]))
        #expect(story.world.hypervisor == .disabled)
    }

    @Test("It is answered in time, whatever holds the driver")
    func stuck() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.isDriverStuck = true
        let began = story.now
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run(for: .seconds(11))
        #expect(result(story, end)?.left.map(\.cell) == ["a"])
        #expect(story.now - began < .seconds(12))
    }

    /// Found by the exploration.
    @Test("A disable that nobody wants any more, since its time was over, is not given later")
    func lateDisable() {
        var world = FleetWorld()
        world.create(CellName("other"), .bounded)
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        story.isDriverStuck = true
        let first = story.request(.shutDownAll(within: .seconds(8)))
        story.run(for: .seconds(9))
        #expect(result(story, first)?.notDisabled != nil)
        let second = story.request(.shutDownAll(within: .seconds(8)))
        story.isDriverStuck = false
        story.endings = [.refused]
        story.run()
        #expect(result(story, second)?.notDisabled == nil)
        story.run(for: .seconds(20))
        #expect(story.works == ["disable", "disable"])
    }

    /// Found by the exploration.
    @Test("A disable that fails while all cells are being shut down starts none again")
    func failedDisable() {
        var story = FleetStory(["a": FleetStory.cell()])
        story.request(.cell(.start, "a"))
        story.run()
        story.isDriverStuck = true
        let disable = story.request(.disable(others: false))
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.actions.removeAll { if case .give = $0 { true } else { false } }
        story.isDriverStuck = false
        story.endings = [.refused]
        story.run()
        #expect(story.answer(disable) != nil)
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["shutdown a", "disable"])
    }

    @Test("What is being enabled is waited for, and then disabled")
    func enabling() {
        var world = FleetWorld()
        world.hypervisor = .disabled
        var story = FleetStory(["a": FleetStory.cell()], world: world)
        let enable = story.request(.enable(FleetStory.system))
        let end = story.request(.shutDownAll(within: .seconds(10)))
        story.run()
        #expect(story.answer(enable) == .done())
        #expect(result(story, end)?.notDisabled == nil)
        #expect(story.works == ["enable", "disable"])
    }
}
