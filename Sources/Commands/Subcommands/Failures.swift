// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Failures: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failures",
        abstract: "Show the recorded failures of a cell, one of them in full, or the last one of each cell.",
        discussion: """
            The daemon keeps the last eight failures of a cell; number 1 is the latest. In full, a failure has what the \
            hypervisor printed, what that means and what to do about it. The name of the root cell is that of Linux: its \
            lost CPUs.

            With --json: of all cells, an array of objects with cell, count and last; of one, an array of objects with at, reason, state, failedCpus, console, vmExits, managementExits and \
            explanation (summary, place, notes, entry, advice, rule).

            Example: jailhouse-ctl failures rtems 1
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name; without it, the last failure of each cell.", completion: .cellNames)
    var cell: String?

    @Argument(help: "The failure's number; 1 is the latest.")
    var number: Int?

    /// One cell's of all.
    private struct Summary: Encodable {
        let cell: String
        let count: Int
        let last: FailureReport
    }

    private func runOfAll() throws {
        let list = try options.daemon.call(Manager.List.self)
        let names = list.cells.filter(\.defined).map(\.name)
        let summaries = try names.compactMap { name -> Summary? in
            let failures = try options.daemon.call(Manager.Failures.self, .init(cell: name)).failures
            return failures.last.map { Summary(cell: name, count: failures.count, last: FailureReport($0, of: name)) }
        }
        let rows = summaries.map { summary in
            [.init(Text.printable(summary.cell)), .init("\(summary.count)")]
                + summary.last.entries(1, now: .now).dropFirst()
        }
        let table = Table(heads: ["CELL", "N", "LAST", "STATE", "CPUS", "REASON"], rows: rows)
        let losses = LostCPUReport.sentence(about: LostCPUReport.all(of: list.machine)).map {
            "\n\($0): see jailhouse-ctl status"
        }
        try options.screen.show(
            summaries, text: (rows.isEmpty ? "no failures" : table.text(options.screen.style)) + (losses ?? ""))
    }

    /// What Linux's own CPUs did, if that is the root cell's name.
    private func showLosses(of name: String) throws -> Bool {
        let machine = try options.daemon.call(Manager.List.self).machine
        let own = LostCPUReport.all(of: machine).filter { $0.cell == name && !$0.stopped }
        guard !own.isEmpty else { return false }
        let style = options.screen.style
        let text = own.flatMap { $0.lines(style) + $0.console.map { "  " + Text.printable($0) } }
        try options.screen.show(own, text: text.joined(separator: "\n"))
        return true
    }

    func run() throws {
        guard let cell else { return try runOfAll() }
        let failures: [Manager.Failure]
        do {
            failures = try options.daemon.call(Manager.Failures.self, .init(cell: cell)).failures.reversed()
        } catch let failure as CommandFailure where failure.status == .noSuchCell {
            guard try showLosses(of: cell) else { throw failure }
            return
        }
        let screen = options.screen
        // what it touched and where in the program is not in the table
        let isTable = number == nil && !screen.json
        let files = isTable || failures.isEmpty || options.isRemote ? DumpFiles() : DumpFiles(of: options.daemon)
        let reports = failures.map { FailureReport($0, of: cell, files: files) }
        if let number {
            guard reports.indices.contains(number - 1) else {
                throw CommandFailure(
                    .failed,
                    reports.isEmpty
                        ? "the daemon has recorded no failure of \(cell)"
                        : "there is no failure \(number) of \(cell): the daemon has recorded \(reports.count)")
            }
            let report = reports[number - 1]
            return try screen.show([report], text: report.text(screen.style, now: .now))
        }
        let rows = reports.enumerated().map { index, report in report.entries(index + 1, now: .now) }
        let table = Table(heads: ["N", "AT", "STATE", "CPUS", "REASON"], rows: rows)
        try screen.show(reports, text: reports.isEmpty ? "no failures" : table.text(screen.style))
    }
}
