// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Supervision

/// What is known of a cell that gave no sign of life in time.
struct Silence {
    /// When it gave its last sign; when it gave none, when it came up or was found.
    struct LastSign: Hashable {
        var at: Moment
        var isSign: Bool
    }

    /// In characters, of what a client of `Alive` or an inmate says.
    private static let longestText = 300

    let check: LivenessCheck
    let rule: Liveness
    let last: LastSign?
    /// What was seen last: of a console the last line that was a sign, else what kept the last look from being one.
    var seen: String?
    /// Of the cell; nil: they cannot be read.
    var exits: UInt64?

    /// Which rule, since when, and what was seen last, such as `liveness "command" within 2.0 s; its last sign was 2.3 s
    /// before; the command /bin/false exited with status 1`.
    func text(at now: Moment) -> String {
        let patience = last?.isSign == false ? rule.afterStart : rule.within
        let limit = last?.isSign == false && rule.afterStart != rule.within ? "after-start" : "within"
        var parts = ["liveness \"\(check.kind.rawValue)\" \(limit) \(patience.inWords)"]
        if let last {
            let time = (now - last.at).inWords
            parts.append(
                last.isSign
                    ? "its last sign was \(time) before" : "no sign in the \(time) since it came up or was found")
        }
        parts.append(observation)
        return parts.joined(separator: "; ")
    }

    private var observation: String {
        let seen = seen.map { Self.plain($0) }
        switch check.kind {
        case .exits: return exits.map { "its count of VM exits stays \($0)" } ?? "its VM exits cannot be read"
        case .console where check.file == nil:
            let text = "\"\(check.contains ?? "")\""
            return seen.map { "the last line with \(text) was \"\($0)\"" } ?? "no line with \(text) was seen"
        case .console, .heartbeat, .probe, .command: return seen ?? "nothing more is known"
        case .external: return seen ?? "nobody reported one"
        }
    }

    /// One line, not too long.
    static func plain(_ text: String) -> String {
        let line = text.prefix(longestText).map { $0.isNewline ? " " : $0 }
        return String(line) + (text.count > longestText ? " …" : "")
    }
}
