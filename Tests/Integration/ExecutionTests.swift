// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-x86_64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// Cells that execute, below the real daemon.
@Suite("Executing cells", .serialized, .enabled(if: canExecute, "QEMU runs the cells"))
struct ExecutionTests {
    /// A machine with cells of shipped definitions, of which the first is started.
    private func machine(_ cells: KeyValuePairs<String, String>, _ options: [String] = []) async throws -> LiveMachine {
        let machine = try await LiveMachine.start(
            cells: Dictionary(cells.map { ($0.key, $0.value) }) { $1 },
            simulator: ["--cells", "execute", "--timing", "none"] + options)
        #expect(machine.console.hasPrefix("cells: execute, by "))
        if let first = cells.first?.key {
            let started = try await machine.control("start", first)
            #expect(started.status == 0, "\(started.errors)")
        }
        return machine
    }

    private func misbehave(_ mode: String, _ changes: (String, String)...) throws -> String {
        try Definitions.shipped("misbehave", [("mode=port-read", "mode=\(mode)")] + changes)
    }

    @Test("RTEMS executes: its own console, a shutdown that it is asked for, a restart in the same QEMU")
    func rtems() async throws {
        let machine = try await machine(["rtems": try Definitions.rtems()])
        let console = try machine.openConsole("rtems")
        try await eventually("it counts: \(console.output)\(machine.console)") {
            console.output.contains("rtems: 1 s\n")
        }
        #expect(console.output.hasPrefix("rtems: entered as a cell\n"))
        let process = try machine.emulators()
        #expect(process.count == 1)
        #expect(try await machine.control("stop", "rtems").status == 0)
        try await eventually("it was asked") { console.output.hasSuffix("rtems: shutting down\n") }
        #expect(try await machine.cell("rtems")?.state == "shut down")
        #expect(try await machine.control("start", "rtems").status == 0)
        try await eventually("it begins again") { console.output.contains("shutting down\nrtems: entered as a cell\n") }
        #expect(try machine.emulators() == process)
        #expect(try await machine.control("destroy", "rtems").status == 0)
        #expect(try machine.emulators().isEmpty)
        // the console ends with the cell
        #expect(try await console.end().status == 0)
    }

    @Test("A real violation: the evidence is what the CPU really had; the cell is restarted")
    func violation() async throws {
        let machine = try await machine([
            "misbehave": try misbehave(
                "port-write", ("cpus = \"2-3\"", "cpus = [3]"),
                (
                    "restart = \"never\"",
                    "restart = \"on-failure\"\ndelay = \"1 ms\"\nlimit = { attempts = 2, within = \"60 s\" }"
                ))
        ])
        try await eventually("it is given up") { try await machine.cell("misbehave")?.condition == "gave-up" }
        let status = try await machine.control("status", "misbehave").output
        #expect(status.contains("| FATAL: Invalid PIO write, port: 70 size: 1"))
        #expect(status.contains("was parked after a violation: Invalid PIO write, port: 70 size: 1"))
        // the port stands in the register that the instruction takes it from, in long mode with paging
        #expect(status.contains("RDX: 0x0000000000000070"))
        #expect(status.contains("EFER.LMA 1"))
        #expect(try await machine.cell("misbehave")?.state == "failed")
    }

    @Test("One CPU of two fails: the cell says running, and the failed CPU is told")
    func halfDead() async throws {
        let machine = try await machine(["misbehave": try misbehave("one-processor")])
        try await eventually("one has failed") { try await machine.state().cells.last?.failedCPUs.count == 1 }
        #expect(try await machine.state().cells.last?.state == "running")
        try await eventually("it is seen") { try await machine.cell("misbehave")?.condition == "degraded" }
        let status = try await machine.control("status", "misbehave")
        #expect(status.status == 5)
        #expect(status.output.contains("was parked after a violation"), "\(status.output)")
    }

    @Test("A denied shutdown is EPERM, the next one is approved")
    func stubborn() async throws {
        let machine = try await machine(["stubborn": try Definitions.shipped("stubborn")])
        let console = try machine.openConsole("stubborn")
        try await eventually("it runs") { console.output.contains("stubborn: running\n") }
        #expect(try await machine.control("stop", "stubborn").status == 0)
        #expect(machine.console.contains("denied: cell \"stubborn\" denied the shutdown request"))
        #expect(console.output.contains("stubborn: denied request 1"))
        #expect(try await machine.cell("stubborn")?.state == "shut down")
    }

    @Test("A definition that cannot be understood is said when the simulated machine looks for a cell's")
    func brokenDefinition() async throws {
        let definitions = try TemporaryDirectory()
        let broken = definitions.url.appending(path: "broken.toml")
        try "[cell\n".write(to: broken, atomically: true, encoding: .utf8)
        let machine = try await machine(
            ["stubborn": try Definitions.shipped("stubborn")], ["--definitions", definitions.url.path])
        #expect(machine.console.contains("a definition is left out: \(broken.path)"), "\(machine.console)")
    }

