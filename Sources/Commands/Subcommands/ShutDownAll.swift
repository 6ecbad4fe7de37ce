// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct ShutDownAll: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shut-down-all",
        abstract: "Stop all cells that can be stopped, and disable the hypervisor.",
        discussion: """
            For the end of the machine; jailhouse-shutdown.service does the same. Cells are stopped in the reverse \
            order of their start. A cell that could hang Linux is skipped, and the hypervisor is then not disabled. \
            The exit status is 1 if anything was left.

            With --json: an object with stopped (names), left (objects with cell and message), destroyed (names of cells \
            without a definition that were destroyed with the hypervisor's end), disabled and message.

            Example: jailhouse-ctl shut-down-all --within 10
            """
    )

    @OptionGroup var options: DaemonOptions

    @Option(help: ArgumentHelp("How long it may take, 1 to 600.", valueName: "seconds"))
    var within = 20

    func validate() throws {
        guard (1...600).contains(within) else { throw ValidationError("--within must be from 1 to 600.") }
    }

    func run() throws {
        let reply = try options.daemon.call(Manager.ShutDownAll.self, .init(timeout: within * 1_000_000))
        try options.screen.show(reply, text: reply.lines.map { Text.printable($0) }.joined(separator: "\n"))
        guard reply.left.isEmpty && reply.disabled else {
            throw CommandFailure(.failed, "not everything is shut down")
        }
    }
}
