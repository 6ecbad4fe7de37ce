// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports

/// What the daemon recorded of a failure, and what that means.
struct FailureReport: Encodable {
    let at: String
    let reason: String
    @JSON.OrNull var state: String?
    let failedCpus: [Int]
    let console: [String]
    @JSON.OrNull var vmExits: Int?
    @JSON.OrNull var managementExits: Int?
    @JSON.OrNull var explanation: ExplanationReport?

    private let time: Moment

    private enum CodingKeys: CodingKey {
        case at, reason, state, failedCpus, console, vmExits, managementExits, explanation
    }

    /// - Parameter files: of the cell's definition, as far as this user may read them.
    init(_ failure: Manager.Failure, of cell: String, files: DumpFiles = DumpFiles()) {
        time = Moment(microseconds: failure.at)
        at = time.rfc3339
        reason = failure.reason
        state = failure.state
        failedCpus = failure.failedCpus
        console = failure.console
        vmExits = failure.vmExits
        managementExits = failure.managementExits
        // of the first CPU whose death the recorded lines explain; else what the daemon's own word means
        explanation =
            ConsoleText(failure.console.joined(separator: "\n")).deaths
            .first { $0.cell == cell && $0.violation != nil }
            .map { ExplanationReport(files.explanation(of: $0, rootCell: nil)) }
            ?? ConditionPage.explanation(
                ofFailure: failure.reason, findings: files.surroundings(of: cell).findings
            ).map { page in
                var page = page
                if let error = CommandError.ofFailure(reason: failure.reason) {
                    // with the lines of the configuration instead, where they are known
                    let lines = files.lines(about: error.command, error.errno, of: cell)
                    if lines.contains(where: { !$0.hasPrefix("it may be: ") }) { page.notes = lines }
                }
                return ExplanationReport(page)
            }
    }

    func text(_ style: Style, now: Moment, zone: Moment.Zone = .local) -> String {
        var what = style.lines(Text.printable(reason), room: 2).map { style($0, .red) }.joined(separator: "\n  ")
        if let state { what += "\n  state then: \(Text.printable(state))" }
        if !failedCpus.isEmpty { what += "\n  failed CPUs: \(Text.ranges(failedCpus))" }
        if let vmExits {
            let management = managementExits.map { ", \($0) of them for the hypervisor itself" } ?? ""
            what += "\n  VM exits then: \(vmExits)\(management)"
        }
        if let explanation { what += explanation.text(style, indentation: 2) }
        return (["\(time.long(now: now, zone))\n  " + what] + console.map { "  | " + Text.printable($0) })
            .joined(separator: "\n")
    }

    /// Its line in a table.
    func entries(_ number: Int, now: Moment, zone: Moment.Zone = .local) -> [Table.Entry] {
        [
            .init("\(number)"), .init(time.long(now: now, zone)), .init(state),
            .init(failedCpus.isEmpty ? nil : Text.ranges(failedCpus)), .init(reason, .red),
        ]
    }
}
