// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports

/// A cell as `status` shows it.
struct CellReport: Encodable {
    struct Failure: Encodable {
        let at: String
        let reason: String
        @JSON.OrNull var state: String?
        let failedCpus: [Int]
        let console: [String]
        @JSON.OrNull var vmExits: Int?
        @JSON.OrNull var managementExits: Int?
        @JSON.OrNull var explanation: ExplanationReport?
    }

    struct Supervision: Encodable {
        let desired: String
        let restart: String
        let delayMicroseconds: Int
        let maximumDelayMicroseconds: Int
        let attempts: Int
        let attemptLimit: Int
        let limitWithinMicroseconds: Int
        @JSON.OrNull var nextRestart: String?
        let stopTimeoutMicroseconds: Int
        let autostart: Bool
    }

    let cell: CellRow
    @JSON.OrNull var definition: String?
    @JSON.OrNull var problem: String?
    let images: [String]
    @JSON.OrNull var supervision: Supervision?
    @JSON.OrNull var lastFailure: Failure?
    let console: [String]
    @JSON.OrNull var vmExits: Int?
    let accepted: [String]

    private let details: Manager.Details

    private enum CodingKeys: CodingKey {
        case cell, definition, problem, images, supervision, lastFailure, console, vmExits, accepted
    }

    init(_ details: Manager.Details) {
        self.details = details
        cell = CellRow(details.cell)
        definition = details.definition
        problem = details.problem
        images = details.images
        supervision = details.supervision.map {
            Supervision(
                desired: $0.desired, restart: $0.restart, delayMicroseconds: $0.delay,
                maximumDelayMicroseconds: $0.maximumDelay, attempts: $0.attempts, attemptLimit: $0.attemptLimit,
                limitWithinMicroseconds: $0.limitWithin, nextRestart: Moment(known: $0.nextRestart)?.rfc3339,
                stopTimeoutMicroseconds: $0.stopTimeout, autostart: $0.autostart)
        }
        lastFailure = details.lastFailure.map {
            Failure(
                at: Moment(microseconds: $0.at).rfc3339, reason: $0.reason, state: $0.state,
                failedCpus: $0.failedCpus, console: $0.console, vmExits: $0.vmExits,
                managementExits: $0.managementExits,
                explanation: Self.explanation(of: $0, in: details.cell).map(ExplanationReport.init))
        }
        console = details.console
        vmExits = details.vmExits
        accepted = details.accepted ?? []
    }
}

extension CellReport {
    /// The report as `systemctl status` has it.
    func text(_ style: Style, now: Moment, zone: Moment.Zone = .local) -> String {
        let condition = Condition(details.cell.condition)
        let head = style(condition.bullet, condition.paint) + " " + style(Text.printable(cell.name), .bold)
        let parts = [
            head + "\n" + properties(style, now: now, zone: zone).text(width: 12),
            failureText(style, now: now, zone: zone),
            consoleText,
        ]
        return parts.compactMap(\.self).joined(separator: "\n\n")
    }

    private func properties(_ style: Style, now: Moment, zone: Moment.Zone) -> PropertyList {
        let condition = details.cell.condition
        var list = PropertyList()
        list.add("Definition", definition.map { Text.printable($0) } ?? "none; the cell was created by another tool")
        list.add("Problem", problem.map { style(Text.printable($0), .red) })
        let since = Moment(known: details.cell.since).map { " since \($0.long(now: now, zone))" } ?? ""
        list.add("Accepted", lines: accepted.map { Text.printable($0) })
        list.add("Condition", style(Text.printable(condition), Condition(condition).paint) + since)
        list.add("Next start", nextStart(now: now))
        list.add(
            "State",
            cell.state.map { state in Text.printable(state) + (cell.id.map { " (id \($0))" } ?? "") }
                ?? "the cell does not exist")
        list.add("CPUs", cell.cpuText)
        list.add("Images", lines: images.map { Text.printable($0) })
        list.add("Restarts", restarts)
        list.add("Shutdown", shutdown(now: now, zone: zone))
        list.add("VM exits", vmExits.map { "\($0)" })
        return list
    }

    /// What went wrong with the last request to shut down.
    private func shutdown(now: Moment, zone: Moment.Zone) -> String? {
        guard let request = details.lastShutdown, request.outcome != "approved" else { return nil }
        let time = Moment(known: request.at).map { " \($0.long(now: now, zone))" } ?? ""
        guard request.outcome == "timed-out" else { return Text.printable(request.outcome) + time }
        let stall = request.stalled.map { "; Linux was stalled for \(Moment.duration($0))" } ?? ""
        return "the inmate did not answer\(time)\(stall)"
    }

    private func nextStart(now: Moment) -> String? {
        guard let next = Moment(known: details.supervision?.nextRestart) else { return nil }
        let wait = next.microseconds - now.microseconds
        return wait > 0 ? "in \(Moment.duration(wait))" : "now"
    }

    private var restarts: String {
        guard let supervision = details.supervision else { return "\(cell.restarts); not supervised" }
        let policy =
            switch supervision.restart {
            case "never": "never restarted"
            case "always": "always restarted"
            case "on-failure": "restarted on failure"
            default: Text.printable(supervision.restart)
            }
        if supervision.restart == "never" { return "\(cell.restarts); \(policy)" }
        return "\(cell.restarts); \(policy), \(supervision.attempts) of \(supervision.attemptLimit) attempts within "
            + Moment.duration(supervision.limitWithin)
    }

    /// Of the first CPU of the cell whose death the kept lines explain.
    private static func explanation(of failure: Manager.Failure, in cell: Manager.Cell) -> Explanation? {
        ConsoleText(failure.console.joined(separator: "\n")).deaths
            .first { $0.cell == cell.name && $0.violation != nil }?.violation?.explanation()
    }

    private func failureText(_ style: Style, now: Moment, zone: Moment.Zone) -> String? {
        guard let failure = details.lastFailure else { return nil }
        var what = style(Text.printable(failure.reason), .red)
        if let state = failure.state { what += "\n  state then: \(Text.printable(state))" }
        if !failure.failedCpus.isEmpty { what += "\n  failed CPUs: \(Text.ranges(failure.failedCpus))" }
        if let exits = failure.vmExits {
            let management = failure.managementExits.map { ", \($0) of them for the hypervisor itself" } ?? ""
            what += "\n  VM exits then: \(exits)\(management)"
        }
        if let explanation = lastFailure?.explanation { what += explanation.text(indentation: 2) }
        let head = "Last failure: \(Moment(microseconds: failure.at).long(now: now, zone))\n  " + what
        return ([head] + failure.console.map { "  | " + Text.printable($0) }).joined(separator: "\n")
    }

    private var consoleText: String? {
        guard !console.isEmpty, console != details.lastFailure?.console else { return nil }
        return (["Console:"] + console.map { "  | " + Text.printable($0) }).joined(separator: "\n")
    }
}
