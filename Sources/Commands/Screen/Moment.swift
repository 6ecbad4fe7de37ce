// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A point in time as the daemon tells it: microseconds since 1970.
struct Moment: Hashable {
    enum Zone { case local, utc }

    let microseconds: Int

    init(microseconds: Int) {
        self.microseconds = microseconds
    }

    /// Nil for the daemon's 0: never.
    init?(known microseconds: Int?) {
        guard let microseconds, microseconds > 0 else { return nil }
        self.init(microseconds: microseconds)
    }

    static var now: Moment {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Moment(microseconds: Int(now.tv_sec) * 1_000_000 + Int(now.tv_nsec) / 1_000)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-22T08:41:12.345Z`.
    var rfc3339: String { formatted("%Y-%m-%dT%H:%M:%S", .utc) + ".\(milliseconds)Z" }

    /// `08:41:12.345`
    func time(_ zone: Zone = .local) -> String { formatted("%H:%M:%S", zone) + ".\(milliseconds)" }

    /// For a column: `08:41:12 (3s)`, with the date instead of the seconds when it is a day ago or more.
    func short(now: Moment, _ zone: Zone = .local) -> String {
        let isRecent = now.microseconds - microseconds < Self.day
        return formatted(isRecent ? "%H:%M:%S" : "%Y-%m-%d %H:%M", zone) + " (\(age(now: now)))"
    }

    /// For a report: `Sun 2026-11-22 08:41:12 UTC; 3s ago`.
    func long(now: Moment, _ zone: Zone = .local) -> String {
        formatted("%a %Y-%m-%d %H:%M:%S %Z", zone) + "; \(age(now: now)) ago"
    }

    /// How long ago, in its two largest units: `3s`, `2min 5s`, `4h 2min`, `3d 1h`.
    func age(now: Moment) -> String {
        Self.duration(max(0, now.microseconds - microseconds) / 1_000_000 * 1_000_000)
    }

    private static let day = 86_400 * 1_000_000

    /// A span of time in its two largest units: `100ms`, `1.5s`, `2min 5s`.
    static func duration(_ microseconds: Int) -> String {
        if microseconds < 1_000 { return microseconds == 0 ? "0s" : "\(microseconds)us" }
        if microseconds < 1_000_000 { return "\(microseconds / 1_000)ms" }
        let seconds = microseconds / 1_000_000
        let tenths = microseconds / 100_000 % 10
        if seconds < 60 { return tenths == 0 ? "\(seconds)s" : "\(seconds).\(tenths)s" }
        let units = [
            (seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"),
        ]
        return units.drop { $0.0 == 0 }.prefix(2).filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    private var milliseconds: String {
        let value = microseconds / 1_000 % 1_000
        return String(repeating: "0", count: 3 - "\(value)".count) + "\(value)"
    }

    private func formatted(_ format: String, _ zone: Zone) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        switch zone {
        case .local: localtime_r(&seconds, &parts)
        case .utc: gmtime_r(&seconds, &parts)
        }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
}
