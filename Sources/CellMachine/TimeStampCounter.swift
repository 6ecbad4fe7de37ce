// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The frequency of the host's time stamp counter, which the cells' is, too: the first cell's monitor measures it.
enum TimeStampCounter {
    private static let known = Mutex<UInt32>(0)

    /// 0 before it is known.
    static var kHz: UInt32 { known.withLock { $0 } }

    static func learn(_ kHz: UInt32) {
        known.withLock { if $0 == 0 { $0 = kHz } }
    }
}
