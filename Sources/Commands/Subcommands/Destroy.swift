// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Destroy: CellChangeCommand {
    typealias Method = Manager.Destroy

    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Destroy a cell; its CPUs and memory are returned to Linux.",
        discussion: """
            With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl destroy rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String
}
