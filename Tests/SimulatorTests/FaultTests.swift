// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import FailureReports
import Simulator
import Testing

struct FaultTests {
    @Test func aFailureFailsTheCellAndSaysWhy() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("fail", into: "rtems")
        #expect(try bench.state("rtems") == "failed")
        #expect(try bench.attribute("cpus_failed", of: "rtems") == "8")
        #expect(try bench.attribute("cpus_failed_list", of: "rtems") == "3")
        #expect(try bench.attribute("statistics/vmexits_pio", of: "rtems") == "1")
        let lines = bench.console.split(separator: "\n").map(String.init)
        let fatal = try #require(lines.firstIndex { $0.hasPrefix("FATAL: ") })
        #expect(lines[fatal] == "FATAL: Invalid PIO write, port: 70 size: 1")
        #expect(lines[fatal + 1].hasPrefix("RIP: 0x"))
        #expect(lines.last == "Parking CPU 3 (Cell: \"rtems\")")
    }

    @Test(arguments: Simulator.Violation.allCases) func eachViolationIsReported(violation: Simulator.Violation) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("fail", violation.rawValue, into: "rtems")
        #expect(bench.console.contains("FATAL: ") || violation == .testDevice)
        #expect(try bench.state("rtems") == "failed")
    }

    @Test(
        "Each is explained, in AMD's words and Intel's", arguments: Simulator.Violation.allCases,
        ConsoleWording.allCases)
    func eachViolationIsExplained(violation: Simulator.Violation, wording: ConsoleWording) throws {
        var settings = MachineSettings()
        settings.wording = wording
        var bench = try Bench.running(Samples.cell("rtems"), settings: settings)
        try bench.inject("fail", violation.rawValue, into: "rtems")
        let text = ConsoleText(bench.console)
        let death = try #require(text.deaths.first)
        #expect(text.deaths.count == 1 && text.others.isEmpty && death.cell == "rtems" && death.programCounter != nil)
        let explanation = death.explanation()
        #expect(death.violation != nil && !explanation.advice.contains("not known here"), "\(bench.console)")
    }

    @Test("Each failure of the hypervisor is explained, and what an IOMMU dropped", arguments: ConsoleWording.allCases)
    func machine(wording: ConsoleWording) throws {
        for failure in HypervisorFailure.allCases {
            var bench = try Bench.running(Samples.cell("rtems"))
            try bench.machine.inject(LinuxFault(words: ["hypervisor", "1", failure.rawValue]))
            let death = try #require(ConsoleText(bench.console).deaths.first)
            #expect(
                death.isStopped && death.cpu == 1 && !death.explanation().advice.contains("not known here"),
                "\(bench.console)")
        }
        var settings = MachineSettings()
        settings.wording = wording
        var bench = try Bench.running(Samples.cell("rtems"), settings: settings)
        try bench.machine.inject(LinuxFault(words: ["dma-fault", "00:02.0", "0x3a100000", "write"]))
        let fault = try #require(ConsoleText(bench.console).dmaFaults.first)
        #expect(fault.device == "00:02.0" && fault.address == 0x3a10_0000)
        #expect(fault.access == .write)
    }

    private static let machines: [MachineSettings] = [
        MachineSettings(), with(.intel), MachineSettings(architecture: .arm64),
    ]

    private static func with(_ wording: ConsoleWording) -> MachineSettings {
        var settings = MachineSettings()
        settings.wording = wording
        return settings
    }

    private static func refusedEnable(
        _ settings: MachineSettings, _ errno: String, at stop: EnableStop? = nil
    ) throws -> Bench {
        var bench = Bench(settings)
        var system = Samples.system()
        if settings.architecture == .arm64 {
            (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
            system.platform.specific = .arm(ArmPlatform(gicVersion: 3))
        }
        let refusal = try #require(Refusal(name: errno))
        bench.machine.inject(CommandFault(command: "enable", .before, .answers(refusal), stop: stop))
        #expect(bench.perform(.enable(try system.binary())) == .refused(refusal))
        return bench
    }

    /// What the device shows of the log that ended.
    private static func lastLog(_ bench: Bench) -> String {
        var position = HypervisorConsole.Position()
        guard case .bytes(let bytes) = bench.machine.console.read(&position, limit: 4096) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "An enable can be refused at each CPU and unit of each architecture, and each is explained", arguments: machines
    )
    func refusedEnable(settings: MachineSettings) throws {
        let possible = EnableStop.possible(in: settings)
        #expect(possible.count >= 6)
        for stop in possible {
            let console = Self.lastLog(try Self.refusedEnable(settings, "EIO", at: stop))
            let enable = try #require(ConsoleText(console).refusedEnable, "\(console)")
            #expect((enable.cpu != nil && enable.hasCPUFailed) == (stop == .cpu), "\(console)")
            #expect((enable.lock != nil) == [.iommuLocked, .filterLocked].contains(stop))
            #expect(!enable.shortExplanation().advice.contains("that this unit reads"), "\(console)")
        }
        for stop in EnableStop.allCases where !possible.contains(stop) {
            let fault = CommandFault(command: "enable", .before, .answers(.busy), stop: stop)
            #expect(throws: SimulatorError.self) { try fault.check(in: settings) }
        }
    }

    @Test("What the driver refuses by itself leaves nothing on the console", arguments: ["ENOENT", "EEXIST", "EINTR"])
    func driversOwn(errno: String) throws {
        let console = Self.lastLog(try Self.refusedEnable(MachineSettings(), errno))
        #expect(console.isEmpty, "\(console)")
        #expect(RefusedEnable.isDriversOwn(errno: errno))
    }

    @Test("Reports that an AMD IOMMU lost; Intel's says nothing of the kind", arguments: ["log", "hardware"])
    func lostReports(place: String) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.machine.inject(LinuxFault(words: ["iommu-overflow", place]))
        #expect(ConsoleText(bench.console).lostFaultReports == 1, "\(bench.console)")
        var intel = try Bench.running(Samples.cell("rtems"), settings: Self.with(.intel))
        #expect(throws: SimulatorError.self) {
            try intel.machine.inject(LinuxFault(words: ["iommu-overflow", place]))
        }
    }

    @Test func halfFailedItSaysRunning() throws {
        var bench = try Bench.running(Samples.cell("smp", cpus: [1, 3]))
        try bench.inject("fail-cpu", "3", into: "smp")
        #expect(try bench.state("smp") == "running")
        #expect(try bench.attribute("cpus_failed_list", of: "smp") == "3")
        #expect(throws: SimulatorError.self) { try bench.inject("fail-cpu", "3", into: "smp") }
        #expect(throws: SimulatorError.self) { try bench.inject("fail-cpu", "2", into: "smp") }
        try bench.inject("fail-cpu", "1", into: "smp")
        #expect(try bench.state("smp") == "failed")
        #expect(bench.bringUp("smp") == .done)
        #expect(try bench.attribute("cpus_failed_list", of: "smp") == "")
        #expect(try bench.state("smp") == "running")
    }

    @Test(arguments: [
        ("shut-down", "shut down"), ("give-up", "failed"), ("lock", "running/locked"), ("invalid", "invalid"),
        ("abi-mismatch", "Comm ABI mismatch"), ("hang", "running"), ("deny", "running"),
    ]) func eachFaultShowsAsItsState(fault: String, state: String) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject(fault, into: "rtems")
        #expect(try bench.state("rtems") == state)
        #expect(try bench.attribute("cpus_failed_list", of: "rtems") == "")
    }

    @Test func lockedOnlyForbidsReconfiguration() throws {
        var bench = try Bench.running(Samples.cell("a", cpus: [3]), Samples.cell("b", cpus: [2]))
        try bench.inject("lock", into: "a")
        #expect(bench.load("b") == .done)
        bench.pass(.milliseconds(10))
        #expect(bench.start("b") == .done)
        #expect(bench.destroy("b") == .refused(.notPermitted))
        #expect(try bench.isAlive("b"))
        #expect(bench.destroy("a") == .done)
        #expect(bench.destroy("b") == .done)
    }

    @Test func nothingHappensInACellWhereNothingExecutes() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(throws: SimulatorError(.condition, "cell \"rtems\": nothing executes in it (state: shut down)")) {
            try bench.inject("fail", into: "rtems")
        }
        #expect(throws: SimulatorError.self) { try bench.inject("fail", into: "linux") }
        #expect(throws: SimulatorError(.cell, "there is no cell \"rtmes\"; there are rtems")) {
            try bench.inject("fail", into: "rtmes")
        }
    }

    @Test("What a machine of the other architecture prints is refused, with what this one does")
    func otherArchitecture() throws {
        #expect(try Fault(words: ["fail"], on: .arm64) == .fail(.armWrite))
        #expect(try Fault(words: ["fail"], on: .x86) == .fail(.portWrite))
        #expect(try Fault(words: ["fail-cpu", "1", "arm-smc"], on: .arm64) == .failCPU(1, .armSecureCall))
        func refusal(_ body: () throws -> Void) -> String {
            do { try body() } catch let error as SimulatorError { return error.message } catch {}
            return ""
        }
        for (word, architecture) in [("port-write", Architecture.arm64), ("arm-smc", .x86)] {
            let message = refusal { _ = try Fault(words: ["fail", word], on: architecture) }
            #expect(message.contains("never prints \"\(word)\"") && message.contains("there are "), "\(message)")
            let list = message.firstRange(of: "there are ").map { message[$0.upperBound...] } ?? ""
            #expect(
                list.contains("arm-fetch") == (architecture == .arm64)
                    && list.contains("triple-fault") == (architecture == .x86))
        }
        #expect(refusal { _ = try LinuxFault(words: ["fail-cpu", "1", "port-read"], on: .arm64) }.contains("arm-read"))
        #expect(refusal { _ = try LinuxFault(words: ["touch", "cursor"], on: .arm64) }.contains("no ports"))
        #expect(
            refusal { _ = try LinuxFault(words: ["hypervisor", "1", "vmwrite"], on: .arm64) }.hasSuffix("one of abort"))
    }

    @Test(arguments: [[], ["explode"], ["fail-cpu"], ["fail-cpu", "x"], ["fail", "sneeze"], ["hang", "up"]])
    func wordsThatAreNoFaultAreRefused(words: [String]) {
        #expect(throws: SimulatorError.self) { try Fault(words: words) }
    }

    @Test func onlyAPermittedVirtualConsoleIsHeard() throws {
        var bench = try Bench.running(
            Samples.cell("loud", cpus: [3], flags: .virtualConsolePermitted), Samples.cell("mute", cpus: [2]))
        try bench.inject("print", "hello", "there", into: "loud")
        try bench.inject("print", "psst", into: "mute")
        #expect(bench.console.hasSuffix("hello there\r\n"))
    }
}