    @Test("A state that the inmate writes by itself shows")
    func locked() async throws {
        let machine = try await machine(["locked": try Definitions.shipped("locked")])
        try await eventually("it locks") { try await machine.cell("locked")?.state == "running/locked" }
        try await eventually("it unlocks") { try await machine.cell("locked")?.state == "running" }
    }

    @Test("Its other CPUs are started by itself, and the console says so")
    func smp() async throws {
        let machine = try await machine(["smp": try Definitions.shipped("smp")])
        let console = try machine.openConsole("smp")
        try await eventually("it ends: \(console.output)") { console.output.contains(" passed, 0 failed") }
        let log = try await machine.simulator(["exec", "--", "cat", "/sys/devices/jailhouse/console"])
        // which of them came first is the first
        #expect(log.components(separatedBy: "received SIPI, vector 0\n").count == 3)
    }

    @Test("A killed QEMU is a failed cell, which the daemon restarts; the simulator lives")
    func killedEmulator() async throws {
        let text = try Definitions.rtems(("delay = \"100 ms\"", "delay = \"1 ms\""))
        let machine = try await machine(["rtems": text])
        let process = try #require(try machine.emulators().first)
        kill(process, SIGKILL)
        try await eventually("it is restarted") { try await machine.cell("rtems")?.restarts == 1 }
        try await eventually("it runs") { try await machine.cell("rtems")?.condition == "running" }
        #expect(machine.console.contains("cell \"rtems\": QEMU is gone: "))
        let console = try machine.openConsole("rtems")
        // of this life alone
        try await eventually("it executes again") {
            console.output.components(separatedBy: "entered as a cell").count > 1
        }
    }

    @Test("A killed simulator leaves no QEMU")
    func killedSimulator() async throws {
        let machine = try await machine(["rtems": try Definitions.rtems()])
        let processes = try machine.emulators()
        #expect(processes.count == 1)
        machine.signalMachine(SIGKILL)
        try await eventually("QEMU ends") { processes.allSatisfy { kill($0, 0) != 0 } }
    }

    @Test("Injected: what is done really is done, and what is not says so")
    func injected() async throws {
        let text = try Definitions.rtems(("restart = \"on-failure\"", "restart = \"never\""))
        let machine = try await machine(["rtems": text])
        let console = try machine.openConsole("rtems")
        try await eventually("it runs") { console.output.contains("rtems: communication region") }

        try await machine.inject("rtems", "deny")
        let denied = try await machine.control("stop", "rtems", "--timeout", "1ms")
        #expect(denied.status != 0)
        try await machine.inject("rtems", "approve")
        try await machine.inject("rtems", "lock")
        try await eventually("it is locked") { try await machine.cell("rtems")?.state == "running/locked" }
        try await machine.inject("rtems", "fail", "msr-write")
        try await eventually("it has failed") { try await machine.cell("rtems")?.condition == "failed" }
        let status = try await machine.control("status", "rtems").output
        #expect(status.contains("FATAL: Unhandled MSR write: 200"))
        let log = try await machine.simulator(["exec", "--", "cat", "/sys/devices/jailhouse/console"])
        #expect(log.contains("The failure was injected"))
        let silence = console.output
        // nothing executes any more; started again, it does
        #expect(try await machine.control("start", "rtems").status == 0)
        try await eventually("it begins again") { console.output != silence && console.output.contains("entered") }
    }

    @Test("A hung inmate is stopped after its time; a lost start is cured")
    func hung() async throws {
        let machine = try await machine(["rtems": try Definitions.rtems()])
        try await machine.inject("rtems", "hang")
        let stopped = try await machine.control("stop", "rtems")
        #expect(stopped.status == 1, "it is stopped, but not by its own answer")
        #expect("\(stopped)".contains("did not answer"), "\(stopped)")
        #expect(machine.console.contains("did not answer in time"))
        try await machine.inject("rtems", "lose-next-start")
        _ = try await machine.control("start", "rtems")
        try await eventually("it executes") { try await machine.state().cells.last?.executes == true }
    }

