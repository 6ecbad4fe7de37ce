// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

/// The cells of several hosts side by side.
struct FleetList {
    private let hosts: [(name: String, daemon: Daemon)]
    private let screen: Screen

    init(_ options: DaemonOptions) {
        hosts = options.host.map { name in
            (name, Daemon(chosenSocket: options.socket, host: RemoteHost(name)))
        }
        screen = options.screen
    }

    /// All hosts are connected to at the same time, and then asked one after the other.
    func show() throws {
        let clients = hosts.map { host in
            Result { () throws(ControlError) in try host.daemon.connect(toChange: false) }
        }
        var rows: [CellRow] = []
        var isComplete = true
        for (host, client) in zip(hosts, clients) {
            do throws(ControlError) {
                rows += try client.get().call(Manager.List.self).cells.map { cell in
                    var row = CellRow(cell)
                    row.host = host.name
                    return row
                }
            } catch {
                host.daemon.failure(error).tell()
                isComplete = false
            }
        }
        try screen.show(
            rows, text: rows.isEmpty ? "no cells" : CellRow.table(rows, now: .now).text(screen.style))
        // each has been told already
        if !isComplete { throw ExitCode(CommandFailure.Status.noDaemon.rawValue) }
    }
}
