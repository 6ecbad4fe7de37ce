// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the cells.",
        discussion: """
            STATE is the hypervisor's word, CONDITION the daemon's: absent, created, starting, running, degraded \
            (some CPUs failed), silent (no sign of life), stopping, stopped, failed, backing-off, gave-up or foreign (has \
            no definition).

            With --json: an array of objects with name, id (number or null), state (string or null), condition, \
            cpus and failedCpus (arrays of numbers), restarts, since (string or null).

            With several hosts, their cells are in one table with the column HOST, and --json adds host. A host that \
            cannot be reached is named on standard error, and the exit status is 69.

            Example: jailhouse-ctl list --json
            Example: jailhouse-ctl --host board-1,board-2 list
            """
    )

    @OptionGroup var options: DaemonOptions

    func run() throws {
        if options.host.count > 1 { return try FleetList(options).show() }
        try Self.show(of: options.daemon, on: options.screen)
    }

    static func show(of daemon: Daemon, on screen: Screen) throws {
        let cells = try daemon.call(Manager.List.self).cells.map(CellRow.init)
        try screen.show(
            cells,
            text: cells.isEmpty
                ? "no cells: none is defined, and none exists"
                : CellRow.table(cells, now: .now).text(screen.style))
    }
}
