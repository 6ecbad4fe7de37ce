// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Destroy all cells and disable the hypervisor.",
        discussion: """
            Refused if an inmate denies its shutdown request, or if a cell that may never answer would be sent one, \
            which would hang Linux: a cell that is known not to respond, or one without a definition. Also refused \
            while cells without a definition exist, unless --others is given.

            With --json: the machine, as in 'status --json'.

            Example: jailhouse-ctl disable
            """
    )

    @OptionGroup var options: DaemonOptions

    @Flag(help: "Also destroy cells without a definition.")
    var others = false

    func run() throws {
        try options.changeMachine(Manager.Disable.self, .init(others: others ? true : nil)) { _ in
            "the hypervisor is disabled"
        }
    }
}
