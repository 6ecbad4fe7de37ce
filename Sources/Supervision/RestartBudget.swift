/// Counts restarts: how long the next one waits, and when there have been too many.
public struct RestartBudget: Hashable, Sendable, Codable {
    /// When the attempts within the limit's time were decided, oldest first.
    public private(set) var attempts: [Moment] = []
    /// Failures since the last stable run, which set the delay.
    public private(set) var consecutive = 0

    public init() {}

    /// Counts a failure at `now` and says how long to wait before the restart, or nil when the limit is reached.
    public mutating func delayOfNextRestart(at now: Moment, policy: SupervisionPolicy) -> Duration? {
        attempts.removeAll { now - $0 >= policy.limit.within }
        guard attempts.count < policy.limit.attempts else { return nil }
        attempts.append(now)
        defer { consecutive += 1 }
        var delay = policy.delay
        for _ in 0..<min(consecutive, 62) where delay < policy.maximumDelay { delay *= 2 }
        return min(delay, policy.maximumDelay)
    }

    /// Forgets all failures: after a stable run, and when somebody asks.
    public mutating func reset() {
        self = RestartBudget()
    }

    var isUntouched: Bool { attempts.isEmpty && consecutive == 0 }
}
