// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Exporter
import Glibc
import SystemCalls
import SystemdSupport

/// Metrics and a page about the cells, over HTTP.
@main
struct JailhouseExporter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jailhouse-exporter",
        abstract: "Serve metrics for Prometheus, and a page about the cells, over HTTP.",
        discussion: """
            /metrics has what 'jailhouse-ctl metrics' prints; / is a page with the cells, their conditions, last failures \
            and the memory map, which follows what happens. It reads the status socket of jailhoused(8) and nothing \
            else. Nothing can be changed through it, and it asks for no password: it listens on \
            the loopback address unless told otherwise. jailhouse-exporter.socket starts it with the socket that is \
            configured there.

            Example: jailhouse-exporter --port 9842
            """,
        version: Product.version)

    @Option(help: ArgumentHelp("The daemon's socket.", valueName: "path"))
    var socket = "/run/jailhoused/status"

    @Option(
        help: ArgumentHelp(
            "The address to listen on, unless the service manager has opened a socket.", valueName: "address"))
    var address = "127.0.0.1"

    @Option(help: ArgumentHelp("The port; 0: any that is free.", valueName: "number"))
    var port = 9842

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
    }

    func run() throws {
        let activated = activationSockets()
        let server = Server(socket: socket, host: Self.host)
        let place = activated.first.map { Server.Place.descriptor($0.descriptor) } ?? .address(address, port: port)
        let (port, wait) = try server.listen(on: place)
        if activated.isEmpty, let port {
            let line = "listening on http://\(address):\(port)/\n"
            try SystemCall.write(Array(line.utf8), to: STDOUT_FILENO)
        }
        try wait()
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "this machine" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
}
