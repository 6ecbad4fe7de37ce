import ArgumentParser
import ControlInterface

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Destroy all cells and end the hypervisor.",
        discussion: """
            Refused when an inmate denies its shutdown, and when one would have to be asked whose answer Linux might \
            wait for without end: it is known not to answer, or its cell has no definition.

            With --json: the machine, as in 'status --json'.

            Example: jailhouse-ctl disable
            """
    )

    @OptionGroup var options: DaemonOptions

    func run() throws {
        try options.changeMachine(Manager.Disable.self, Nothing()) { _ in "the hypervisor is disabled" }
    }
}
