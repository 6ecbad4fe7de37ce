// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import SystemdSupport

@Suite("Kinds of entries in the journal")
struct MessageKindTests {
    private static let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The catalogue's entries, by id: the head and the text.
    private func catalogue() throws -> [String: String] {
        let text = try String(contentsOf: Self.source.appending(path: "units/jailhoused.catalog"), encoding: .utf8)
        let entries = text.components(separatedBy: "\n-- ").dropFirst().map { entry in
            (String(entry.prefix(32)), String(entry.dropFirst(32)))
        }
        return try Dictionary(entries) { _, _ in throw CocoaError(.coderInvalidValue) }
    }

    @Test("The catalogue explains each kind, and nothing else")
    func complete() throws {
        let catalogue = try catalogue()
        #expect(Set(catalogue.keys) == Set(MessageKind.allCases.map(\.rawValue)))
        for (id, entry) in catalogue {
            #expect(entry.contains("\nSubject: ") && entry.contains("\nDefined-By: jailhoused\n"), "\(id)")
            #expect(entry.components(separatedBy: "\n\n").count > 1, "\(id) has no text")
        }
    }

    @Test("An id is 32 hexadecimal digits, and of one kind only")
    func ids() {
        let ids = MessageKind.allCases.map(\.rawValue)
        #expect(Set(ids).count == ids.count)
        for id in ids { #expect(id.count == 32 && id.allSatisfy { $0.isHexDigit && !$0.isUppercase }, "\(id)") }
    }

    @Test("Every entry of the daemon above debugging has a kind, and every kind is written")
    func used() throws {
        var used: Set<String> = []
        for room in ["Daemon", "ControlServer"] {
            let directory = Self.source.appending(path: "Sources/\(room)")
            for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
                let text = try String(contentsOf: directory.appending(path: name), encoding: .utf8)
                for level in ["info", "notice", "warning", "error", "critical", "log"] {
                    #expect(!text.contains("logger.\(level)("), "\(name) logs without a kind")
                }
                used.formUnion(MessageKind.allCases.map { "\($0)" }.filter { text.contains(".\($0)") })
            }
        }
        #expect(Set(MessageKind.allCases.map { "\($0)" }).subtracting(used).isEmpty)
    }

    @Test("The journal gets the id as MESSAGE_ID; standard error does not show it")
    func field() {
        let event = LogEvent(
            level: .error, message: "m", error: nil,
            metadata: ["cell": "a", "\(MessageKind.metadataKey)": "\(MessageKind.cellFailed.rawValue)"], source: nil,
            file: "f", function: "g", line: 1)
        let fields = JournalLogHandler(identifier: "x").fields(of: event)
        #expect(fields.contains("MESSAGE_ID=\(MessageKind.cellFailed.rawValue)"))
        #expect(!fields.contains { $0.hasPrefix("JAILHOUSE_MESSAGE") })
        #expect(StandardErrorLogHandler(identifier: "x").line(for: event) == "x: error: m (cell=a)\n")
    }
}
