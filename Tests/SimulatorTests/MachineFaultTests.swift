// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import Simulator
import Testing

/// Faults of the machine: the driver, sysfs, and other tools.
struct MachineFaultTests {
    private func request(_ command: String) throws -> Request {
        switch command {
        case "enable": .enable(try Samples.system().binary())
        case "disable": .disable
        case "create": .create(try Samples.cell("new", cpus: [2], at: 0x3b00_0000).binary())
        case "load": .load(.name("rtems"), [Samples.image])
        case "shutdown": .load(.name("rtems"), [])
        case "start": .start(.name("rtems"))
        default: .destroy(.name("rtems"))
        }
    }

    /// What shows whether a command has had its effect.
    private func truth(_ machine: Machine) -> [String] {
        machine.cells.map { "\($0.id) \($0.name) \($0.state.text) \($0.isAlive) \($0.starts)" }
            + ["\(machine.isEnabled)"]
    }

    private func bench(for command: String) throws -> Bench {
        command == "enable" ? Bench() : try Bench.running(Samples.cell("rtems"))
    }

    @Test func aRefusedStepOfAnotherToolIsKnown() throws {
        var bench = try Bench.running(Samples.cell("a"))
        func end(_ words: [String]) throws -> OtherToolEnd? {
            let number = bench.machine.doBehindTheBack(try OtherToolStep.steps(words: words))
            bench.pass(.milliseconds(10))
            return bench.machine.otherToolEnd(of: number)
        }
        #expect(try end(["shut-down", "a"])?.refusal == nil)
        let refused = try #require(try end(["shut-down", "a,", "swap", "a", "nobody,", "destroy", "a"]))
        #expect(refused.refusal == "another tool's step swap a nobody was refused: ENOENT")
        #expect(bench.machine.cells.contains { $0.name == "a" }, "what comes after is not done")
    }

    @Test(
        arguments: CommandFault.commands,
        ["EINTR", "EAGAIN", "EBUSY", "EPERM", "EINVAL", "ENOMEM", "EIO", "ENODEV", "EEXIST", "ENOENT", "EFAULT"])
    func everyCommandFailsWithEveryErrno(command: String, name: String) throws {
        let refusal = try #require(Refusal(name: name))
        for moment in CommandFault.Moment.allCases {
            var undisturbed = try bench(for: command)
            #expect(undisturbed.perform(try request(command)) == .done)

            var bench = try bench(for: command)
            let before = truth(bench.machine)
            bench.machine.inject(CommandFault(command: command, moment, .answers(refusal)))
            #expect(bench.perform(try request(command)) == .refused(refusal))
            #expect(truth(bench.machine) == (moment == .before ? before : truth(undisturbed.machine)))
            #expect(bench.machine.faults == MachineFaults(), "once")
        }
    }

    @Test func aFaultHappensAsOftenAsItShould() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        bench.machine.inject(
            CommandFault(command: nil, .before, .answers(.busy), uses: FaultUses(times: 2)))
        #expect(bench.load("rtems") == .refused(.busy))
        #expect(bench.start("rtems") == .refused(.busy))
        #expect(bench.load("rtems") == .done)

