// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Start: CellChangeCommand {
    typealias Method = Manager.Start

    static let configuration = CommandConfiguration(
        abstract: "Start a cell.",
        discussion: """
            Makes the cell if it does not exist, loads its images and starts it; returns when it runs. With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl start rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String
}
