// SPDX-License-Identifier: Apache-2.0

/// How a cell is looked after: the `[supervision]` table of its definition.
package struct SupervisionPolicy: Hashable, Sendable {
    /// When an inmate that has ended is started again.
    package enum Restart: String, CaseIterable, Sendable {
        /// Never: a failed cell stays `failed`.
        case never
        /// When it failed, not when it shut itself down.
        case onFailure = "on-failure"
        /// Whatever its end was, unless it was asked to stop.
        case always
    }

    /// So many restarts within so much time; the next one is given up.
    package struct Limit: Hashable, Sendable {
        /// 1 or more.
        package var attempts: Int
        /// More than zero. A run as long as this counts as stable: it forgets earlier failures.
        package var within: Duration

        package init(attempts: Int, within: Duration) {
            self.attempts = attempts
            self.within = within
        }
    }

    /// Whether the cell is started when the daemon first sees the machine after boot.
    package var autostart: Bool
    package var restart: Restart
    /// Whether a cell of which some CPUs have failed is restarted as one that failed.
    package var restartsDegraded: Bool
    /// Whether a cell that gives no sign of life is restarted as one that failed.
    package var restartsSilent: Bool
    /// The wait before a restart; it doubles with each further one up to ``maximumDelay``.
    package var delay: Duration
    package var maximumDelay: Duration
    package var limit: Limit
    /// How long a shutdown request that the inmate denies is repeated, and a guest that was asked is waited for.
    package var stopTimeout: Duration
    /// Whether somebody outside can ask the cell's operating system to shut down, before the cell is stopped.
    package var asksGuest: Bool
    package var liveness: Liveness?

    package init(
        autostart: Bool = false,
        restart: Restart = .onFailure,
        restartsDegraded: Bool = true,
        restartsSilent: Bool = true,
        delay: Duration = .milliseconds(100),
        maximumDelay: Duration = .seconds(30),
        limit: Limit = Limit(attempts: 5, within: .seconds(60)),
        stopTimeout: Duration = .seconds(5),
        asksGuest: Bool = false,
        liveness: Liveness? = nil
    ) {
        self.autostart = autostart
        self.restart = restart
        self.restartsDegraded = restartsDegraded
        self.restartsSilent = restartsSilent
        self.delay = delay
        self.maximumDelay = maximumDelay
        self.limit = limit
        self.stopTimeout = stopTimeout
        self.asksGuest = asksGuest
        self.liveness = liveness
    }
}
