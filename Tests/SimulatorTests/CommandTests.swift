// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulator
import Testing

/// `jailhouse-sim` as people and scripts use it.
@Suite(
    .serialized,
    .enabled(if: Served.isBuilt, "jailhouse-sim stands beside the tests when all is built"))
struct SimulatorCommandTests {
    @Test(arguments: [SIGTERM, SIGINT]) func itServesUntilASignalAndLeavesNothing(signal: Int32) throws {
        let served = try Served()
        #expect(served.read() == "cells: script\nready: \(served.directory)\n")
        #expect(served.leftovers == ["machine"])
        #expect(served.end(by: signal) == 0)
        #expect(served.leftovers.isEmpty)
    }

    @Test func aKilledOneIsTakenOver() throws {
        let served = try Served()
        #expect(served.read().contains("ready: "))
        _ = served.end(by: SIGKILL)
        let exec = try served.run("exec", "--", "true")
        #expect(exec.status != 0)
        #expect(exec.errors.contains("no machine is served at \(served.directory)"))
        let machine = try SimulatedMachine(directory: served.directory)
        #expect(try served.run("serve").errors.contains("is being served"))
        machine.stop()
    }

    @Test(.enabled(if: ForeignClient.isAvailable)) func programsRunInIt() throws {
        let served = try Served()
        #expect(served.read().contains("ready: "))
        let list = try served.run(
            "exec", "--", "/usr/bin/python3", "-c",
            "import os; print(os.listdir('/sys/devices/jailhouse/cells'), os.open('/dev/jailhouse', os.O_RDWR) > 2)")
        #expect(list.text == "[] True\n")
        #expect(try served.run("exec", "--", "sh", "-c", "exit 7").status == 7)
        let missing = try served.run("exec", "--", "no-such-program")
        #expect(missing.status == 127)
        #expect(missing.errors == "jailhouse-sim: no-such-program: No such file or directory\n")
    }

    @Test func helpNeedsNoMachine() throws {
        let served = try Served()
        _ = served.end(by: SIGTERM)
        let help = try served.run("exec", "--help")
        #expect(help.status == 0 && help.text.contains("USAGE: jailhouse-sim exec"))
    }

    @Test func itEndsWhenItsDirectoryIsGone() throws {
        let served = try Served()
        #expect(served.read().contains("ready: "))
        try FileManager.default.removeItem(atPath: served.directory)
        #expect(served.end(by: SIGTERM) == 0)
    }

    @Test func aDirectoryInFrontOfASubcommandIsTheMachines() throws {
        let served = try Served()
        #expect(served.read().contains("ready: "))
        let words = ["inject", "--directory", served.directory, "program", "jailhoused", "write", "ENOSPC"]
        #expect(try Command.run([Served.program] + words).status == 0)
        #expect(try served.run("state").text.contains("fault: program: jailhoused: write fails with ENOSPC, once"))
    }

    @Test func aStepOfAnotherToolThatIsRefusedIsAFailure() throws {
        let served = try Served()
        #expect(served.read().contains("ready: "))
        let ended = try served.run("inject", "other-tool", "destroy", "nobody")
        #expect(ended.status == 1)
        #expect(ended.errors.contains("another tool's step destroy nobody was refused: "), "\(ended)")
    }

    @Test func itsStateIsJSON() throws {
        let served = try Served(["--cpus", "2"])
        #expect(served.read().contains("ready: "))
        let state = try served.run("state", "--json")
        let report = try JSONDecoder().decode(MachineReport.self, from: Data(state.text.utf8))
        #expect(report.enabled == false && report.onlineCPUs == [0, 1] && report.cells.isEmpty)
        #expect(try served.run("state").text == "disabled; online CPUs: 0,1\n")
        #expect(try served.run("linux", "cpu", "1", "offline").status == 0)
        #expect(try served.run("state").text == "disabled; online CPUs: 0\n")
        #expect(try served.run("inject", "rtems", "fail").errors.contains("there is no cell \"rtems\""))
        #expect(try served.run("inject", "rtems", "explode").errors.contains("no fault is called \"explode\""))
    }
}

/// `jailhouse-sim serve` in a directory of its own.
private final class Served {
    static let program =
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        + "/jailhouse-sim"
    static let isBuilt = FileManager.default.isExecutableFile(atPath: program)

    let directory: String
    private let parent: TemporaryDirectory
    private let process = Process()
    private let output = Pipe()

    init(_ options: [String] = ["--timing", "none"]) throws {
        parent = try TemporaryDirectory()
        directory = parent.path + "/machine"
        process.executableURL = URL(filePath: Served.program)
        process.arguments = ["serve", "--directory", directory, "--cells", "script"] + options
        process.standardOutput = output
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// The next output; empty at the end.
    func read() -> String {
        String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }

    func end(by signal: Int32) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }

    var leftovers: [String] { (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? [] }

    func run(_ words: String...) throws -> Command.Output {
        try Command.run(
            [Served.program] + words, environment: ["JAILHOUSE_SIM_DIRECTORY": directory], in: parent.path)
    }
}
