// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import Testing

@testable import CellMachine
@testable import Simulator

/// Cells that execute: the test says what comes of what they are told.
struct PendingTests {
    private func bench(timeout: UInt64 = 1_000_000, names: [String] = ["rtems"]) throws -> Bench {
        var bench = Bench(inmates: .executing)
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        for (index, name) in names.enumerated() {
            // a cell that is not started is not told of others
            #expect(try bench.create(Samples.cell(name, cpus: [3 - index], timeout: timeout)) == .done)
        }
        for name in names { #expect(bench.bringUp(name) == .done) }
        return bench
    }

    /// Lets time pass until the machine waits for a cell.
    private func submit(_ request: Request, to bench: inout Bench) -> RequestID {
        let id = bench.machine.submit(request)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == nil)
        return id
    }

    private func answer(_ id: RequestID, _ effects: [Effect]) -> Refusal?? {
        for case .answered(id, let refusal) in effects { return .some(refusal) }
        return nil
    }

    @Test(arguments: [(CellEvent.answered(.requestApproved), nil), (.answered(.requestDenied), Refusal.notPermitted)])
    func theMachineStandsStillUntilItAnswers(event: CellEvent, refusal: Refusal?) throws {
        var bench = try bench()
        let id = submit(.load(.name("rtems"), []), to: &bench)
        #expect(bench.machine.standsStill)
        #expect(bench.machine.freeze == nil)
        try bench.deliver([event], from: "rtems")
        #expect(!bench.machine.standsStill)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(refusal))
        #expect(try bench.state("rtems") == (refusal == nil ? "shut down" : "running"))
    }

