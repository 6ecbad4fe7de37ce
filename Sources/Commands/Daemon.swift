// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc

/// The way to the daemon: which socket, and what its failures mean to the user.
struct Daemon {
    static let controlSocket = "/run/jailhoused/control"
    static let statusSocket = "/run/jailhoused/status"

    /// The socket that the user named, with the option or in the environment.
    let chosenSocket: String?

    /// Calls a method on a connection of its own.
    func call<Method: ManagerMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws -> Method.Reply {
        try explaining { () throws(ControlError) in
            try connect(toChange: Method.changesSomething).call(method, parameters)
        }
    }

    func call<Method: ManagerMethod>(
        _ method: Method.Type
    ) throws -> Method.Reply where Method.Parameters == Nothing {
        try call(method, Nothing())
    }

    /// Calls a method that streams and hands its replies over one by one, until the stream or the daemon ends.
    func forEach<Method: ManagerMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, _ body: (Method.Reply) throws -> Void
    ) throws {
        var stream = try stream(method, parameters)
        while let reply = try explaining({ () throws(ControlError) in try stream.next() }) {
            try body(reply)
        }
    }

    /// Calls a method that streams, on a connection of its own.
    func stream<Method: ManagerMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws -> ReplyStream<Method> {
        try explaining { () throws(ControlError) in
            try connect(toChange: Method.changesSomething).stream(method, parameters)
        }
    }

    /// A connection. Without a socket of the user's choice it is the one for everything; who may not use that can
    /// still read through the other one.
    func connect(toChange: Bool) throws(ControlError) -> ControlClient {
        if let chosenSocket { return try ControlClient(socket: chosenSocket) }
        do {
            return try ControlClient(socket: Self.controlSocket)
        } catch .notPermitted where !toChange {
            return try ControlClient(socket: Self.statusSocket)
        }
    }

    private func explaining<Value>(_ body: () throws(ControlError) -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw CommandFailure(error, socketWasChosen: chosenSocket != nil)
        }
    }
}