    @Test("Several execute side by side, each in its own memory")
    func several() async throws {
        func text(_ name: String, _ cpu: Int, _ physical: String) throws -> String {
            try Definitions.shipped(
                "stubborn",
                [
                    ("name = \"stubborn\"", "name = \"\(name)\""), ("cpus = [3]", "cpus = [\(cpu)]"),
                    ("physical = 0x3a000000", "physical = \(physical)"),
                ])
        }
        let machine = try await machine([
            "one": try text("one", 1, "0x3a000000"), "two": try text("two", 2, "0x3a100000"),
            "three": try text("three", 3, "0x3a200000"),
        ])
        for name in ["two", "three"] { #expect(try await machine.control("start", name).status == 0) }
        #expect(try machine.emulators().count == 3)
        for name in ["one", "two", "three"] {
            let console = try machine.openConsole(name)
            try await eventually("\(name) runs: \(console.output)") { console.output.contains("stubborn: running\n") }
        }
        #expect(try await machine.control("destroy", "two").status == 0)
        #expect(try machine.emulators().count == 2)
        #expect(try await machine.cell("one")?.state == "running")
    }

    @Test(
        "Two cells on a network, and two with memory in common, understand each other: their own checks pass",
        arguments: ["network", "heartbeat"])
    func pairs(program: String) async throws {
        let names = ["\(program)-a", "\(program)-b"]
        let machine = try await machine([
            names[0]: try Definitions.shipped(names[0]), names[1]: try Definitions.shipped(names[1]),
        ])
        #expect(try await machine.control("start", names[1]).status == 0)
        for name in names {
            try await eventually("\(name) ends: \(machine.console)", within: .seconds(60)) {
                try await machine.cell(name)?.state == "shut down"
            }
        }
    }

    @Test(
        "The simulated machine behaves as Tests/Programs/scenarios say, and says where it does not",
        arguments: ["x86", "arm64"])
    func scenarios(architecture: String) async throws {
        let script = Place.source.path + "/Tests/Programs/scenarios/play.sh"
        let played = try Program(
            [script, Place.programs.path, "simulator"], environment: ["ARCHITECTURE": architecture])
        let ended = try await played.end(within: .seconds(240))
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains(" passed, 0 failed, 0 skipped\n"))
    }

    @Test("A scenario that is not so is a difference, with its line")
    func difference() async throws {
        let machine = try await LiveMachine.start()
        let file = machine.directory.url.appending(path: "wrong.toml")
        try "title = \"no\"\ncells = [\"rtems\"]\n[[step]]\ndo = \"start\"\n".write(
            to: file, atomically: true, encoding: .utf8)
        let source = Place.source.path
        let played = try await Program.run(
            [
                Place.program("jailhouse-sim"), "exec", "--", Place.program("scenarios"), "--definitions",
                "\(source)/configs/cells", "--inmates", Place.inmates.path, file.path,
            ], environment: ["JAILHOUSE_SIM_DIRECTORY": machine.directory.url.appending(path: "machine").path])
        #expect(played.status == 1)
        #expect(played.output.contains("FAIL  wrong: line 3: start of rtems answers ENOENT, not 0\n"))
        #expect(played.output.hasSuffix("0 passed, 1 failed, 0 skipped\n"))
    }

    @Test("The console of a cell can be a terminal; a scripted cell has none")
    func terminal() async throws {
        let machine = try await machine(["stubborn": try Definitions.shipped("stubborn")])
        let console = try machine.openConsole("stubborn", "--pty")
        try await eventually("there is a path: \(console.errors)") { console.output.hasSuffix("\n") }
        let terminal = String(console.output.dropLast())
        #expect(terminal.hasPrefix("/dev/pts/"))
        let reader = try Program(["timeout", "20", "head", "-n", "1", terminal])
        #expect(try await reader.end().output == "stubborn: running\n")

        // Ctrl-C is the cell's, Ctrl-] the user's; the terminal is as it was
        let script = """
            import os, pty, sys, termios
            process, terminal = pty.fork()
            if process == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            before = termios.tcgetattr(terminal)
            text = b""
            while b"stubborn: running" not in text: text += os.read(terminal, 4096)
            raw = termios.tcgetattr(terminal)
            os.write(terminal, b"\\x03\\x03")
            os.write(terminal, b"\\x1d")
            status = os.waitpid(process, 0)[1]
            print(b"Ctrl-] ends" in text, bool(raw[3] & termios.ISIG), status, termios.tcgetattr(terminal) == before)
            """
        let directory = machine.directory.url.appending(path: "machine").path
        let typed = try await Program.run(
            [
                "timeout", "30", "python3", "-c", script, Place.program("jailhouse-sim"), "console", "--directory",
                directory,
                "stubborn",
            ], within: .seconds(40))
        #expect(typed.output == "True False 0 True\n", "\(typed.output)\(typed.errors)")

        let scripted = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await scripted.control("start", "rtems").status == 0)
        let refused = try await scripted.openConsole("rtems").end()
        #expect(refused.status != 0)
        #expect(refused.errors.contains("cell \"rtems\" is scripted and does not execute"))
    }
}

extension LiveMachine {
    /// `jailhouse-sim console` as it runs.
    func openConsole(_ arguments: String...) throws -> Program {
        try Program(
            [Place.program("jailhouse-sim"), "console", "--directory", directory.url.appending(path: "machine").path]
                + arguments)
    }

    /// The QEMU processes of this machine, by what they have in their command lines.
    fileprivate func emulators() throws -> Set<pid_t> {
        let memory = directory.url.appending(path: "machine/memory").path
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        return Set(
            processes.filter { process in
                let line = (try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline"))) ?? Data()
                return String(decoding: line, as: UTF8.self).contains("mem-path=\(memory)")
            })
    }
}