    @Test(arguments: [CellState.Word.shutDown, .failed]) func anEndIsAnAnswer(state: CellState.Word) throws {
        var bench = try bench()
        let id = submit(.destroy(.name("rtems")), to: &bench)
        try bench.deliver([.wroteState(state)], from: "rtems")
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(nil))
    }

    @Test func aStateInBetweenIsNone() throws {
        var bench = try bench()
        let id = submit(.load(.name("rtems"), []), to: &bench)
        try bench.deliver([.wroteState(.runningLocked)], from: "rtems")
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == nil)
        #expect(bench.machine.standsStill)
    }

    @Test func aViolationIsAnEnd() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        let report = ViolationReport(
            X86Violation(
                reason: .port, details: [0x71, 1, 1], registers: MonitorMemory.Register.allCases.map { _ in 0 }))
        try bench.deliver([.parked(cpu: 3, report)], from: "rtems")
        #expect(bench.console.contains("FATAL: Invalid PIO read, port: 71 size: 1\nRIP: 0x0000000000000000 RSP: "))
        #expect(bench.console.contains("\nParking CPU 3 (Cell: \"rtems\")\n"))
        #expect(bench.reports.contains("failed: cell \"rtems\", CPU 3: Invalid PIO read, port: 71 size: 1"))
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(nil))
    }

    @Test func itsTimeRunsOut() throws {
        var bench = try bench(timeout: 500_000)
        let id = submit(.start(.name("rtems")), to: &bench)
        bench.pass(.milliseconds(399))
        #expect(bench.machine.standsStill)
        bench.pass(.milliseconds(100))
        #expect(!bench.machine.standsStill)
        #expect(answer(id, bench.takeEffects()) == .some(nil))
        #expect(bench.console.contains("Timeout expired while waiting for reply from target cell\n"))
    }

    @Test func withoutATimeoutTheMachineFreezesAndALateAnswerThawsIt() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        #expect(bench.machine.freeze == nil)
        bench.pass(.seconds(10))
        #expect(bench.machine.freeze?.cell == 1)
        try bench.deliver([.answered(.requestApproved)], from: "rtems")
        #expect(bench.machine.freeze == nil)
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(nil))
    }

    @Test func thawedItCountsAsFailed() throws {
        var bench = try bench(timeout: 0)
        let id = submit(.load(.name("rtems"), []), to: &bench)
        bench.pass(.seconds(10))
        bench.machine.thaw()
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(nil))
        #expect(!bench.machine.standsStill)
    }

    @Test func eachOtherCellIsToldOnceAfterTheOther() throws {
        var bench = try bench(names: ["a", "b"])
        let id = bench.machine.submit(.create(try Samples.cell("c", cpus: [1]).binary()))
        for name in ["a", "b"] {
            bench.pass(.milliseconds(100))
            #expect(bench.machine.standsStill)
            // the other one's word does not count
            try bench.deliver([.answered(.messageReceived)], from: name == "a" ? "b" : "a")
            #expect(bench.machine.standsStill)
            try bench.deliver([.answered(.messageReceived)], from: name)
        }
        bench.pass(.milliseconds(100))
        #expect(answer(id, bench.takeEffects()) == .some(nil))
    }

    @Test func commandsWaitForWhatTheCellStillDoes() throws {
        var bench = Bench(inmates: .executing)
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        bench.obedience = .later
        let load = submit(.load(.name("rtems"), [Samples.image]), to: &bench)
        #expect(!bench.machine.standsStill)
        #expect(bench.orders.last == .stop && bench.stored.isEmpty)
        // parked: the image can be written
        try bench.deliver([.ready], from: "rtems")
        bench.pass(.milliseconds(100))
        #expect(answer(load, bench.takeEffects()) == nil)
        #expect(bench.stored == [0x3a10_0000])
        try bench.deliver([.ready], from: "rtems")
        bench.pass(.milliseconds(100))
        #expect(answer(load, bench.takeEffects()) == .some(nil))
    }

    @Test func nothingIsStartedBeforeItsImagesAreStored() throws {
        var bench = try bench()
        try bench.deliver([.wroteState(.shutDown)], from: "rtems")
        bench.obedience = .later
        let load = bench.machine.submit(.load(.name("rtems"), [Samples.image]))
        let start = bench.machine.submit(.start(.name("rtems")))
        bench.pass(.seconds(1))
        try bench.deliver([.ready], from: "rtems")
        bench.pass(.seconds(1))
        #expect(bench.orders.last == .stop)
        #expect(bench.stored.count == 2)
        try bench.deliver([.ready], from: "rtems")
        bench.pass(.seconds(1))
        let effects = bench.takeEffects()
        #expect(answer(load, effects) == .some(nil))
        #expect(answer(start, effects) == nil)
        #expect(bench.orders.suffix(2) == [.stop, .start(run: 2)])
        try bench.deliver([.ready, .ready], from: "rtems")
        bench.pass(.seconds(1))
        #expect(answer(start, bench.takeEffects()) == .some(nil))
    }

    @Test func whatIsGoneFails() throws {
        var bench = try bench()
        try bench.deliver([.ended("QEMU is gone")], from: "rtems")
        #expect(try bench.state("rtems") == "failed")
        #expect(bench.takeEffects().contains { $0 == .report("cell \"rtems\": QEMU is gone") })
    }

    @Test func exitsOfTheInmateAreAddedToTheMachines() throws {
        var bench = try bench()
        let before = try #require(UInt64(try bench.attribute("statistics/cpu3/vmexits_total", of: "rtems") ?? ""))
        let counts = [3: ExitStatistics([.portIO: 5, .hypercall: 2])]
        try bench.deliver([.counted(counts)], from: "rtems")
        #expect(try bench.attribute("statistics/vmexits_pio", of: "rtems") == "5")
        #expect(try bench.attribute("statistics/cpu3/vmexits_total", of: "rtems") == "\(before + 7)")
    }

    @Test func anotherToolWaits() throws {
        var bench = try bench()
        bench.machine.doBehindTheBack([.shutDown("rtems")])
        bench.pass(.milliseconds(100))
        #expect(bench.machine.standsStill)
        try bench.deliver([.answered(.requestApproved)], from: "rtems")
        bench.pass(.milliseconds(100))
        #expect(!bench.machine.standsStill)
        #expect(try bench.state("rtems") == "shut down")
    }
}
