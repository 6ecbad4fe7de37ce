// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import NIOCore

/// What clients may take of the daemon. The interface's description names these to them.
enum ClientLimits {
    /// Connections at a time, over all sockets.
    static let connections = 64
    /// Of these, for the control socket only: readers cannot lock out administrators.
    static let reservedForControl = 16
    /// And of these, for root.
    static let reservedForRoot = 4
    /// And of these, for users other than root and the daemon's own. Units that follow a cell (jailhouse-cell@) run as
    /// the daemon's user, with one connection each, and must not lock out administrators.
    static let reservedFromOwnUser = 8
    /// Of one user other than root and the daemon's own.
    static let connectionsPerUser = 16
    /// Calls that wait behind the one that is answered, of one connection; and their bytes.
    static let waitingCalls = 32
    static let waitingBytes = 128 << 10
    /// From the first byte of a message to its end.
    static let messageTime = TimeAmount.seconds(10)
    /// For a client to read a reply.
    static let sendTime = TimeAmount.seconds(10)
    /// Without a call, a watch or an answer.
    static let idleTime = TimeAmount.minutes(5)
    /// Between a connection that is refused and the next one that is accepted.
    static let pauseAfterRefusal = Duration.milliseconds(2)
    /// In bytes; read at once from a connection before others have their turn.
    static let readSize = 8 << 10
}

/// A client exceeded a limit.
package struct LimitReached: Error {
    /// Its name in the interface.
    package let limit: String
    package let message: String

    static let calls = LimitReached(
        limit: "calls",
        message:
            "a connection may queue \(ClientLimits.waitingCalls) calls or \(ClientLimits.waitingBytes) bytes: "
            + "read the replies in between")
    static let messageTime = LimitReached(
        limit: "message-time",
        message: "a message must be complete within \(seconds(ClientLimits.messageTime)) s")
    static let idleTime = LimitReached(
        limit: "idle-time", message: "no request for \(seconds(ClientLimits.idleTime)) s: connect again")

    init(limit: String, message: String) {
        self.limit = limit
        self.message = message
    }

    /// Nil for an error that is not about a limit.
    init?(_ error: ControlError) {
        switch error {
        case .tooLong(let limit):
            self.init(limit: "message-size", message: "a message may have at most \(limit) bytes")
        case .tooDeep(let limit):
            self.init(limit: "message-depth", message: "objects and arrays may be nested at most \(limit) deep")
        default: return nil
        }
    }

    private static func seconds(_ time: TimeAmount) -> Int64 { time.nanoseconds / 1_000_000_000 }
}
