// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// How late a thread that does nothing else wakes from a millisecond's sleep: what a busy machine adds to every wait of
/// the daemon, too.
final class Metronome: Sendable {
    private let late = Mutex<[Duration]>([])

    func begin() {
        Thread.detachNewThread { [self] in
            while true {
                let slept = ContinuousClock().measure { usleep(1000) }
                late.withLock { $0.append(slept - .milliseconds(1)) }
            }
        }
    }

    var lateness: [Duration] { late.withLock { $0 } }
}
