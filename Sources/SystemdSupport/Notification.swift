// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc
package import SystemPackage

/// What a service tells the service manager about itself, by sd_notify(3).
package enum Notification {
    /// One assignment of a notification.
    package enum State: Hashable, Sendable {
        /// Start-up, or a reload, is done.
        case ready
        /// The configuration is being read again; ``ready`` ends it.
        case reloading
        /// The service is on its way out.
        case stopping
        /// One line for `systemctl status`; line breaks become spaces.
        case status(String)
        /// The service is alive; due more often than ``watchdogInterval()``.
        case watchdog
        /// Why the service fails.
        case errno(Errno)
    }

    /// What became of a notification.
    package enum Outcome: Hashable, Sendable {
        case sent
        /// No service manager asked for notifications: `$NOTIFY_SOCKET` is not set.
        case notWanted
        case failed(Errno)
    }

    /// Sends all of `states` in one datagram, so that the manager sees them at once.
    ///
    /// It never waits for the manager's answer. A failure is nothing that a service should stop for, so it is a
    /// result and no error.
    @discardableResult
    package static func send(_ states: [State]) -> Outcome {
        let result = sd_notify(0, message(states, monotonicMicroseconds: monotonicMicroseconds()))
        if result < 0 { return .failed(Errno(rawValue: -result)) }
        return result == 0 ? .notWanted : .sent
    }

    /// The datagram's text: one assignment a line.
    static func message(_ states: [State], monotonicMicroseconds: UInt64) -> String {
        states.map { state in
            switch state {
            case .ready: "READY=1"
            // the time tells a reload that the manager asked for from an earlier one (systemd 253 and later)
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)"
            case .stopping: "STOPPING=1"
            // a line break would begin another assignment
            case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
            case .watchdog: "WATCHDOG=1"
            case .errno(let number): "ERRNO=\(number.rawValue)"
            }
        }.joined(separator: "\n")
    }

    private static func monotonicMicroseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000
    }
}

/// How long the service manager waits between two ``Notification/State/watchdog`` before it kills the service;
/// nil when it does not watch this process. Half of it is a good interval to send at. (`$WATCHDOG_USEC`,
/// `$WATCHDOG_PID`; sd_watchdog_enabled(3).)
package func watchdogInterval() -> Duration? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return .microseconds(Int64(clamping: microseconds))
}
