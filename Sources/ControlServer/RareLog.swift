// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization
package import SystemdSupport

/// Rate-limits messages that any client can trigger.
package final class RareLog: Sendable {
    private let logger: Logger
    private let kind: MessageKind
    private let pace = Pace()

    package init(_ logger: Logger, _ kind: MessageKind) {
        self.logger = logger
        self.kind = kind
    }

    package func say(_ message: @autoclosure () -> String) {
        guard let suppressed = pace.next() else { return }
        logger.record(kind, "\(message())\(Pace.note(suppressed))")
    }

    /// Decides when something may be logged again.
    package final class Pace: Sendable {
        package static let pause = Duration.seconds(10)

        private struct State {
            /// When the present pause began.
            var since: ContinuousClock.Instant?
            var logged = 0
            var suppressed = 0
        }

        private let burst: Int
        private let state = Mutex(State())

        /// - Parameter burst: how often in each pause.
        package init(burst: Int = 1) {
            self.burst = burst
        }

        /// For the end of a message; empty when none was suppressed.
        package static func note(_ suppressed: Int) -> String {
            switch suppressed {
            case 0: ""
            case 1: " (1 similar message suppressed)"
            default: " (\(suppressed) similar messages suppressed)"
            }
        }

        /// - Returns: how many were suppressed since the last one that was logged; nil when this one is suppressed.
        package func next() -> Int? {
            let now = ContinuousClock.now
            return state.withLock { state in
                if let since = state.since, now - since < Self.pause {
                    if state.logged < burst {
                        state.logged += 1
                        return 0
                    }
                    state.suppressed += 1
                    return nil
                }
                defer { state = State(since: now, logged: 1) }
                return state.suppressed
            }
        }
    }
}
