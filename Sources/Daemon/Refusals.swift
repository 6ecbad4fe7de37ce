// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Supervision

/// The commands that were refused since the daemon was started: how often, and which of them the journal has.
struct Refusals {
    /// How often, by the command and the error number's name: `none` where the driver was not asked.
    private(set) var counts: [String: [String: Int]] = [:]

    private struct Repetition {
        var message: String
        /// How often it was refused with this message, one after the other.
        var count = 1
        /// How often when it was written last.
        var written = 1
        var next: Moment
        var pause: Duration
    }

    private struct Key: Hashable {
        var command: Command
        var cell: String
    }

    private var repetitions: [Key: Repetition] = [:]

    /// Until a refusal that repeats is written for the second time; then twice as long each time.
    static let firstPause = Duration.seconds(60)
    static let longestPause = Duration.seconds(3600)

    /// Counts one; an error number that has no name here is `other`, so that there are few.
    mutating func count(_ command: String, errno: Int32) {
        let name = errno == 0 ? "none" : ErrnoName.names[errno] ?? "other"
        counts[command, default: [:]][name, default: 0] += 1
    }

    /// Takes in that a command for a cell was refused.
    ///
    /// - Returns: what goes behind the message in the journal; nil: it has been written, and its time is not yet.
    mutating func note(_ command: Command, of cell: String, _ message: String, at now: Moment) -> String? {
        let key = Key(command: command, cell: cell)
        guard var known = repetitions[key], known.message == message else {
            repetitions[key] = Repetition(message: message, next: now + Self.firstPause, pause: Self.firstPause)
            return ""
        }
        known.count += 1
        defer { repetitions[key] = known }
        guard now >= known.next else { return nil }
        known.pause = min(known.pause * 2, Self.longestPause)
        known.next = now + known.pause
        defer { known.written = known.count }
        return
            " (refused \(known.count) times by now, \(known.count - known.written) of them since this was written last)"
    }

    /// Takes in that it was carried out: the next refusal is a new one.
    mutating func end(_ command: Command, of cell: String) {
        repetitions[Key(command: command, cell: cell)] = nil
    }
}

extension Command {
    /// As metrics name it.
    var metricName: String { self == .shutDown ? "shut-down" : rawValue }
}
