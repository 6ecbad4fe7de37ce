// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// The client of a connection, as the kernel knows it (`SO_PEERCRED`).
package struct Peer: Sendable, CustomStringConvertible {
    package let user: UInt32
    package let process: Int32

    package init(user: UInt32, process: Int32) {
        self.user = user
        self.process = process
    }

    package var description: String { "uid \(user), pid \(process)" }
}

/// What clients of a socket may do.
package enum Access: Sendable { case everything, reading }

/// Answers the calls that a ``Server`` receives.
package protocol CallService: Sendable {
    /// Takes one reply as bytes.
    typealias Send = @Sendable ([UInt8]) async throws -> Void

    /// Answers one call.
    ///
    /// - Parameter send: throws when the client has disconnected.
    func answer(_ call: VarlinkCall, from peer: Peer, _ access: Access, send: @escaping Send) async throws

    /// The reply for a client that exceeded a limit; it is disconnected afterwards.
    func reply(to limit: LimitReached) -> [UInt8]

    /// In which clients' messages are decoded.
    func turns(_ access: Access) -> Turns
}
