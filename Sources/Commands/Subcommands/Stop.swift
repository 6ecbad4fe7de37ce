// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Stop: CellChangeCommand {
    typealias Method = Manager.Stop

    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop a cell.",
        discussion: """
            Sends the inmate a shutdown request, and repeats it until stop-timeout if it is denied; returns when it is stopped. The cell keeps its CPUs and memory. With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl stop rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String
}
