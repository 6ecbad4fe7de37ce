// SPDX-License-Identifier: Apache-2.0

import Logging
import SystemCalls
import SystemdSupport

extension Precedence {
    /// For the thread that this runs on, and the memory of all; says so, or why not.
    func take(_ logger: Logger) {
        guard self != .none else { return }
        do {
            try take()
            try lockMemory()
            let priority = priority.map { "with SCHED_FIFO, priority \($0)" } ?? "as other programs"
            logger.record(
                .precedenceTaken,
                "the supervision runs \(priority); its memory is \(locksMemory ? "locked" : "not locked")")
        } catch {
            logger.record(
                .precedenceRefused,
                "\(error): the unit grants precedence (LimitRTPRIO=, LimitMEMLOCK=), and something else refuses it")
        }
    }
}
