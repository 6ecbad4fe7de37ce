// SPDX-License-Identifier: Apache-2.0

import Commands
import ControlInterface
import Metrics
import Synchronization

/// What the daemon reports, asked for at most once a second, however many clients want to know.
///
/// Its methods block, at most for a few seconds: not to be called on an event loop.
final class DaemonView: Sendable {
    /// What the daemon's check says is asked for as rarely, since it reads all files; at once when others are in force.
    private static let mapFreshness = Duration.seconds(60)
    private static let patience = Duration.seconds(3)

    private struct Kept<Value: Sendable>: Sendable {
        var value: Value
        var since: ContinuousClock.Instant
    }

    private let socket: String
    private let freshness: Duration
    private let sample = Mutex<Kept<MachineSample?>?>(nil)
    private let configurations = Mutex<Kept<Manager.Configurations.Reply?>?>(nil)
    private let map = Mutex<(of: Manager.Configurations.Reply?, kept: Kept<String>)?>(nil)

    /// - Parameter freshness: how long an answer of the daemon is used.
    init(socket: String, freshness: Duration) {
        self.socket = socket
        self.freshness = freshness
    }

    /// Nil: the daemon cannot be reached.
    func current() -> MachineSample? {
        Self.kept(sample, freshness) {
            asked { client throws(ControlError) in try MachineSample(client) }
        }
    }

    func currentMap() -> String {
        let now = Self.kept(configurations, freshness) {
            asked { client throws(ControlError) in try client.call(Manager.Configurations.self) }
        }
        return map.withLock { map in
            if let map, map.of == now, ContinuousClock.now - map.kept.since < Self.mapFreshness {
                return map.kept.value
            }
            let findings =
                now == nil
                ? nil : asked { client throws(ControlError) in try client.call(Manager.Check.self, .init()).details }
            let text = StatusPage.map(of: now, (findings ?? nil) ?? [])
            map = (now, Kept(value: text, since: .now))
            return text
        }
    }

    private func asked<Value>(_ body: (ControlClient) throws(ControlError) -> Value) -> Value? {
        do throws(ControlError) {
            let client = try ControlClient(socket: socket)
            try client.limitWaiting(to: Self.patience)
            return try body(client)
        } catch {
            return nil
        }
    }

    /// Who comes while it is asked for waits, and gets the same.
    private static func kept<Value: Sendable>(
        _ place: borrowing Mutex<Kept<Value>?>, _ freshness: Duration, _ ask: () -> Value
    ) -> Value where Value: ExpressibleByNilLiteral & Equatable {
        // a daemon that hangs is not waited for by everybody
        func isMissing(_ value: Value) -> Bool { value == nil && freshness > .zero }

        return place.withLock { kept in
            if let kept, ContinuousClock.now - kept.since < (isMissing(kept.value) ? patience : freshness) {
                return kept.value
            }
            let value = ask()
            kept = Kept(value: value, since: .now)
            return value
        }
    }
}
