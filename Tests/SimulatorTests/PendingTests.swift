import CellConfiguration
import CellMachine
import Simulator
import Testing

/// A cell that takes its time: the test says when something comes of what it is told.
private struct SlowProgram: CellProgram {
    private var runs = false
    private var orders = 0
    var isSlow: Bool

    init(isSlow: Bool = false) { self.isSlow = isSlow }

    var isAlive: Bool { runs }
    var isBusy: Bool { orders > 0 }
    var runsWhatIsThere: Bool { true }

    mutating func started(as cell: CellDescriptor) -> [CellEvent] {
        runs = true
        if isSlow { orders += 1 }
        return []
    }

    mutating func stopped() {
        runs = false
        if isSlow { orders += 1 }
    }

    func answer(to message: Message) -> Answer { runs ? .pending : .silence }
    func play(_ fault: Fault) -> [CellEvent]? { nil }

    mutating func accepts(_ event: CellEvent, run: Int) -> Bool {
        if event == .ready { orders -= 1 }
        return true
    }
}

/// Cells whose answers and doings take time.
struct PendingTests {
    private func bench(timeout: UInt64 = 1_000_000, isSlow: Bool = false, names: [String] = ["rtems"]) throws -> Bench {
        var bench = Bench()
        bench.machine = Machine { _, _, _ in SlowProgram(isSlow: isSlow) }
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        for (index, name) in names.enumerated() {
            // a cell that is not started is not told of others
            #expect(try bench.create(Samples.cell(name, cpus: [3 - index], timeout: timeout)) == .done)
        }
        for name in names where !isSlow { #expect(bench.bringUp(name) == .done) }
        return bench
    }

    private func incarnation(_ name: String, in bench: Bench) throws -> UInt64 { try bench.cell(name).incarnation }

    /// Lets time pass until the machine waits for a cell.
    private func submit(_ request: Request, to bench: inout Bench) -> RequestID {
        let id = bench.machine.submit(request)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == nil)
        return id
    }

    private func answer(_ id: RequestID, _ effects: [Effect]) -> Refusal?? {
        for case .answered(id, let refusal) in effects { return .some(refusal) }
        return nil
    }

    @Test(arguments: [(CellEvent.answered(.approved), nil), (.answered(.denied), Refusal.notPermitted)])
    func theMachineStandsStillUntilItAnswers(event: CellEvent, refusal: Refusal?) throws {
        var bench = try bench()
        let id = submit(.load(.name("rtems"), []), to: &bench)
        #expect(bench.machine.standsStill)
        #expect(bench.machine.freeze == nil)
        bench.machine.deliver([event], from: try incarnation("rtems", in: bench))
        #expect(!bench.machine.standsStill)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(refusal))
        #expect(try bench.state("rtems") == (refusal == nil ? "shut down" : "running"))
    }

    @Test(arguments: [CellState.shutDown, .failed]) func anEndIsAnAnswer(state: CellState) throws {
        var bench = try bench()
        let id = submit(.destroy(.name("rtems")), to: &bench)
        bench.machine.deliver([.wroteState(state)], from: try incarnation("rtems", in: bench))
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
    }

