// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Synchronization
import Testing

@testable import Simulator

/// Machines whose cells execute, as far as that needs no inmate.
@Suite struct ExecutingLayoutTests {
    private static let settings = ExecutionSettings(emulator: "/nonexistent", firmware: "", monitor: "")

    private func withMachine(memory: UInt64, _ body: (PhysicalMemory) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(memory: memory, timing: .none),
            cells: .executing(ExecutingLayoutTests.settings))
        defer { machine.stop() }
        try body(machine.memory)
    }

    @Test func theRAMEndsWhereItEnds() throws {
        try withMachine(memory: 1 << 30) { memory in
            #expect(memory.write([1, 2, 3], at: 0x3fff_fffd))
            #expect(memory.read(at: 0x3fff_fffd, count: 8) == [1, 2, 3])
            #expect(!memory.write([1, 2, 3], at: 0x3fff_fffe))
            #expect(!memory.write([1], at: 0x5000_0000))
            #expect(memory.read(at: 0x5000_0000, count: 1).isEmpty)
        }
    }

    @Test(.enabled(if: ForeignClient.isAvailable)) func aCellBeyondTheRAMDoesNotExecute() throws {
        let directory = try TemporaryDirectory()
        let lines = Mutex<[String]>([])
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none),
            cells: .executing(ExecutingLayoutTests.settings), onReport: { line in lines.withLock { $0.append(line) } })
        defer { machine.stop() }
        let output = try ForeignClient(environment: try machine.environment).run(
            """
            fd = device()
            enable(fd, contents('system')); create(fd, contents('beyond'))
            print(load(fd, 1, (b'x', 0)), start(fd, 1), attribute('cells/1/state').strip())
            """,
            files: [
                "system": try Samples.system().binary(),
                "beyond": try Samples.cell("beyond", at: 0x5000_0000).binary(),
            ])
        #expect(output == ["ok ok failed"])
        let told = lines.withLock { $0 }
        #expect(told.contains { $0.hasPrefix("lost: not all of the image for 0x50000000 is in") }, "\(told)")
        #expect(
            told.contains(
                "cell \"beyond\": it cannot execute: the loadable memory region at 0x50000000 lies beyond the "
                    + "machine's memory of 1024 MiB"), "\(told)")
    }

    @Test func nobodyWritesWhereTheMonitorsAre() throws {
        try withMachine(memory: 2 << 30) { memory in
            #expect(memory.write([1], at: 0x7eff_ffff))
            #expect(!memory.write([1], at: 0x7f00_0000))
        }
    }

    @Test(arguments: [0x8010_0000, 3 << 30, 4 << 30] as [UInt64])
    func aMachineWhoseCellsWouldHaveNoMemoryIsRefused(memory: UInt64) throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: SimulatorError.self) {
            try SimulatedMachine(
                directory: directory.path + "/machine", settings: MachineSettings(memory: memory),
                cells: .executing(ExecutingLayoutTests.settings))
        }
        #expect(error?.code == .execution)
        #expect(error?.message.contains("\(memory >> 20) MiB") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test func aCellWithoutAThreadFailsAndHoldsUpNobody() throws {
        var bench = Bench(inmates: .executing)
        bench.obedience = .never
        #expect(bench.perform(.enable(try Samples.system().binary())) == .done)
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(bench.bringUp("rtems") == .done)
        #expect(try bench.state("rtems") == "failed")
        #expect(bench.reports.contains("cell \"rtems\": it cannot execute: the system has no thread left"))
        #expect(bench.load("rtems") == .done)
        #expect(bench.destroy("rtems") == .done)
    }
}

private let canExecute = ForeignClient.isAvailable && (try? ExecutionSettings.find()) != nil

/// A QEMU that does not do as it is told.
@Suite(.serialized, .enabled(if: canExecute, "QEMU runs the cell, /usr/bin/python3 is the client"))
struct MuteEmulatorTests {
    @Test func itIsEndedAndTheCellFails() throws {
        let directory = try TemporaryDirectory()
        let lines = Mutex<[String]>([])
        var settings = try ExecutionSettings.find()
        settings.patience = .seconds(1)
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none),
            cells: .executing(settings), onReport: { line in lines.withLock { $0.append(line) } })
        defer { machine.stop() }
        let client = ForeignClient(environment: try machine.environment)
        let output = try client.run(
            """
            fd = device()
            enable(fd, contents('system')); create(fd, contents('rtems'))
            def run(): return load(fd, 1, (bytes.fromhex('ebfe'), 0)), start(fd, 1), attribute('cells/1/state').strip()
            print(*run())
            def emulators():
                found = []
                for process in filter(str.isdigit, os.listdir('/proc')):
                    try: line = open(f'/proc/{process}/cmdline').read()
                    except OSError: continue
                    if 'qemu' in line.split('\\0')[0] and '\(directory.path)/' in line: found.append(int(process))
                return found
            mute = emulators()
            os.kill(mute[0], signal.SIGSTOP)
            print(load(fd, 1), attribute('cells/1/state').strip(), len(mute), set(mute) & set(emulators()))
            print(*run())
            """,
            files: [
                "system": try Samples.system().binary(),
                "rtems": try Samples.cell("rtems", flags: .passiveCommunicationRegion).binary(),
            ])
        #expect(output == ["ok ok running", "ok shut down 1 set()", "ok ok running"])
        let told = lines.withLock { $0 }
        #expect(told.contains { $0.hasPrefix("cell \"rtems\": it cannot be stopped: QEMU does not answer") }, "\(told)")
    }
}
