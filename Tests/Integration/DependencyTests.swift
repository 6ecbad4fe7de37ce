// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Cells that need each other, through the commands that people type.
@Suite("Cells that need each other") struct DependencyTests {
    private static func definition(_ name: String, cpu: Int, _ supervision: String) throws -> String {
        try Definitions.rtems()
            .replacingOccurrences(of: #"(?m)^name = "rtems"$"#, with: "name = \"\(name)\"", options: .regularExpression)
            .replacingOccurrences(of: "cpus = [3]", with: "cpus = [\(cpu)]")
            .replacingOccurrences(of: "0x3a000000", with: "0x3a\(cpu)00000")
            .replacingOccurrences(of: "[supervision]", with: "[supervision]\n\(supervision)")
            .replacingOccurrences(of: "\"8 MiB\"", with: "\"1 MiB\"")
            .replacingOccurrences(
                of: #"(?s)\[\[image\]\].*?\[supervision\]"#,
                with: "[[image]]\npath = \"\(Place.inmates.path)/stubborn-32.bin\"\naddress = 0x0\n\n[supervision]",
                options: .regularExpression
            )
            .replacingOccurrences(of: "reset-address = 0xf0000", with: "reset-address = 0x0")
    }

    private static func machine() async throws -> LiveMachine {
        try await LiveMachine.start(cells: [
            "base": try definition("base", cpu: 1, ""),
            "user": try definition("user", cpu: 2, "requires = [\"base\"]"),
        ])
    }

    @Test("Starting a cell starts what it requires; stopping that stops the cell first")
    func startAndStop() async throws {
        let machine = try await Self.machine()
        #expect(try await machine.control("start", "user").status == 0, "\(machine.log)")
        #expect(try await machine.cell("base")?.condition == "running")
        #expect(try await machine.cell("user")?.condition == "running")
        #expect(try await machine.control("stop", "base").status == 0)
        #expect(try await machine.cell("user")?.condition == "stopped")
        let stops = machine.console.split(separator: "\n").filter { $0.hasPrefix("shut down: ") }
        #expect(stops == ["shut down: cell \"user\"", "shut down: cell \"base\""])
        for entry in ["Start base, for Start user, requested by uid", "Stop user, for Stop base, requested by uid"] {
            #expect(machine.log.contains(entry), "\(machine.log)")
        }
        #expect(try await machine.control("restart", "base").status == 0)
        #expect(try await machine.cell("user")?.condition == "stopped", "it did not run")
    }

    @Test("Restarting a cell restarts who requires it; a failure of it does not")
    func restart() async throws {
        let machine = try await Self.machine()
        #expect(try await machine.control("start", "user").status == 0)
        #expect(try await machine.control("restart", "base").status == 0)
        let starts = machine.console.split(separator: "\n").filter { $0.hasPrefix("started: ") }
        #expect(starts.map { $0.split(separator: "\"")[1] } == ["base", "user", "base", "user"], "\(machine.console)")
        try await machine.inject("base", "fail")
        try await eventually("it runs again: \(machine.log)") { try await machine.cell("base")?.restarts == 1 }
        #expect(try await machine.cell("user")?.condition == "running")
        #expect(try await machine.cell("user")?.restarts == 0)
    }

    @Test("A cell that fails waits for what it requires; the waiting is shown")
    func waits() async throws {
        let machine = try await LiveMachine.start(cells: [
            "base": try Self.definition("base", cpu: 1, "")
                .replacingOccurrences(
                    of: #"(?m)^restart *=.*$"#, with: "restart = \"never\"", options: .regularExpression),
            "user": try Self.definition("user", cpu: 2, "requires = [\"base\"]"),
        ])
        #expect(try await machine.control("start", "user").status == 0, "\(machine.log)")
        try await machine.inject("base", "fail")
        try await eventually("it has failed") { try await machine.cell("base")?.condition == "failed" }
        try await machine.inject("user", "fail")
        try await eventually("it waits: \(machine.log)") {
            machine.log.contains("user requires base, which is not to run")
        }
        #expect(try await machine.control("status", "user").output.contains("it requires base, which is not to run"))
        #expect(try await machine.control("start", "base").status == 0)
        try await eventually("both run: \(machine.log)") { try await machine.cell("user")?.condition == "running" }
    }

    @Test("Circles and unknown names are refused, by the check and by the daemon")
    func refused() async throws {
        let machine = try await LiveMachine.start(cells: [
            "base": try Self.definition("base", cpu: 1, "after = [\"user\"]"),
            "user": try Self.definition("user", cpu: 2, "requires = [\"base\"]"),
            "lone": try Self.definition("lone", cpu: 3, "requires = [\"bse\"]"),
        ])
        #expect(machine.log.contains("JH0904"))
        let status = try await machine.control("start", "user")
        #expect(status.status == 1 && status.errors.contains("\"base\" needs \"user\" needs \"base\""), "\(status)")
        #expect(try await machine.control("start", "lone").errors.contains("JH0903"))
        let cells = machine.directory.url.appending(path: "etc/cells").path
        let check = try await machine.control("check", "\(cells)/base.toml", "\(cells)/user.toml", "\(cells)/lone.toml")
        #expect(check.status == 1)
        #expect(check.output.contains("JH0903") && check.output.contains("JH0904"), "\(check)")
    }
}
