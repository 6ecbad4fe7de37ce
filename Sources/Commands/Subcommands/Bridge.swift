// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import SystemCalls
import SystemPackage

/// The other side of `--host`.
struct Bridge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract: "Connect standard input and output with the daemon's socket.",
        discussion: """
            For 'jailhouse-ctl --host', which runs it on the other machine through ssh. It exits when either side \
            disconnects. A user who may not use the socket for everything gets the one for reading.

            Example: jailhouse-ctl bridge
            """,
        shouldDisplay: false
    )

    @Option(
        help: ArgumentHelp(
            "The daemon's socket (default: $JAILHOUSED_SOCKET, else \(Daemon.controlSocket)).", valueName: "path"),
        completion: .file())
    var socket: String?

    private var chosenSocket: String? { socket ?? DaemonOptions.environmentSocket }

    func run() throws {
        do throws(SystemCallError) {
            try pump(connect())
        } catch {
            let path = chosenSocket ?? Daemon.controlSocket
            throw CommandFailure(.noDaemon, "cannot reach the daemon at \(path): \(error.errno)")
        }
    }

    private func connect() throws(SystemCallError) -> OwnedDescriptor {
        if let socket = chosenSocket { return try SystemCall.connect(toSocket: socket) }
        do throws(SystemCallError) {
            return try SystemCall.connect(toSocket: Daemon.controlSocket)
        } catch {
            guard error.errno == .permissionDenied else { throw error }
            return try SystemCall.connect(toSocket: Daemon.statusSocket)
        }
    }

    private func pump(_ socket: consuming OwnedDescriptor) throws(SystemCallError) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let ways = [(from: STDIN_FILENO, to: socket.rawValue), (from: socket.rawValue, to: STDOUT_FILENO)]
        var events = ways.map { pollfd(fd: $0.from, events: Int16(POLLIN), revents: 0) }
        // a reader that has gone is an error, not a signal
        signal(SIGPIPE, SIG_IGN)
        while true {
            try SystemCall.result(of: "poll") { poll(&events, nfds_t(events.count), -1) }
            for (event, way) in zip(events, ways) where event.revents != 0 {
                let count = try SystemCall.result(of: "read") { read(way.from, &buffer, buffer.count) }
                guard count > 0 else { return }
                try SystemCall.write(Array(buffer[..<count]), to: way.to)
            }
        }
    }
}