    @Test func aStateInBetweenIsNone() throws {
        var bench = try bench()
        let id = submit(.load(.name("rtems"), []), to: &bench)
        bench.machine.deliver([.wroteState(.runningLocked)], from: try incarnation("rtems", in: bench))
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == nil)
        #expect(bench.machine.standsStill)
    }

    @Test func aViolationIsAnEnd() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        let lines = ["FATAL: Invalid PIO read, port: 71 size: 1", "Parking CPU 3 (Cell: \"rtems\")"]
        bench.machine.deliver([.parked(cpu: 3, lines: lines)], from: try incarnation("rtems", in: bench))
        #expect(bench.console.contains(lines.joined(separator: "\n") + "\n"))
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
    }

    @Test func itsTimeRunsOut() throws {
        var bench = try bench(timeout: 500_000)
        let id = submit(.start(.name("rtems")), to: &bench)
        bench.pass(.milliseconds(399))
        #expect(bench.machine.standsStill)
        bench.pass(.milliseconds(100))
        #expect(!bench.machine.standsStill)
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
        #expect(bench.console.contains("Timeout expired while waiting for reply from target cell\n"))
    }

    @Test func withoutATimeoutTheMachineFreezesAndALateAnswerThawsIt() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        #expect(bench.machine.freeze == nil)
        bench.pass(.seconds(10))
        #expect(bench.machine.freeze?.cell == 1)
        bench.machine.deliver([.answered(.approved)], from: try incarnation("rtems", in: bench))
        #expect(bench.machine.freeze == nil)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
    }

    @Test func thawedItCountsAsFailed() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        bench.pass(.seconds(10))
        bench.machine.thaw()
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
        #expect(!bench.machine.standsStill)
    }

    @Test func eachOtherCellIsToldOnceAfterTheOther() throws {
        var bench = try bench(names: ["a", "b"])
        let id = bench.machine.submit(.create(try Samples.cell("c", cpus: [1]).binary()))
        for name in ["a", "b"] {
            bench.pass(.milliseconds(100))
            #expect(bench.machine.standsStill)
            // the other one's word does not count
            let other = try incarnation(name == "a" ? "b" : "a", in: bench)
            bench.machine.deliver([.answered(.received)], from: other)
            #expect(bench.machine.standsStill)
            bench.machine.deliver([.answered(.received)], from: try incarnation(name, in: bench))
        }
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.machine.takeEffects()) == .some(nil))
    }

    @Test func commandsWaitForWhatTheCellStillDoes() throws {
        var bench = try bench(isSlow: true)
        let load = submit(.load(.name("rtems"), [Samples.image]), to: &bench)
        #expect(!bench.machine.standsStill)
        bench.machine.deliver([.ready], from: try incarnation("rtems", in: bench))
        bench.pass(.milliseconds(100))
        let effects = bench.machine.takeEffects()
        #expect(answer(load, effects) == .some(nil))
        #expect(effects.contains(.store(load, image: 0, at: 0x3a10_0000)))
    }

    @Test func nothingIsStartedBeforeItsImagesAreStored() throws {
        var bench = try bench()
        bench.machine.deliver([.wroteState(.shutDown)], from: try incarnation("rtems", in: bench))
        _ = bench.machine.takeEffects()
        let load = bench.machine.submit(.load(.name("rtems"), [Samples.image]))
        let start = bench.machine.submit(.start(.name("rtems")))
        bench.pass(.seconds(1))
        let first = bench.machine.takeEffects()
        #expect(answer(load, first) == .some(nil))
        #expect(answer(start, first) == nil)
        bench.pass(.seconds(1))
        #expect(answer(start, bench.machine.takeEffects()) == .some(nil))
    }

    @Test func whatIsGoneFails() throws {
        var bench = try bench()
        bench.machine.deliver([.ended("QEMU is gone")], from: try incarnation("rtems", in: bench))
        #expect(try bench.state("rtems") == "failed")
        #expect(bench.machine.takeEffects().contains { $0 == .report("cell \"rtems\": QEMU is gone") })
    }

    @Test func exitsOfTheInmateAreAddedToTheMachines() throws {
        var bench = try bench()
        let before = try #require(UInt64(try bench.attribute("statistics/cpu3/vmexits_total", of: "rtems") ?? ""))
        let counts = [3: ExitStatistics([.portIO: 5, .hypercall: 2])]
        bench.machine.deliver([.counted(counts)], from: try incarnation("rtems", in: bench))
        #expect(try bench.attribute("statistics/vmexits_pio", of: "rtems") == "5")
        #expect(try bench.attribute("statistics/cpu3/vmexits_total", of: "rtems") == "\(before + 7)")
    }

    @Test func anotherToolWaits() throws {
        var bench = try bench()
        bench.machine.doBehindTheBack([.shutDown("rtems")])
        bench.pass(.milliseconds(100))
        #expect(bench.machine.standsStill)
        bench.machine.deliver([.answered(.approved)], from: try incarnation("rtems", in: bench))
        bench.pass(.milliseconds(100))
        #expect(!bench.machine.standsStill)
        #expect(try bench.state("rtems") == "shut down")
    }
}
