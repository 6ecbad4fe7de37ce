// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// Of which run of a cell the lines of its console are that arrive: the last words of a Linux may be read when the cell has
/// been started again already, and must not end the next one.
struct HeardLives {
    /// Lines that come so long after a run began are its own.
    static let lateness = Duration.seconds(1)

    /// Of which the last line was; nil: not known.
    private(set) var life: Int?
    private var newest: (life: Int, since: ContinuousClock.Instant)?
    private var asked: ContinuousClock.Instant?

    /// Whether the daemon is to be asked which run it is now: not for every line.
    func wantsToKnow(_ line: String, now: ContinuousClock.Instant = .now) -> Bool {
        GuestMessage.isBoot(line) || asked.map { now - $0 >= Self.lateness } ?? true
    }

    /// - Parameters:
    ///   - life: the present run's; nil: the cell does not run.
    ///   - line: the one that has just been read.
    mutating func take(_ life: Int?, after line: String, now: ContinuousClock.Instant = .now) {
        asked = now
        guard let life else { return }
        if newest?.life != life { newest = (life, now) }
        guard let newest else { return }
        if self.life == nil || GuestMessage.isBoot(line) || now - newest.since >= Self.lateness { self.life = life }
    }
}
