// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the machine and all cells, or one cell in full.",
        discussion: """
            Of a cell: its condition, CPUs, images, restarts, and its last failure with what the hypervisor printed \
            then. The exit status is 0 if it runs, 3 if it does not, 4 if there is no such cell, 5 if it runs and \
            some of its CPUs have failed, 6 if it runs and gives no sign of life.

            With --json: an object with cell (as in 'list --json'), definition, problem, images, supervision, \
            lastFailure, console, vmExits, accepted (errors of check that the definition accepts), liveness and \
            deviceFaults (what an IOMMU dropped of its devices); without a cell an object with machine and cells.

            Example: jailhouse-ctl status rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name; without it, the machine and all cells.", completion: .cellNames)
    var cell: String?

    func run() throws {
        let screen = options.screen
        guard let cell else { return try Self.showAll(of: options.daemon, on: screen, isRemote: options.isRemote) }
        let places = options.isRemote ? BundlePlaces.elsewhere : .here
        let details = try options.daemon.call(Manager.Describe.self, .init(cell: cell)).details
        let files = details.lastFailure == nil || options.isRemote ? DumpFiles() : DumpFiles(of: options.daemon)
        let report = CellReport(details, files: files)
        try screen.show(report, text: report.text(screen.style, now: .now, places: places))
        if let status = details.cell.exitStatus { throw ExitCode(status.rawValue) }
    }

    static func showAll(of daemon: Daemon, on screen: Screen, isRemote: Bool) throws {
        let report = MachineReport(try daemon.call(Manager.List.self))
        try screen.show(report, text: report.text(screen.style, now: .now, places: isRemote ? .elsewhere : .here))
    }
}
