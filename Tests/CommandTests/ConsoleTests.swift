// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

@testable import Commands

@Suite("Lines of the console")
struct ConsoleTests {
    private let dump = """
        FATAL: unable to get MMIO instruction
        FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0
        RIP: 0x0000000000100020 RSP: 0x0000000000007ff0 FLAGS: 2
        Parking CPU 3 (Cell: "rtems")

        """

    private func filtered(_ text: String, cell: String, takesInmateLines: Bool = false) -> [String] {
        var lines = ConsoleLines()
        var filter = ConsoleFilter(cell: cell, takesInmateLines: takesInmateLines)
        return (lines.take(text, time: nil) + lines.end()).flatMap { filter.take($0) }.map(\.text)
    }

    @Test("Pieces become lines; the last one waits for its end")
    func lines() {
        var lines = ConsoleLines()
        let none = lines.take("Created ce", time: nil)
        #expect(none.isEmpty)
        let first = lines.take("ll \"a\"\nhello\r\nrest", time: Moment(microseconds: 1_000_000))
        #expect(first.map(\.text) == ["Created cell \"a\"", "hello"])
        #expect(first.map(\.cell) == ["a", nil])
        #expect(first.map(\.isFromInmate) == [false, true])
        let half = lines.take("\r", time: nil)
        #expect(half.isEmpty)
        let whole = lines.take("\n", time: nil)
        #expect(whole.map(\.text) == ["rest"])
        let end = lines.end()
        #expect(end.isEmpty)
    }

    @Test("A dump belongs to the cell that its last line names")
    func dumps() {
        let text = "Created cell \"rtems\"\nCreated cell \"other\"\n" + dump + "Started cell \"other\"\n"
        #expect(filtered(text, cell: "rtems").count == 5)
        #expect(filtered(text, cell: "other") == ["Created cell \"other\"", "Started cell \"other\""])
        #expect(filtered(dump + dump, cell: "rtems").count == 8)
        #expect(filtered(dump, cell: "q").isEmpty)
    }

    @Test("A gap is always shown, and what an inmate prints only where it can be nobody else's")
    func gaps() {
        let text = "<missed 7 bytes of console log>\nhello\r\nInitializing\n"
        #expect(filtered(text, cell: "a") == ["<missed 7 bytes of console log>"])
        #expect(filtered(text, cell: "a", takesInmateLines: true) == ["<missed 7 bytes of console log>", "hello"])
    }

    private func daemon(_ replies: [Manager.Console.Reply]) throws -> ScriptedDaemon {
        try ScriptedDaemon { call in
            guard call.method == Manager.Console.qualifiedName else {
                return .reply(Manager.List.self, .init(machine: Samples.machine, cells: [Samples.cell()]))
            }
            return ScriptedDaemon.Answer(
                messages: replies.enumerated().compactMap { index, reply in
                    try? VarlinkReply.message(
                        of: Manager.Console.self, reply, continues: index < replies.count - 1)
                })
        }
    }

    @Test("Without --follow it ends, and says how old the lines are")
    func command() throws {
        let daemon = try daemon([
            .init(text: "one\ntwo\u{1b}[2J", at: 1_795_000_000_000_000, state: "readable"),
            .init(text: "", at: 1_795_000_000_000_000, state: "readable", age: 12_000_000),
        ])
        let outcome = try Executable.run(["console", "--socket", daemon.socket])
        #expect(outcome.status == 0)
        #expect(outcome.output == "one\ntwo\\x1b[2J\n")
        #expect(outcome.error == "jailhouse-ctl: read 12s ago; the driver is busy since then\n")
        #expect(try daemon.calls.first?.parameters(of: Manager.Console.self).follow == false)
        let json = try Executable.run(["console", "--json", "--socket", daemon.socket])
        #expect(json.output.hasPrefix("{\"at\":\"2026-11-18T"), "\(json.output)")
    }

    @Test("After a disable the last lines are shown, and called so")
    func disabled() throws {
        let daemon = try daemon([
            .init(text: "bye\n", at: 1, state: "disabled"), .init(text: "", at: 2, state: "disabled"),
        ])
        let outcome = try Executable.run(["console", "--socket", daemon.socket])
        #expect(outcome.output == "bye\n")
        #expect(outcome.error == "jailhouse-ctl: the hypervisor is disabled; these are its last lines\n")
    }
}
