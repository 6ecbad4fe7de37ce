// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Wakes one thread, at once or at a time.
///
/// Unchecked: the two pthread objects are made to be shared, and `hasRung` is guarded by them.
package final class Bell: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var hasRung = false

    package init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// From any thread, even if no thread waits.
    package func ring() {
        pthread_mutex_lock(mutex)
        hasRung = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Returns when it has rung since the last time, or after `pause`; nil: not before it rings.
    package func wait(atMost pause: Duration?) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let pause {
            var end = timespec.monotonic(after: pause)
            while !hasRung, pthread_cond_timedwait(condition, mutex, &end) == 0 {}
        } else {
            while !hasRung { pthread_cond_wait(condition, mutex) }
        }
        hasRung = false
    }
}
