// SPDX-License-Identifier: Apache-2.0

/// A point on the clock that counts from boot and does not jump (`CLOCK_BOOTTIME`).
///
/// This module has no clock: the caller of a ``CellLifecycle`` passes the time.
package struct Moment: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds since boot.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (moment: Moment, duration: Duration) -> Moment {
        let added = duration.wholeNanoseconds
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(added)
        return Moment(nanoseconds: overflow ? (added < 0 ? .min : .max) : sum)
    }

    package static func - (later: Moment, earlier: Moment) -> Duration {
        let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return .nanoseconds(overflow ? (earlier.nanoseconds < 0 ? .max : .min) : difference)
    }
}

extension Duration {
    /// The duration in nanoseconds, held at the ends of what an `Int64` can say (292 years).
    package var wholeNanoseconds: Int64 {
        let (seconds, fraction) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowed) = scaled.addingReportingOverflow(fraction / 1_000_000_000)
        return overflow || overflowed ? (seconds < 0 ? .min : .max) : sum
    }
}