        bench.machine.inject(
            CommandFault(command: "load", .before, .answers(.busy), uses: FaultUses(times: nil, probability: 0.5)))
        var refused = 0
        for _ in 0..<400 where bench.load("rtems") == .refused(.busy) { refused += 1 }
        #expect((120...280).contains(refused))
        bench.machine.clearFaults()
        #expect(bench.load("rtems") == .done)
    }

    @Test func aFaultIsForItsCellOnly() throws {
        var bench = try Bench.running(Samples.cell("a"), Samples.cell("b", cpus: [2], at: 0x3b00_0000))
        bench.machine.inject(CommandFault(command: "load", cell: "b", .before, .answers(.busy)))
        #expect(bench.load("a") == .done)
        #expect(bench.perform(.load(.id(2), [])) == .done, "another command")
        #expect(bench.perform(.load(.id(2), [Samples.image])) == .refused(.busy))
    }

    @Test(arguments: CommandFault.Moment.allCases)
    func aCommandThatTakesLongHoldsTheLock(moment: CommandFault.Moment) throws {
        var bench = try Bench.running(
            Samples.cell("a"), Samples.cell("b", cpus: [2], at: 0x3b00_0000), settings: MachineSettings(timing: .none))
        bench.machine.inject(CommandFault(command: "destroy", moment, .takes(.seconds(30))))
        let begin = bench.machine.now
        _ = bench.machine.submit(.destroy(.name("a")))
        bench.machine.advance(to: begin + .seconds(29))
        #expect(bench.machine.cells.count == (moment == .before ? 3 : 2))
        #expect(bench.load("b") == .done)
        #expect(bench.machine.now >= begin + .seconds(30))
        #expect(bench.machine.cells.count == 2)
    }

    @Test(arguments: SysfsFault.Form.allCases) func sysfsSaysNonsenseForATime(form: SysfsFault.Form) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        let end = bench.machine.now + .seconds(1)
        bench.machine.inject(SysfsFault(.cell("rtems", file: "state"), form, until: .at(end)))
        bench.machine.inject(SysfsFault(.machine(file: "enabled"), form, until: .at(end)))
        let tree = bench.machine.sysfs
        let text = tree.cells[1].attributes["state"]
        switch form {
        case .gone: #expect(text == nil && tree.attributes["enabled"] == nil)
        case .empty: #expect(text == "" && tree.attributes["enabled"] == "")
        case .garbage: #expect(text != "running\n" && text?.isEmpty == false)
        case .truncated: #expect(text == "runn" && tree.attributes["enabled"] == "1")
        }
        #expect(tree.cells[0].attributes["state"] == "running\n")
        #expect(bench.machine.wakeUp == end)
        bench.pass(.seconds(2))
        #expect(try bench.attribute("state", of: "rtems") == "running")
        #expect(bench.machine.sysfs.attributes["enabled"] == "1\n")
    }

    @Test func sysfsIsRightAgainAfterSoManyChanges() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        bench.machine.inject(SysfsFault(.cell(nil, file: "state"), .garbage, until: .changes(2)))
        bench.pass(.milliseconds(1))
        try bench.inject("fail", into: "rtems")
        bench.pass(.milliseconds(1))
        #expect(try bench.attribute("state", of: "rtems") != "failed")
        #expect(bench.load("rtems") == .done)
        bench.pass(.milliseconds(1))
        #expect(try bench.attribute("state", of: "rtems") == "shut down")
    }

    @Test func aDirectoryIsHalfThere() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        let whole = try #require(bench.machine.sysfs.cells.last?.attributes.count)
        bench.machine.inject(SysfsFault(.half(of: "rtems"), .gone, until: .cleared))
        #expect(bench.machine.sysfs.cells.last?.attributes.count == (whole + 1) / 2)
        bench.machine.clearFaults()
        #expect(bench.machine.sysfs.cells.last?.attributes.count == whole)
    }

    @Test func anotherToolSwapsNumbersInOneMoment() throws {
        var bench = try Bench.running(Samples.cell("a"), Samples.cell("b", cpus: [2], at: 0x3b00_0000))
        #expect(try bench.cell("a").id == 1)
        let now = bench.machine.now
        bench.machine.doBehindTheBack([.swap("a", "b")])
        bench.machine.advance(to: now)
        #expect(bench.machine.now == now)
        #expect(try bench.cell("a").id == 2)
        #expect(try bench.cell("b").id == 1)
        #expect(try bench.state("a") == "shut down")
    }

    @Test func anotherToolTakesANumber() throws {
        var bench = try Bench.running(Samples.cell("a"), Samples.cell("b", cpus: [2], at: 0x3b00_0000))
        bench.machine.doBehindTheBack(try OtherToolStep.steps(words: ["replace", "a", "thief,", "restart", "thief"]))
        bench.pass(.milliseconds(1))
        #expect(throws: SimulatorError.self) { try bench.cell("a") }
        #expect(try bench.cell("thief").id == 1)
        #expect(try bench.isAlive("thief"))
        #expect(try bench.cell("b").isAlive)
    }

    @Test func anotherToolWaitsForTheLock() throws {
        var bench = try Bench.running(Samples.cell("a"))
        bench.machine.inject(CommandFault(command: "load", .before, .takes(.seconds(1))))
        let load = bench.machine.submit(.load(.name("a"), []))
        bench.machine.advance(to: bench.machine.now + .milliseconds(1))
        bench.machine.doBehindTheBack([.disable, .enable])
        bench.machine.advance(to: bench.machine.now + .milliseconds(1))
        #expect(bench.machine.cells.count == 2)
        bench.pass(.seconds(2))
        #expect(bench.takeEffects().contains(.answered(load, nil)))
        #expect(bench.machine.cells.count == 1)
        #expect(bench.machine.isEnabled)
    }

    @Test func thawedAnotherToolGoesOn() throws {
        var bench = try Bench.running(Samples.cell("rtems", timeout: 0))
        try bench.inject("hang", into: "rtems")
        bench.machine.doBehindTheBack([.destroy("rtems"), .disable])
        bench.pass(.seconds(1))
        #expect(bench.machine.freeze?.cell == 1)
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(bench.machine.sysfs.cells.isEmpty)
        #expect(!bench.machine.isEnabled && !bench.machine.standsStill)
        #expect(bench.machine.onlineCPUs == [0, 1, 2, 3])
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
    }

    @Test func whatNoCellIsWaitedForIsRefusedWhenThawed() throws {
        var bench = try Bench.enabled()
        bench.machine.doBehindTheBack([.create(try Samples.cell("rtems").binary().dropLast()), .disable])
        bench.pass(.seconds(1))
        #expect(bench.machine.freeze?.command == "create")
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(bench.machine.isEnabled && !bench.machine.standsStill)
        #expect(try bench.create(Samples.cell("rtems")) == .done)
    }

    @Test func deedsTellWhoWasHarmed() throws {
        var bench = try Bench.running(Samples.cell("a"), Samples.cell("b", cpus: [2], at: 0x3b00_0000))
        _ = bench.machine.takeDeeds()
        try bench.inject("fail", into: "b")
        #expect(bench.load("b") == .done)
        #expect(bench.bringUp("b") == .done)
        #expect(bench.machine.takeDeeds().allSatisfy { $0.harms.isEmpty })
        #expect(bench.load("a") == .done)
        #expect(bench.machine.takeDeeds().map { $0.harms.map(\.cell) } == [["a"]])
        #expect(bench.perform(.disable) == .done)
        #expect(bench.machine.takeDeeds().map { $0.harms.map(\.cell) } == [["b"]])
    }

    @Test(arguments: [
        [], ["destroy"], ["destroy", "a", "b"], ["swap", "a"], ["explode"], ["destroy", "a,"], ["disable", "a"],
    ])
    func wordsThatNoToolKnowsAreRefused(words: [String]) {
        #expect(throws: SimulatorError.self) { try OtherToolStep.steps(words: words) }
    }

    @Test func timesAndErrnosAreRead() {
        #expect(DurationText.duration("30s") == .seconds(30))
        #expect(DurationText.duration("1.5ms") == .microseconds(1500))
        #expect(DurationText.duration("2h") == .seconds(7200))
        for text in ["", "s", "-1s", "1", "nans", "infs", "1e99s", "1 s"] {
            #expect(DurationText.duration(text) == nil)
        }
        #expect(DurationText.text(.milliseconds(1500)) == "1.5s")
        #expect(Refusal(name: "ENODEV")?.rawValue == 19)
        #expect(Refusal(name: "ELOOP")?.rawValue == 40)
        #expect(Refusal(name: "EWHAT") == nil)
        #expect(Set(Refusal.allNamed.map(\.name)).count == Refusal.allNamed.count)
    }
}
