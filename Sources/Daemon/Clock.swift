// SPDX-License-Identifier: Apache-2.0

import Glibc
import JailhouseInterface
import Supervision

/// Two clocks: the time since boot, which never jumps, for supervision; and the time of day, for people.
enum Clock {
    static func now() -> Moment {
        Moment(nanoseconds: nanoseconds(CLOCK_BOOTTIME))
    }

    /// µs since 1970.
    static func realTime() -> Int {
        Int(nanoseconds(CLOCK_REALTIME) / 1000)
    }

    /// µs since 1970 of a moment, as the wall clock stands now.
    static func realTime(of moment: Moment) -> Int {
        (Moment(nanoseconds: nanoseconds(CLOCK_REALTIME)) + (moment - now())).microseconds
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Moment {
    /// µs since boot, as in the control interface.
    var microseconds: Int { Int(nanoseconds / 1000) }
}

extension Duration {
    var microseconds: Int { Int(wholeNanoseconds / 1000) }
}
