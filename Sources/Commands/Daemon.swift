// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc
import SystemCalls

/// The way to the daemon: which socket, and what its failures mean to the user.
struct Daemon {
    static let controlSocket = "/run/jailhoused/control"
    static let statusSocket = "/run/jailhoused/status"

    /// For the first word of another machine. Whom ssh asks for a password has to type it.
    private static let greeting = Duration.seconds(30)

    /// The socket that the user named, with the option or in the environment.
    let chosenSocket: String?
    /// The machine; nil: this one.
    var host: RemoteHost?

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
    ///
    /// - Parameter greets: whether another machine has to answer first, within half a minute: a command takes longer.
    func connect(toChange: Bool, greets: Bool = true) throws(ControlError) -> ControlClient {
        if let host {
            let client = try host.connect(socket: chosenSocket)
            if greets {
                _ = try client.begin(VarlinkService.GetInfo.self, Nothing()).wait(until: .now + Self.greeting)
            }
            return client
        }
        if let chosenSocket { return try ControlClient(socket: chosenSocket) }
        do {
            return try ControlClient(socket: Self.controlSocket)
        } catch .notPermitted where !toChange {
            return try ControlClient(socket: Self.statusSocket)
        }
    }

    /// What an error means to the user.
    func failure(_ error: ControlError) -> CommandFailure {
        guard let host else { return CommandFailure(error, socketWasChosen: chosenSocket != nil) }
        switch error {
        case .connection(let error) where error.call == "posix_spawn":
            let remedy = RemoteHost.program == "ssh" ? " (Debian and Ubuntu: apt install openssh-client)" : ""
            return CommandFailure(
                .noDaemon, "\(host.name): cannot start \(RemoteHost.program): \(error.errno)\(remedy)")
        case .disconnected, .noAnswer, .connection, .malformed:
            return CommandFailure(
                .noDaemon,
                "\(host.name): cannot reach the daemon through \(RemoteHost.program); try: "
                    + "\(RemoteHost.program) \(host.name) jailhouse-ctl list")
        case .service(.permissionDenied), .manager(.permissionDenied):
            return CommandFailure(
                .failed, "\(host.name): permission denied: your user there is not in group jailhouse-admin")
        default:
            let failure = CommandFailure(error, socketWasChosen: chosenSocket != nil)
            return CommandFailure(failure.status, "\(host.name): \(failure.message)")
        }
    }

    private func explaining<Value>(_ body: () throws(ControlError) -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw failure(error)
        }
    }
}
