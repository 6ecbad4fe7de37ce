// SPDX-License-Identifier: Apache-2.0

import Glibc

extension SystemCall {
    /// `clock_nanosleep(2)`: nothing is done for so long, however many signals come. For what offers nothing that could
    /// be waited for; never on an event loop.
    package static func sleep(for duration: Duration) {
        var end = timespec.monotonic(after: duration)
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nil) == EINTR {}
    }
}

extension timespec {
    /// A moment on the clock that never jumps.
    static func monotonic(after duration: Duration) -> timespec {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        let (seconds, attoseconds) = duration.components
        moment.tv_sec += Int(seconds)
        moment.tv_nsec += Int(attoseconds / 1_000_000_000)
        if moment.tv_nsec >= 1_000_000_000 {
            moment.tv_sec += 1
            moment.tv_nsec -= 1_000_000_000
        }
        return moment
    }
}
