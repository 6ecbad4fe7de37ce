// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Counts connections, and decides whether there may be another one.
final class ClientPlaces: Sendable {
    private struct Taken {
        var total = 0
        var byUser: [UInt32: Int] = [:]
    }

    private let taken = Mutex(Taken())
    private let ownUser: UInt32

    /// - Parameter ownUser: the daemon's.
    init(ownUser: UInt32 = geteuid()) {
        self.ownUser = ownUser
    }

    /// Takes a place, to be given back with ``leave(_:)``.
    ///
    /// - Returns: why there is none; nil when the place is taken.
    func enter(_ user: UInt32, _ access: Access) -> LimitReached? {
        let ofRoot = ClientLimits.reservedForRoot
        let ofOthers = user == ownUser && user != 0 ? ClientLimits.reservedFromOwnUser : 0
        let limit =
            switch access {
            case .reading: ClientLimits.connections - ClientLimits.reservedForControl
            case .everything where user == 0: ClientLimits.connections
            case .everything: ClientLimits.connections - ofRoot - ofOthers
            }
        let isLimited = user != 0 && user != ownUser
        return taken.withLock { taken in
            let own = taken.byUser[user] ?? 0
            if isLimited && own >= ClientLimits.connectionsPerUser {
                return LimitReached(
                    limit: "connections-per-user",
                    message: "you have \(own) connections, which is the limit for one user: close some")
            }
            guard taken.total < limit else {
                return LimitReached(
                    limit: "connections",
                    message: "\(taken.total) clients are connected, which is the limit here: try again later")
            }
            taken.total += 1
            taken.byUser[user] = own + 1
            return nil
        }
    }

    func leave(_ user: UInt32) {
        taken.withLock { taken in
            taken.total -= 1
            let own = (taken.byUser[user] ?? 1) - 1
            taken.byUser[user] = own == 0 ? nil : own
        }
    }
}
