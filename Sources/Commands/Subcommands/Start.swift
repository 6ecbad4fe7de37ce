// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Start: CellChangeCommand {
    typealias Method = Manager.Start

    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a cell.",
        discussion: """
            Creates the cell if it does not exist, loads its images and starts it; returns when it runs. The exit status \
            is 1 if it runs with a failed CPU. With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl start rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String
}
