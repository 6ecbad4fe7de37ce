import Logging
import Synchronization

/// Says what anybody can make happen, as often as he likes, once in a while only.
final class RareLog: Sendable {
    private let logger: Logger
    private let level: Logger.Level
    private let pace = Pace()

    init(_ logger: Logger, _ level: Logger.Level) {
        self.logger = logger
        self.level = level
    }

    func say(_ message: @autoclosure () -> String) {
        guard let unsaid = pace.isDue() else { return }
        logger.log(level: level, "\(message())\(unsaid > 0 ? " (and \(unsaid) more since this was last said)" : "")")
    }

    /// When something is to be said again.
    final class Pace: Sendable {
        static let pause = Duration.seconds(10)

        private struct State {
            /// When the present pause began.
            var since: ContinuousClock.Instant?
            var said = 0
            var unsaid = 0
        }

        private let burst: Int
        private let state = Mutex(State())

        /// - Parameter burst: so often in each pause.
        init(burst: Int = 1) {
            self.burst = burst
        }

        /// How often it was not, since it was last; nil when it is not.
        func isDue() -> Int? {
            let now = ContinuousClock.now
            return state.withLock { state in
                if let since = state.since, now - since < Self.pause {
                    if state.said < burst {
                        state.said += 1
                        return 0
                    }
                    state.unsaid += 1
                    return nil
                }
                defer { state = State(since: now, said: 1) }
                return state.unsaid
            }
        }
    }
}
