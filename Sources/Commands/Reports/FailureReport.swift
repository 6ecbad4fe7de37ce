// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
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
        let deaths = ConsoleText(failure.console.joined(separator: "\n")).deaths.filter { $0.cell == cell }
        // a record without a time is older than any file
        let changed = failure.at > 0 ? files.changes(since: failure.at, of: cell) : []
        explanation =
            deaths.first { $0.violation != nil }.map { death in
                var explained = files.explanation(of: death, rootCell: nil)
                explained.notes += Self.notes(about: failure.failedCpus, besides: death, deaths)
                explained.doubt(changed)
                return ExplanationReport(explained)
            }
            ?? ConditionPage.explanation(
                ofFailure: failure.reason, in: files.surroundings(of: cell)
            ).map { page in
                var page = page
                if failure.reason.hasPrefix("CPU"), files.system?.flags.contains(.virtualDebugConsole) == false {
                    page.advice =
                        "Linux may not read the hypervisor's console, which says what the program did: set virtual-debug-console = true in "
                        + "[system] of \(files.systemPath), or look at its serial port."
                    page.rule = "JH0703"
                }
                if let error = CommandError.ofFailure(reason: failure.reason) {
                    // with the lines of the configuration instead, where they are known
                    let lines =
                        error.isCauseKnown
                        ? files.lines(about: error, of: cell)
                        : files.lines(about: error.command, error.errno, of: cell)
                    if changed.isEmpty, lines.contains(where: { !$0.hasPrefix("it may be: ") }) { page.notes = lines }
                }
                page.doubt(changed)
                return ExplanationReport(page)
            }
    }

    /// What the others of several CPUs did.
    private static func notes(about cpus: [Int], besides explained: Death, _ deaths: [Death]) -> [String] {
        guard cpus.count > 1 else { return [] }
        let others = cpus.filter { $0 != explained.cpu }
        let known = others.compactMap { cpu in deaths.last { $0.cpu == cpu && $0.violation != nil } }
        let lost = others.filter { cpu in !known.contains { $0.cpu == cpu } }
        let texts = known.map { "CPU \($0.cpu): \($0.explanation().summary)" }
        guard !lost.isEmpty else { return ["This is about CPU \(explained.cpu)."] + texts }
        return ["This is about CPU \(explained.cpu)."] + texts + [
            "What CPU \(Text.ranges(lost)) did is not on the console: the hypervisor drops the text of a CPU that fails while another "
                + "one's is printed. It is often the same."
        ]
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

extension Explanation {
    /// Says of an answer that is from files of now that these have changed since, and proposes no entry by them.
    ///
    /// - Parameter changed: their paths; empty: none has.
    fileprivate mutating func doubt(_ changed: [String]) {
        guard !changed.isEmpty else { return }
        let verb = changed.count == 1 ? "has" : "have"
        notes.append(
            "\(changed.joined(separator: ", ")) \(verb) changed since this failure: what is said here by \(changed.count == 1 ? "it" : "them") "
                + "may not have been so then.")
        guard entry != nil else { return }
        entry = nil
        notes.append("No entry is proposed: check the present files with 'jailhouse-ctl check' first.")
    }
}
