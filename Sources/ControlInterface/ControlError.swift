// SPDX-License-Identifier: Apache-2.0

package import SystemCalls

/// What can go wrong between a client and the daemon.
package enum ControlError: Error, Hashable, Sendable {
    /// The socket's path does not exist: the daemon was never started.
    case noSocket(path: String)
    /// The socket exists, but no process listens: the daemon has exited.
    case nobodyListens(path: String)
    /// The socket's mode does not let us.
    case notPermitted(path: String)
    /// Another failure of the connection.
    case connection(SystemCallError)
    /// The daemon closed the connection before it had answered.
    case disconnected
    /// The daemon has not taken the call, or not answered it, for as long as the caller wants to wait.
    case noAnswer
    /// What was received is not a Varlink message.
    case malformed(String)
    /// A message has more bytes than the reader takes.
    case tooLong(limit: Int)
    /// The nesting of a message's objects and arrays exceeds the reader's limit.
    case tooDeep(limit: Int)
    /// The daemon refused or failed.
    case manager(ManagerError)
    /// The daemon does not know the call.
    case service(ServiceError)
    /// An error of an interface that we do not know.
    case unknown(name: String)
}

extension ControlError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noSocket(let path): "there is no socket \(path)"
        case .nobodyListens(let path): "no process is listening on \(path)"
        case .notPermitted(let path): "no permission to use \(path)"
        case .connection(let error): "\(error)"
        case .disconnected: "the daemon closed the connection without an answer"
        case .noAnswer: "the daemon does not answer"
        case .malformed(let what): "not a Varlink message: \(what)"
        case .tooLong(let limit): "a message of more than \(limit) bytes"
        case .tooDeep(let limit): "a message nested more than \(limit) deep"
        case .manager(let error): error.message
        case .service(let error): "\(error)"
        case .unknown(let name): "unknown error \(name)"
        }
    }
}
