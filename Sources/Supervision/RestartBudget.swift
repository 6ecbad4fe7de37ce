// SPDX-License-Identifier: Apache-2.0

/// Counts restarts: determines the delay of the next one, and when the limit is reached.
package struct RestartBudget: Hashable, Sendable, Codable {
    /// When the attempts within the limit's time were decided, oldest first.
    package internal(set) var attempts: [Moment] = []
    /// Failures since the last stable run, which set the delay.
    package internal(set) var consecutive = 0

    /// More doublings exceed every configurable delay.
    private static let mostDoublings = 62

    package init() {}

    /// Counts a failure at `now` and says how long to wait before the restart, or nil when the limit is reached.
    package mutating func delayOfNextRestart(at now: Moment, policy: SupervisionPolicy) -> Duration? {
        // an attempt in the future is from a damaged file
        attempts.removeAll { now - $0 >= policy.limit.within || $0 > now }
        guard attempts.count < policy.limit.attempts else { return nil }
        attempts.append(now)
        defer { consecutive = consecutive < Self.mostDoublings ? consecutive + 1 : Self.mostDoublings }
        var delay = policy.delay
        for _ in 0..<max(0, min(consecutive, Self.mostDoublings)) where delay < policy.maximumDelay { delay *= 2 }
        return min(delay, policy.maximumDelay)
    }

    /// Forgets all failures: after a stable run, and on request.
    package mutating func reset() {
        self = RestartBudget()
    }

    var isUntouched: Bool { attempts.isEmpty && consecutive == 0 }
}
