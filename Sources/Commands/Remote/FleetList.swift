// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

/// The cells of several hosts side by side.
struct FleetList {
    private let hosts: [(name: String, daemon: Daemon)]
    private let screen: Screen
    /// For all of them together. Whom ssh asks for a password has to type it.
    private static let patience = Manager.List.patience

    init(_ options: DaemonOptions) {
        hosts = options.host.map { name in
            (name, Daemon(chosenSocket: options.socket, host: RemoteHost(name)))
        }
        screen = options.screen
    }

    /// All hosts are asked at the same time, and none that does not answer holds up the others.
    func show() throws {
        let calls = hosts.map { host in
            Result { () throws(ControlError) in
                try host.daemon.connect(toChange: false, greets: false).begin(Manager.List.self, Nothing())
            }
        }
        let deadline = ContinuousClock.now + Self.patience
        var rows: [CellRow] = []
        var isComplete = true
        for (host, call) in zip(hosts, calls) {
            do throws(ControlError) {
                rows += try call.get().wait(until: deadline).cells.map { cell in
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
