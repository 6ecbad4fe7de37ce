// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

private let canDebug =
    [
        "/usr/bin/qemu-system-x86_64", "/usr/bin/gdb",
        Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin",
    ].allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// gdb itself, on cells that execute below the real daemon.
@Suite("Debugging cells", .serialized, .enabled(if: canDebug, "QEMU runs the cells and gdb is there"))
struct DebuggerTests {
    private func machine(_ name: String, _ definition: String, _ options: [String] = []) async throws -> LiveMachine {
        try await LiveMachine.start(
            cells: [name: definition], simulator: ["--cells", "execute", "--timing", "none"] + options)
    }

    private func misbehave(_ mode: String, cpus: String = "[3]") throws -> String {
        try Definitions.shipped(
            "misbehave", [("mode=port-read", "mode=\(mode)"), ("cpus = \"2-3\"", "cpus = \(cpus)")])
    }

    @Test("Breakpoints, steps, registers and memory are the cell's; afterwards it goes on as before")
    func session() async throws {
        let machine = try await machine("rtems", try Definitions.rtems())
        #expect(try await machine.control("start", "rtems").status == 0)
        let console = try machine.openConsole("rtems")
        try await eventually("it runs") { console.output.contains("entered as a cell\n") }
        let ended = try await machine.debug(
            "rtems", "info threads", "break port_read8", "continue", "backtrace", "x/i $pc", "stepi", "x/xw 0x100000",
            "set var *(int *)0x100000 = 7", "x/xw 0x100000", "set $old = $ebx", "set var $ebx = 0x1234", "print $ebx",
            "set var $ebx = $old", "x/x 0x40000000",
            "print $_inferior", "info registers eip")
        let output = ended.output + ended.errors
        #expect(ended.status == 0, "\(output)")
        #expect(output.contains("Thread 1.4 (CPU 3)"), "\(output)")
        #expect(!output.contains("CPU 0"), "only the cell's are shown: \(output)")
        #expect(output.contains("Breakpoint 1, 0x"), "\(output)")
        #expect(output.contains("in port_read8 ()") && output.contains("in inmate_main ()"), "\(output)")
        #expect(output.contains("0x100000:\t0x1badb002"), "the header of the image: \(output)")
        #expect(output.contains("0x100000:\t0x00000007"), "\(output)")
        #expect(output.contains("= 4660"), "\(output)")
        #expect(output.contains("Cannot access memory at address 0x40000000"), "\(output)")
        #expect(output.contains("detached]"), "\(output)")
        let heard = console.output.count
        try await eventually("it goes on: \(machine.console)") { console.output.count > heard }
        #expect(try await machine.cell("rtems")?.restarts == 0)
        #expect(try await machine.control("stop", "rtems").status == 0)
        try await eventually("it answered: \(console.output)") { console.output.hasSuffix("rtems: shutting down\n") }
    }

    @Test("The first instruction of a start, and a breakpoint that outlives the next start")
    func start() async throws {
        let machine = try await machine("rtems", try Definitions.rtems())
        let session = try machine.startDebugger(
            "rtems", ["--wait"], "info registers eip cs", "break inmate_main", "continue", "continue", "backtrace")
        try await eventually("it waits: \(session.errors)") { session.errors.contains("waits for the next start") }
        #expect(try await machine.control("start", "rtems").status == 0)
        try await eventually("it stands at the breakpoint: \(session.output)") {
            session.output.contains("Breakpoint 1, ")
        }
        #expect(session.output.contains("eip            0x0 "), "the reset address: \(session.output)")
        #expect(session.output.contains("cs             0xf000 "), "\(session.output)")
        try await eventually("it runs") { try await machine.cell("rtems")?.condition == "running" }
        _ = try await machine.control("restart", "rtems")
        try await eventually("there again: \(session.output)") {
            session.output.components(separatedBy: "Breakpoint 1, ").count == 3
        }
        let ended = try await session.end()
        #expect(ended.status == 0, "\(ended.output)")
    }

