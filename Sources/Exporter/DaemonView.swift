// SPDX-License-Identifier: Apache-2.0

import Commands
import ControlInterface
import Metrics
import Synchronization

/// What the daemon reports, asked for at most once a second, however many clients want to know.
///
/// Its methods block, at most for a few seconds: not to be called on an event loop.
final class DaemonView: Sendable {
    private static let freshness = Duration.milliseconds(900)
    /// The map needs many files. It is drawn anew at once when it is to show others.
    private static let mapFreshness = Duration.seconds(10)
    private static let patience = Duration.seconds(3)

    private struct Kept<Value: Sendable>: Sendable {
        var value: Value
        var since: ContinuousClock.Instant
    }

    private let socket: String
    private let sample = Mutex<Kept<MachineSample?>?>(nil)
    private let map = Mutex<(files: [String], kept: Kept<String>)?>(nil)

    init(socket: String) {
        self.socket = socket
    }

    /// Nil: the daemon cannot be reached.
    func current() -> MachineSample? {
        Self.kept(sample, Self.freshness) {
            do throws(ControlError) {
                let client = try ControlClient(socket: socket)
                try client.limitWaiting(to: Self.patience)
                return try MachineSample(client)
            } catch {
                return nil
            }
        }
    }

    func currentMap() -> String {
        let page = StatusPage(current())
        return map.withLock { map in
            if let map, map.files == page.files, ContinuousClock.now - map.kept.since < Self.mapFreshness {
                return map.kept.value
            }
            let text = page.map
            map = (page.files, Kept(value: text, since: .now))
            return text
        }
    }

    /// Who comes while it is asked for waits, and gets the same.
    private static func kept<Value: Sendable>(
        _ place: borrowing Mutex<Kept<Value>?>, _ freshness: Duration, _ ask: () -> Value
    ) -> Value {
        place.withLock { kept in
            if let kept, ContinuousClock.now - kept.since < freshness { return kept.value }
            let value = ask()
            kept = Kept(value: value, since: .now)
            return value
        }
    }
}
