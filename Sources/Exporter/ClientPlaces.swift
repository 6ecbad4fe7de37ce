// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// How many clients there are. Who connects and asks nothing makes way for who comes later.
final class ClientPlaces: Sendable {
    static let most = 64
    static let mostEvents = 16

    private struct Clients {
        var all: Set<ObjectIdentifier> = []
        /// Of whom no request is being answered, the longest first.
        var idle: [any Channel] = []
        var events = 0
    }

    private let clients = Mutex(Clients())

    /// False: there are too many, and each is being answered.
    func enter(_ client: any Channel) -> Bool {
        let outcome = clients.withLock { clients -> (hasPlace: Bool, evicted: (any Channel)?) in
            var evicted: (any Channel)?
            if clients.all.count >= Self.most {
                guard !clients.idle.isEmpty else { return (false, nil) }
                let longest = clients.idle.removeFirst()
                clients.all.remove(ObjectIdentifier(longest))
                evicted = longest
            }
            clients.all.insert(ObjectIdentifier(client))
            clients.idle.append(client)
            return (true, evicted)
        }
        outcome.evicted?.close(promise: nil)
        return outcome.hasPlace
    }

    func leave(_ client: any Channel) {
        clients.withLock { clients in
            clients.all.remove(ObjectIdentifier(client))
            clients.idle.removeAll { $0 === client }
        }
    }

    /// A request of the client is being answered, or all of its requests are.
    func note(_ client: any Channel, isIdle: Bool) {
        clients.withLock { clients in
            clients.idle.removeAll { $0 === client }
            if isIdle, clients.all.contains(ObjectIdentifier(client)) { clients.idle.append(client) }
        }
    }

    /// Of those, the ones that watch.
    func enterEvents() -> Bool {
        clients.withLock { clients in
            guard clients.events < Self.mostEvents else { return false }
            clients.events += 1
            return true
        }
    }

    func leaveEvents() { clients.withLock { $0.events -= 1 } }
}