    @Test("A CPU that touches what is not the cell's stops at its instruction, and is parked afterwards")
    func violation() async throws {
        let machine = try await machine("misbehave", try misbehave("port-write"))
        let session = try machine.startDebugger(
            "misbehave", ["--wait"], "continue", "x/i $pc", "print $dx", "info registers rip")
        try await eventually("it waits: \(session.errors)") { session.errors.contains("waits for the next start") }
        _ = try await machine.control("start", "misbehave")
        let ended = try await session.end()
        #expect(ended.output.contains("received signal SIGSEGV"), "\(ended)")
        #expect(ended.output.contains("out    %al,(%dx)"), "\(ended)")
        #expect(ended.output.contains("= 112"), "\(ended)")
        try await eventually("it fails: \(machine.console)") { try await machine.cell("misbehave")?.state == "failed" }
        let status = try await machine.control("status", "misbehave").output
        #expect(status.contains("FATAL: Invalid PIO write, port: 70 size: 1"), "\(status)")
    }

    @Test("serve --stop-on-violation holds a dying CPU for a debugger that comes later; the other CPU is there, too")
    func held() async throws {
        let machine = try await machine(
            "misbehave", try misbehave("port-write", cpus: "\"2-3\""), ["--stop-on-violation"])
        _ = try await machine.control("start", "misbehave")
        try await eventually("it is held: \(machine.console)") {
            machine.console.contains("held: cell \"misbehave\"")
        }
        #expect(try await machine.state().cells.last?.state == "running")
        let ended = try await machine.debug("misbehave", "info threads", "x/i $pc")
        #expect(ended.output.contains("(CPU 2)") && ended.output.contains("(CPU 3)"), "\(ended)")
        #expect(ended.output.contains("out    %al,(%dx)"), "\(ended)")
        try await eventually("that one is parked: \(machine.console)") {
            try await machine.state().cells.last?.failedCPUs.count == 1
        }
    }

    @Test("The cell of a killed debugger goes on, without its breakpoints")
    func killed() async throws {
        let machine = try await machine("rtems", try Definitions.rtems())
        #expect(try await machine.control("start", "rtems").status == 0)
        let console = try machine.openConsole("rtems")
        let session = try machine.startDebugger(
            "rtems", [], "break port_read8", "continue", "continue", "shell sleep 60")
        try await eventually("it stands: \(session.output)") {
            session.output.components(separatedBy: "Breakpoint 1, ").count == 3
        }
        let second = try await machine.debug("rtems")
        #expect((second.output + second.errors).contains("being debugged already"), "\(second)")
        let third = try machine.startDebugger("rtems", ["--wait"])
        try await eventually("it waits") { third.errors.contains("waits for the next start") }
        _ = try await machine.control("restart", "rtems")
        #expect(try await third.end().errors.contains("being debugged already"))
        #expect(try await machine.cell("rtems")?.state != "failed", "the start went on")
        session.signal(SIGKILL)
        let heard = console.output.count
        try await eventually("it goes on: \(console.output)") { console.output.count > heard + 5 }
        #expect(try await machine.control("stop", "rtems").status == 0)
    }

    @Test("What cannot be debugged is said")
    func refused() async throws {
        let machine = try await machine("rtems", try Definitions.rtems())
        #expect(try await machine.debug("rtems").errors.contains("there is no cell \"rtems\""))
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.control("stop", "rtems").status == 0)
        let stopped = try await machine.debug("rtems")
        #expect(stopped.status != 0 && stopped.errors.contains("--wait"), "\(stopped)")
    }
}

extension LiveMachine {
    fileprivate func debuggerCommand(_ cell: String, _ options: [String], _ commands: [String]) -> [String] {
        let path = { (name: String) in self.directory.url.appending(path: name).path }
        return [
            Place.program("jailhouse-sim"), "gdb", "--directory", path("machine"), "--configuration", path("etc"), cell,
        ] + options + ["--", "-nx", "-batch"] + commands.flatMap { ["-ex", $0] }
    }

    fileprivate func debug(_ cell: String, _ commands: String...) async throws -> Ended {
        try await Program.run(debuggerCommand(cell, [], commands))
    }

    fileprivate func startDebugger(_ cell: String, _ options: [String], _ commands: String...) throws -> Program {
        try Program(debuggerCommand(cell, options, commands))
    }
}
