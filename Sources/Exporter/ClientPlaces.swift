// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many clients there are.
final class ClientPlaces: Sendable {
    static let most = 64
    static let mostEvents = 16

    private let counts = Mutex((clients: 0, events: 0))

    /// False: there are too many.
    func enter() -> Bool {
        counts.withLock { counts in
            guard counts.clients < Self.most else { return false }
            counts.clients += 1
            return true
        }
    }

    func leave() { counts.withLock { $0.clients -= 1 } }

    /// Of those, the ones that watch.
    func enterEvents() -> Bool {
        counts.withLock { counts in
            guard counts.events < Self.mostEvents else { return false }
            counts.events += 1
            return true
        }
    }

    func leaveEvents() { counts.withLock { $0.events -= 1 } }
}
