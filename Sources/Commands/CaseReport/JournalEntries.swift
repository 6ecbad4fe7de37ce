// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What the daemon wrote into the journal about a cell, as far as this user may read it.
struct JournalEntries: Hashable {
    struct Entry: Hashable {
        let time: Moment
        let text: String
        let isWarning: Bool
    }

    /// The latest ones, the earliest first.
    private(set) var entries: [Entry] = []

    private static let limit = 100

    /// Empty where there is no journal, or this user may not read it.
    init(ofCell name: String) {
        let output = OtherProgram.output(
            of: "journalctl",
            [
                "--boot", "--quiet", "--no-pager", "--output=json", "--lines=\(Self.limit)",
                "--output-fields=MESSAGE,PRIORITY", "SYSLOG_IDENTIFIER=jailhoused",
                "JAILHOUSE_CELL=\(name)",
            ])
        self.init(lines: output ?? "")
    }

    /// An object of the journal's export; numbers are texts there. A text that is not UTF-8 is a list, and left out.
    private struct Object: Decodable {
        let message: String
        let time: String
        let priority: String?

        private enum CodingKeys: String, CodingKey {
            case message = "MESSAGE"
            case time = "__REALTIME_TIMESTAMP"
            case priority = "PRIORITY"
        }
    }

    /// - Parameter lines: of `journalctl --output=json`: an object each. What is none, or has no text, is left out.
    init(lines: String) {
        for line in lines.split(separator: "\n") {
            guard let object = try? JSONDecoder().decode(Object.self, from: Data(line.utf8)),
                let time = Int(object.time)
            else { continue }
            // 4 is a warning, and less is worse: see syslog(3)
            let isWarning = object.priority.flatMap(Int.init).map { $0 <= 4 } ?? false
            entries.append(Entry(time: Moment(microseconds: time), text: object.message, isWarning: isWarning))
        }
    }
}
