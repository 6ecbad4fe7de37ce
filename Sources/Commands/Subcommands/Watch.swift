// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show each change of one cell or of all, until interrupted.",
        discussion: """
            First each cell as it is, then a line for each change.

            With --json: one object a line with at, kind, cell (as in 'list --json'), previous, message and missed.

            Example: jailhouse-ctl watch rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name; without it, all cells.", completion: .cellNames)
    var cell: String?

    func run() throws {
        let screen = options.screen
        try options.daemon.forEach(Manager.Watch.self, .init(cell: cell)) { reply in
            let line = ChangeLine(reply.change)
            try screen.showLine(line, text: line.text(screen.style))
        }
    }
}
