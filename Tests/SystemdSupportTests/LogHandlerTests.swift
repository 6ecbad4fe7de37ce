// SPDX-License-Identifier: Apache-2.0

import Logging
import SystemPackage
import Testing

@testable import SystemdSupport

@Suite struct LogHandlerTests {
    private func event(
        _ level: Logger.Level = .warning, _ message: Logger.Message = "the cell failed", error: (any Error)? = nil,
        metadata: Logger.Metadata? = nil
    ) -> LogEvent {
        LogEvent(
            level: level, message: message, error: error, metadata: metadata, source: nil,
            file: "jailhoused/Cells.swift",
            function: "restart()", line: 42
        )
    }

    @Test func journalEntryHasItsFields() {
        var handler = JournalLogHandler(identifier: "jailhoused")
        handler[metadataKey: "cell"] = "rtems"
        #expect(
            handler.fields(of: event(metadata: ["state": "shut down"])) == [
                "MESSAGE=the cell failed", "PRIORITY=4", "SYSLOG_IDENTIFIER=jailhoused",
                "CODE_FILE=jailhoused/Cells.swift", "CODE_LINE=42", "CODE_FUNC=restart()",
                "JAILHOUSE_CELL=rtems", "JAILHOUSE_STATE=shut down",
            ]
        )
    }

    @Test func theNearerMetadataWins() {
        var handler = JournalLogHandler(identifier: "x")
        handler.metadata = ["a": "handler", "b": "handler", "c": "handler"]
        handler.metadataProvider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
        let fields = handler.fields(of: event(metadata: ["c": "event"]))
        #expect(fields.suffix(3) == ["JAILHOUSE_A=handler", "JAILHOUSE_B=provider", "JAILHOUSE_C=event"])
    }

    @Test(arguments: [
        ("cell", "JAILHOUSE_CELL"), ("failed-cpus", "JAILHOUSE_FAILED_CPUS"), ("uid2", "JAILHOUSE_UID2"),
        ("größe = 1\n", "JAILHOUSE_GR__E___1_"), ("", "JAILHOUSE_"),
    ])
    func fieldNamesAreTheJournals(key: String, name: String) {
        #expect(JournalLogHandler.fieldName(key) == name)
    }

    @Test func fieldNamesEndAt64() {
        #expect(JournalLogHandler.fieldName(String(repeating: "k", count: 80)).utf8.count == 64)
    }

    @Test(arguments: zip(Logger.Level.allCases, [7, 7, 6, 5, 4, 3, 2] as [CInt]))
    func levelsAreSyslogPriorities(level: Logger.Level, priority: CInt) {
        #expect(level.syslogPriority == priority)
    }

    @Test func anErrorEndsTheMessage() {
        let failed = event(.error, "cannot start rtems", error: Errno.noSuchFileOrDirectory)
        #expect(
            JournalLogHandler(identifier: "x").fields(of: failed).first
                == "MESSAGE=cannot start rtems: No such file or directory"
        )
    }

    @Test func linesAreShort() {
        let handler = StandardErrorLogHandler(identifier: "jailhoused")
        #expect(handler.line(for: event(.info, "ready")) == "jailhoused: ready\n")
        #expect(
            handler.line(for: event(metadata: ["state": "failed", "cell": "rtems"]))
                == "jailhoused: warning: the cell failed (cell=rtems state=failed)\n"
        )
    }

    @Test func aLineCannotBeForged() {
        let handler = StandardErrorLogHandler(identifier: "jailhoused")
        let line = handler.line(for: event(.info, "console: \u{1b}[2J\njailhoused: all is well", metadata: nil))
        #expect(line == "jailhoused: console: \\u{1B}[2J\\njailhoused: all is well\n")
    }
}
