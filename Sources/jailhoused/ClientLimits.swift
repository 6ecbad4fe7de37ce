import ControlInterface
import Glibc
import NIOCore
import Synchronization

/// What the daemon takes from its clients. The interface's description names these to them.
enum ClientLimits {
    /// Connections at a time, over both sockets.
    static let connections = 64
    /// Of these, for the control socket only: readers cannot lock out those who may change something.
    static let reservedForControl = 16
    /// And of these, for root and the daemon's own user.
    static let reservedForRoot = 4
    /// Of one user but those two.
    static let connectionsPerUser = 16
    /// Calls that wait behind the one that is answered, of one connection; and their bytes.
    static let waitingCalls = 32
    static let waitingBytes = 128 << 10
    /// From the first byte of a message to its end.
    static let messageTime = TimeAmount.seconds(10)
    /// For the taking of a reply.
    static let sendTime = TimeAmount.seconds(10)
    /// Without a call, a watch or an answer.
    static let idleTime = TimeAmount.minutes(5)
    /// Between a connection that is refused and the next one that is accepted.
    static let pauseAfterRefusal = Duration.milliseconds(2)
    /// Read at once from a connection before others have their turn.
    static let readSize = 8 << 10
}

/// A client went beyond a limit.
struct LimitReached: Error {
    /// Its name in the interface.
    let limit: String
    let message: String

    var reply: [UInt8] { VarlinkReply.message(ManagerError.limitExceeded(limit: limit, message: message)) }

    static let calls = LimitReached(
        limit: "calls",
        message:
            "a connection may have \(ClientLimits.waitingCalls) calls or \(ClientLimits.waitingBytes) bytes waiting: "
            + "read the replies in between")
    static let messageTime = LimitReached(
        limit: "message-time",
        message: "a message must be complete \(seconds(ClientLimits.messageTime)) s after it began")
    static let idleTime = LimitReached(
        limit: "idle-time", message: "nothing was asked for \(seconds(ClientLimits.idleTime)) s: connect again")

    init(limit: String, message: String) {
        self.limit = limit
        self.message = message
    }

    /// Nil for an error that is not about a limit.
    init?(_ error: ControlError) {
        switch error {
        case .tooLong(let limit):
            self.init(limit: "message-size", message: "a message may have \(limit) bytes")
        case .tooDeep(let limit):
            self.init(limit: "message-depth", message: "objects and arrays may be nested \(limit) deep")
        default: return nil
        }
    }

    private static func seconds(_ time: TimeAmount) -> Int64 { time.nanoseconds / 1_000_000_000 }
}

/// Who is connected.
final class ClientPlaces: Sendable {
    private struct Taken {
        var total = 0
        var byUser: [UInt32: Int] = [:]
    }

    private let taken = Mutex(Taken())
    private let privilegedUsers: Set<UInt32>

    /// - Parameter ownUser: the daemon's.
    init(ownUser: UInt32 = geteuid()) {
        privilegedUsers = [0, ownUser]
    }

    /// Takes a place, to be given back with ``leave(_:)``; or says why there is none.
    func enter(_ user: UInt32, _ access: ManagerService.Access) -> LimitReached? {
        let isPrivileged = privilegedUsers.contains(user)
        let limit =
            switch access {
            case .reading: ClientLimits.connections - ClientLimits.reservedForControl
            case .everything: ClientLimits.connections - (isPrivileged ? 0 : ClientLimits.reservedForRoot)
            }
        return taken.withLock { taken in
            let own = taken.byUser[user] ?? 0
            if !isPrivileged && own >= ClientLimits.connectionsPerUser {
                return LimitReached(
                    limit: "connections-per-user",
                    message:
                        "you have \(own) connections to the daemon, which is all that one user may have: close some")
            }
            guard taken.total < limit else {
                return LimitReached(
                    limit: "connections",
                    message: "\(taken.total) clients are connected, which is all that are served here: try again later")
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
