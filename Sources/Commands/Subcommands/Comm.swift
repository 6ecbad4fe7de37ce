// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Comm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "comm",
        abstract: "Show a cell's communication region.",
        discussion: """
            The page that the hypervisor and the inmate share: its address in the cell, the state, whether the inmate \
            receives shutdown requests and how it answered the last one, and the values that the hypervisor writes.

            With --json: an object with cell, address, abiRevision, state, stateNumber, passive, \
            messageReplyTimeout (loops; 0: none), lastRequest (outcome and at), pciMmconfigBase, pmTimerPort, \
            numberOfCpus, tscKhz, apicKhz, consoleAddress and flags.

            Example: jailhouse-ctl comm rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String

    func run() throws {
        let region = try options.daemon.call(Manager.CommunicationRegion.self, .init(cell: cell)).region
        let report = RegionReport(cell: cell, region)
        try options.screen.show(report, text: report.text(options.screen.style, now: .now))
    }
}
