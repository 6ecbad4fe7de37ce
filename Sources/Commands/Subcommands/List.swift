// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the cells.",
        discussion: """
            STATE is the hypervisor's word, CONDITION the daemon's: absent, created, starting, running, degraded \
            (some CPUs failed), stopping, stopped, failed, backing-off, gave-up or foreign (has no definition).

            With --json: an array of objects with name, id (number or null), state (string or null), condition, \
            cpus and failedCpus (arrays of numbers), restarts, since (string or null).

            Example: jailhouse-ctl list --json
            """
    )

    @OptionGroup var options: DaemonOptions

    func run() throws {
        let cells = try options.daemon.call(Manager.List.self).cells.map(CellRow.init)
        try options.screen.show(
            cells,
            text: cells.isEmpty
                ? "no cells: none is defined, and none exists"
                : CellRow.table(cells, now: .now).text(options.screen.style))
    }
}
