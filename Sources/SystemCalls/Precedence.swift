// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a service manager lets this process have before others: the resource limits RLIMIT_RTPRIO and RLIMIT_MEMLOCK
/// (getrlimit(2)), which are 0 and small where nobody asked for it.
package struct Precedence: Hashable, Sendable {
    /// Above it are Linux's own interrupt threads, at 50.
    static let highest = 40

    /// The priority of sched(7)'s SCHED_FIFO that threads take; nil: they are as all others.
    package let priority: Int?
    /// Whether all memory is locked.
    package let locksMemory: Bool

    package static let none = Precedence(priority: nil, locksMemory: false)

    package init(priority: Int?, locksMemory: Bool) {
        self.priority = priority
        self.locksMemory = locksMemory
    }

    /// What this process may have.
    package static var granted: Precedence {
        func limit(_ resource: __rlimit_resource) -> rlim_t {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 ? limit.rlim_cur : 0
        }
        let priority = min(Int(clamping: limit(__RLIMIT_RTPRIO)), highest)
        return Precedence(
            priority: priority > 0 ? priority : nil, locksMemory: limit(__RLIMIT_MEMLOCK) == rlim_t.max)
    }

    /// The calling thread goes before threads of other programs, at once; threads that it starts do not.
    package func take() throws(SystemCallError) {
        guard let priority else { return }
        var parameters = sched_param(sched_priority: CInt(priority))
        _ = try SystemCall.result(of: "sched_setscheduler") {
            sched_setscheduler(0, SCHED_FIFO | CInt(bitPattern: Self.resetOnFork), &parameters)
        }
    }

    /// `SCHED_RESET_ON_FORK` of sched.h, which Swift does not see.
    private static let resetOnFork: UInt32 = 0x4000_0000

    /// What is in memory stays there, and what comes to be used later stays as well.
    package func lockMemory() throws(SystemCallError) {
        guard locksMemory else { return }
        for flags in [CInt(MCL_CURRENT), CInt(MCL_CURRENT) | CInt(MCL_FUTURE) | CInt(MCL_ONFAULT)] {
            _ = try SystemCall.result(of: "mlockall") { mlockall(flags) }
        }
    }
}
