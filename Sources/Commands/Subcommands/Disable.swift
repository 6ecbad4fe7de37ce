// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Destroy all cells and end the hypervisor.",
        discussion: """
            Refused when an inmate denies its shutdown, and when one would have to be asked whose answer Linux might \
            wait for without end: it is known not to answer, or its cell has no definition. Refused, too, while there \
            are cells without a definition, unless --others is given.

            With --json: the machine, as in 'status --json'.

            Example: jailhouse-ctl disable
            """
    )

    @OptionGroup var options: DaemonOptions

    @Flag(help: "Destroy cells without a definition, too.")
    var others = false

    func run() throws {
        try options.changeMachine(Manager.Disable.self, .init(others: others ? true : nil)) { _ in
            "the hypervisor is disabled"
        }
    }
}
