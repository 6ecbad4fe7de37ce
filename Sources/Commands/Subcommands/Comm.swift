// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Comm: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a cell's communication region.",
        discussion: """
            The page through which hypervisor and inmate talk: where the inmate sees it, the state, whether the \
            inmate is asked before it is stopped and what it answered last, and what the hypervisor puts there.

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
