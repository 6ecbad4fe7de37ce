// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Simulator
import Testing

/// Shutdown requests, news of reconfigurations, and cells that do not answer.
struct HandshakeTests {
    enum Command: CaseIterable {
        case load, start, destroy, disable

        func request(_ name: String) -> Request {
            switch self {
            case .load: .load(.name(name), [Samples.image])
            case .start: .start(.name(name))
            case .destroy: .destroy(.name(name))
            case .disable: .disable
            }
        }
    }

    @Test(arguments: Command.allCases) func aDenialIsNotPermittedAndTheCellRunsOn(command: Command) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("deny", into: "rtems")
        #expect(bench.perform(command.request("rtems")) == .refused(.notPermitted))
        #expect(try bench.state("rtems") == "running")
        #expect(try bench.isAlive("rtems"))
        try bench.inject("approve", into: "rtems")
        #expect(bench.perform(command.request("rtems")) == .done)
    }

    @Test(arguments: Command.allCases) func aHungCellWithoutTimeoutFreezesTheMachine(command: Command) throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("hang", into: "rtems")
        #expect(bench.perform(command.request("rtems")) == .hangs)
        let line = try #require(bench.reports.last)
        #expect(line.hasPrefix("FROZEN: ") && line.contains("cell \"rtems\""))
        #expect(bench.machine.standsStill)
        let shown = bench.machine.sysfs
        bench.pass(.seconds(1000))
        #expect(bench.machine.sysfs == shown)
        #expect(throws: SimulatorError.self) { try bench.inject("shut-down", into: "rtems") }
    }

    /// The simulator may wait for its own file system, with all that it does: what is judged by this must not be blamed.
    @Test func whoGaveTheCommandBeforeTheCellWasShownCouldNotForesee() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        bench.machine.wasShown(at: bench.machine.now)
        bench.pass(.seconds(1))
        let arrival = bench.machine.now
        try bench.inject("hang", into: "rtems")
        bench.pass(.milliseconds(400))
        bench.machine.wasShown(at: bench.machine.now)
        _ = bench.machine.submit(.load(.name("rtems"), [Samples.image]), at: arrival)
        bench.pass(.milliseconds(1))
        #expect(bench.machine.foresight == .milliseconds(-400))
        // shown again it is no younger
        bench.machine.wasShown(at: bench.machine.now + .seconds(1))
        #expect(bench.machine.foresight == .milliseconds(-400))
    }

    @Test(arguments: Command.allCases) func thawedItGoesOn(command: Command) throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("hang", into: "rtems")
        let id = bench.machine.submit(command.request("rtems"))
        bench.pass(.seconds(1))
        #expect(!bench.takeEffects().contains(.answered(id, nil)))
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(bench.takeEffects().contains(.answered(id, nil)))
    }

    @Test func aLostStartWithoutTimeoutFreezesTheMachineAtTheNextLoad() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        #expect(bench.load("rtems") == .done)
        bench.pass(.milliseconds(10))
        try bench.inject("lose-next-start", into: "rtems")
        #expect(bench.start("rtems") == .done)
        #expect(bench.load("rtems") == .hangs)
    }

    @Test func aHungCellWithTimeoutMakesLinuxStandStill() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 1_000_000))
        try bench.inject("hang", into: "rtems")
        let before = bench.machine.now
        let id = bench.machine.submit(.load(.name("rtems"), [Samples.image]))
        bench.pass(.milliseconds(500))
        #expect(bench.machine.standsStill)
        #expect(bench.machine.wakeUp == before + .seconds(1))
        bench.pass(.milliseconds(500))
        #expect(!bench.machine.standsStill)
        #expect(!bench.takeEffects().contains(.answered(id, nil)))
        bench.pass(.milliseconds(5))
        #expect(bench.takeEffects().contains(.answered(id, nil)))
        #expect(try bench.state("rtems") == "shut down")
        #expect(bench.console.contains("Timeout expired while waiting for reply from target cell\n"))
    }

    @Test func aPassiveCellIsNeverAsked() throws {
        var bench = try Bench.running(Samples.cell("rtems", flags: .passiveCommunicationRegion, timeout: 0))
        try bench.inject("hang", into: "rtems")
        #expect(bench.load("rtems", []) == .done)
        #expect(bench.destroy("rtems") == .done)
    }

    @Test(arguments: ["fail", "shut-down", "give-up"]) func aCellThatHasEndedIsNotAsked(end: String) throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject(end, into: "rtems")
        #expect(bench.bringUp("rtems") == .done)
        #expect(try bench.state("rtems") == "running")
    }

    @Test(arguments: [true, false]) func othersAreToldOfCreateAndDestroy(destroy: Bool) throws {
        var bench = try Bench.running(Samples.cell("mute", timeout: 0))
        if destroy { #expect(try bench.create(Samples.cell("other", cpus: [2])) == .done) }
        try bench.inject("hang", into: "mute")
        let outcome = destroy ? bench.destroy("other") : try bench.create(Samples.cell("other", cpus: [2]))
        #expect(outcome == .hangs)
        #expect(bench.reports.last?.contains("\"mute\" does not answer the news") == true)
    }

    @Test func oneThatDoesNotAnswerTheNewsInTimeFails() throws {
        var bench = try Bench.running(Samples.cell("mute", timeout: 500_000))
        try bench.inject("hang", into: "mute")
        let before = bench.machine.now
        #expect(try bench.create(Samples.cell("other", cpus: [2])) == .done)
        #expect(bench.machine.now - before == .milliseconds(558))
        #expect(try bench.state("mute") == "failed")
        #expect(try bench.attribute("cpus_failed_list", of: "mute") == "")
    }

    @Test func aCellWithoutAnImageIsAskedInVain() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems", timeout: 0)) == .done)
        #expect(bench.start("rtems") == .done)
        #expect(try bench.state("rtems") == "running")
        #expect(bench.load("rtems") == .hangs)
    }

    @Test func oneOfAnotherABIDoesNotAnswer() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("abi-mismatch", into: "rtems")
        #expect(try bench.state("rtems") == "Comm ABI mismatch")
        #expect(bench.load("rtems") == .hangs)
    }

    @Test func oneOfAnUnknownStateIsAsked() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("invalid", into: "rtems")
        try bench.inject("hang", into: "rtems")
        #expect(try bench.state("rtems") == "invalid")
        #expect(bench.load("rtems") == .hangs)
    }

    @Test func requestsWaitForOneAnother() throws {
        var bench = try Bench.enabled()
        let create = bench.machine.submit(.create(try Samples.cell("rtems").binary()))
        let load = bench.machine.submit(.load(.name("rtems"), [Samples.image]))
        bench.pass(.milliseconds(58))
        #expect(bench.takeEffects().contains(.answered(create, nil)))
        bench.pass(.milliseconds(4))
        #expect(!bench.takeEffects().contains(.answered(load, nil)))
        bench.pass(.milliseconds(1))
        #expect(bench.takeEffects().contains(.answered(load, nil)))
    }
}
