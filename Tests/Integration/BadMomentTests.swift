// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Requests, reloads and ends that meet something else.
@Suite("At a bad moment") struct BadMomentTests {
    @Test("What was known of a cell counts when its definition, broken at the daemon's start, is repaired")
    func repairedDefinition() async throws {
        let definition = try Definitions.rtems()
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        #expect(try await machine.control("start", "rtems").status == 0)
        try machine.write("[cell", toCell: "rtems")
        try await machine.killDaemon()
        try await eventually("it is nobody's: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "foreign"
        }
        try await machine.inject("rtems", "fail")
        try machine.write(definition, toCell: "rtems")
        #expect(try await machine.control("reload").status == 0, "\(machine.log)")
        try await eventually("it runs again, as it was wanted: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.condition == "running" && cell?.restarts == 1
        }
    }

    @Test("A daemon that is asked to end while a request is carried out answers it and ends")
    func endWhileAsked() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        try await machine.inject("command", "load", "60s")
        async let start = machine.control("start", "rtems")
        try await eventually("it is under way: \(machine.console)") { machine.console.contains("is held up for") }
        machine.signalDaemon(SIGTERM)
        #expect(try await machine.daemonEnd().status == 0)
        let ended = try await start
        #expect(ended.status == 1 && ended.errors.contains("the daemon is shutting down"), "\(ended)")
    }

    @Test("Whoever waits for another cell is told when the hypervisor is disabled by another tool")
    func disabledWhileWaiting() async throws {
        let base = try Definitions.rtems(("delay = \"100 ms\"", "delay = \"60 s\""), ("\"30 s\"", "\"60 s\""))
        let user = try Definitions.rtems(
            ("name = \"rtems\"", "name = \"user\""), ("cpus = [3]", "cpus = [2]"),
            ("physical = 0x3a000000", "physical = 0x3b000000"), ("[supervision]", "[supervision]\nafter = [\"rtems\"]"))
        let machine = try await LiveMachine.start(cells: ["rtems": base, "user": user])
        #expect(try await machine.control("start", "rtems").status == 0, "\(machine.log)")
        try await machine.inject("rtems", "fail")
        try await eventually("it waits for its restart: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "backing-off"
        }
        async let start = machine.control("start", "user")
        try await eventually("it is held: \(machine.log)") { machine.log.contains("user waits for rtems") }
        try await machine.inject("other-tool", "disable")
        let ended = try await start
        #expect(ended.status == 1 && ended.errors.contains("not enabled"), "\(ended)")
    }

    @Test("A running cell without a definition keeps the hypervisor from being disabled")
    func undefinedCell() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        try FileManager.default.removeItem(at: machine.directory.url.appending(path: "etc/cells/rtems.toml"))
        #expect(try await machine.control("reload").status == 0)
        let disable = try await machine.control("disable")
        #expect(
            disable.status == 1 && disable.errors.contains("would destroy cells without a definition: rtems"),
            "\(disable)"
        )
        #expect(try await machine.cell("rtems")?.state == "running")
    }

    @Test("What was stopped for a restart that is denied is started again")
    func deniedRestart() async throws {
        let base = try Definitions.rtems(("stop-timeout = \"5 s\"", "stop-timeout = \"100 ms\""))
        let user = try Definitions.rtems(
            ("name = \"rtems\"", "name = \"user\""), ("cpus = [3]", "cpus = [2]"),
            ("physical = 0x3a000000", "physical = 0x3b000000"),
            ("[supervision]", "[supervision]\nrequires = [\"rtems\"]"))
        let machine = try await LiveMachine.start(cells: ["rtems": base, "user": user])
        #expect(try await machine.control("start", "user").status == 0, "\(machine.log)")
        try await machine.inject("rtems", "deny")
        let restart = try await machine.control("restart", "rtems")
        #expect(restart.status == 1 && restart.errors.contains("rejected"), "\(restart)")
        let cell = try await machine.state().cells.first { $0.name == "user" }
        #expect(cell?.state == "running" && cell?.starts == 2, "\(machine.log)")
    }
}
