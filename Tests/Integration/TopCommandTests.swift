// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@Suite("top on a terminal")
struct TopCommandTests {
    private func top(_ machine: LiveMachine, endedBy end: String) throws -> Program {
        try Program(
            [
                "python3", Place.source.appending(path: "Tests/Integration/on_terminal.py").path, "EXITS/S", end,
                Place.program("jailhouse-ctl"), "top", "--interval", "0.2",
            ],
            environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path])
    }

    @Test("It follows the terminal's size and gives the terminal back, whatever ends it")
    func ends() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems()], simulator: ["--timing", "none"])
        for (end, status) in [("q", 0), ("\u{3}", 0), ("SIGTERM", -15), ("SIGHUP", -1)] {
            let ended = try await top(machine, endedBy: end).end()
            #expect(ended.output == "drawn\n\(status) True\n", "\(end): \(ended.errors)")
        }
        let last = try top(machine, endedBy: "-")
        try await eventually("it draws: \(last.errors)") { last.output == "drawn\n" }
        machine.signalDaemon(SIGKILL)
        #expect(try await last.end().output == "drawn\n69 True\n")
    }
}
