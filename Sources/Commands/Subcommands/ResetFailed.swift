// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct ResetFailed: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-failed",
        abstract: "Forget the failures and restarts of one cell or of all.",
        discussion: """
            A cell that was given up is then stopped, and its attempts are counted from zero.

            With --json: an array of the cells afterwards, as in 'list --json'.

            Example: jailhouse-ctl reset-failed rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name; without it, all cells.", completion: .cellNames)
    var cell: String?

    func run() throws {
        let daemon = options.daemon
        _ = try daemon.call(Manager.ResetFailed.self, .init(cell: cell))
        guard options.screen.json else { return }
        let cells = try daemon.call(Manager.List.self).cells.filter { cell == nil || $0.name == cell }
        try options.screen.show(JSON.text(cells.map(CellRow.init)))
    }
}
