// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Restart: CellChangeCommand {
    typealias Method = Manager.Restart

    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stop a cell, load its images again and start it.",
        discussion: """
            With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl restart rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String
}
