// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import CellMachine
import Glibc
import JailhouseInterface
import Simulator
import Synchronization
import SystemCalls

/// One run of one program: a machine with this one cell.
final class Trial: Sendable {
    private let program: TrialProgram
    private let execution: ExecutionSettings
    private let isShown: Bool
    private let timeout: Duration
    private let bell = Bell()
    private let heard: Mutex<Heard>

    private struct Heard {
        var expectation: TrialExpectation
        var output: [UInt8] = []
        var evidence: [String] = []
        var match: TrialExpectation.Match?
        var end: String?
    }

    init(
        _ program: TrialProgram, _ execution: ExecutionSettings, _ expectation: sending TrialExpectation, isShown: Bool,
        timeout: Duration
    ) {
        self.program = program
        self.execution = execution
        self.isShown = isShown
        self.timeout = timeout
        heard = Mutex(Heard(expectation: expectation))
    }

    func run() -> TrialResult {
        let clock = ContinuousClock()
        let begin = clock.now
        let verdict: TrialResult.Verdict
        do {
            verdict = try execute(until: begin.advanced(by: timeout), clock)
        } catch {
            verdict = .failed("\(error)")
        }
        let taken = (clock.now - begin).components
        return heard.withLock {
            TrialResult(
                name: program.name, verdict: verdict,
                seconds: Double(taken.seconds) + Double(taken.attoseconds) / 1e18,
                output: String(decoding: $0.output, as: UTF8.self), evidence: $0.evidence)
        }
    }

    private func execute(
        until deadline: ContinuousClock.Instant, _ clock: ContinuousClock
    ) throws -> TrialResult.Verdict {
        let directory = try TrialDirectory()
        defer { directory.remove() }
        let cell = program.definition.descriptor
        let layout = MachineLayout(cell.architecture)
        // boards have RAM anywhere
        let size = layout == .pc ? 4 << 30 : MachineLayout.armFileSize(memoryEnd: 64 << 30)
        let memory = try MachineMemory(path: directory.path + "/memory", size: size, layout: layout)
        // the cell beside Linux; its CPUs may have any numbers
        try memory.tell(
            HypervisorNumbers(
                memoryPages: 2048, memoryUsed: 256, remapPages: 131_072, remapUsed: 65_536, cells: 2,
                cpus: (cell.cpus.members.max() ?? 0) + 2))
        let settings = CellMachineSettings(
            emulator: execution.emulator, firmware: execution.firmware, monitor: execution.monitor,
            directory: directory.path, memoryFile: memory.path, memorySize: memory.size)
        let machine = try CellMachine(
            cell: cell, system: program.system, slot: 0, devices: devices, legacyDevices: legacyDevices,
            settings: settings, onEvent: { [self] in hear($0) })
        defer { machine.terminate() }
        try program.load(into: memory)
        try machine.start()
        while clock.now < deadline {
            bell.wait(atMost: .milliseconds(20))
            if let verdict = look(at: machine) { return verdict }
            if let signal = SystemCall.takeTerminationSignal() { return .interrupted(signal) }
        }
        return .timedOut
    }

    private func look(at machine: CellMachine) -> TrialResult.Verdict? {
        let state = CellState.Word(rawValue: machine.state)
        let isParked = machine.failedCPUCount >= machine.cell.cpus.members.count
        if state.isEnd || isParked { machine.catchUp() }
        return heard.withLock { heard in
            switch heard.match {
            case .fail(let line): return .failed("it printed \"\(line)\"")
            case .until(let line): return .passed("it printed \"\(line)\"")
            case nil: break
            }
            if !heard.evidence.isEmpty, isParked { return .failed("a violation") }
            if let end = heard.end { return .failed(end) }
            guard state.isEnd else { return nil }
            guard state == .shutDown else { return .failed("the state \"\(state.description)\"") }
            return heard.expectation.isMet
                ? .passed("the state \"\(state.description)\"")
                : .failed("it shut down before it printed what was waited for")
        }
    }

    /// On a thread of the machine's.
    private func hear(_ event: CellMachineEvent) {
        heard.withLock { heard in
            switch event {
            case .held: break
            case .serial(let bytes): add(bytes, to: &heard)
            case .printed(let text): add(Array(text.utf8), to: &heard)
            case .violation(let cpu, let report):
                heard.evidence += report.lines(cpu: cpu, cell: program.definition.descriptor.name)
            case .noted: break
            case .ended(let reason): heard.end = reason
            }
        }
        bell.ring()
    }

    private func add(_ bytes: [UInt8], to heard: inout Heard) {
        // the end of a long output says more than its begin
        heard.output += bytes
        if heard.output.count > 2 << 20 { heard.output.removeFirst(heard.output.count - 1 << 20) }
        if heard.match == nil { heard.match = heard.expectation.look(at: bytes) }
        if isShown { _ = try? SystemCall.write(bytes.filter { $0 != 0x0d }, to: STDOUT_FILENO) }
    }

    // MARK: what the definition says of the simulated machine

    private var devices: [SimulatedDevice] {
        let chosen = program.definition.simulation.pci.map {
            SimulatedDevice(address: $0.address, model: $0.model, network: $0.network)
        }
        let others = program.definition.descriptor.pciDevices.filter { device in
            device.kind == .device && !chosen.contains { $0.address == device.address }
        }
        return chosen
            + others.map {
                SimulatedDevice(
                    address: $0.address, model: ExecutionSettings.standardModel,
                    network: ExecutionSettings.standardNetwork)
            }
    }

    private var legacyDevices: Set<LegacyDevice> {
        Set(program.definition.simulation.devices.compactMap { LegacyDevice(rawValue: $0.rawValue) })
    }
}

extension CellState.Word {
    fileprivate var isEnd: Bool { self != .running && self != .runningLocked }

    fileprivate var description: String {
        text == CellState.invalid.rawValue ? "\(rawValue), which is none" : text
    }
}

/// A directory for the machine's files, in memory where that can be.
private struct TrialDirectory {
    let path: String

    init() throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        path = try SystemCall.makeTemporaryDirectory("\(parent)/jailhouse-sim-run-\(getpid())-")
    }

    func remove() {
        for name in (try? SystemCall.names(inDirectory: path)) ?? [] { unlink(path + "/" + name) }
        rmdir(path)
    }
}
