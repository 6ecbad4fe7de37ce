// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// A cell as `status` shows it.
struct CellReport: Encodable {
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

    struct Liveness: Encodable {
        let kind: String
        let withinMicroseconds: Int
        let afterStartMicroseconds: Int
        let restarts: Bool
        @JSON.OrNull var lastSign: String?
        @JSON.OrNull var silentSince: String?
    }

    let cell: CellRow
    @JSON.OrNull var definition: String?
    @JSON.OrNull var problem: String?
    let images: [String]
    @JSON.OrNull var supervision: Supervision?
    @JSON.OrNull var lastFailure: FailureReport?
    let console: [String]
    @JSON.OrNull var vmExits: Int?
    let accepted: [String]
    @JSON.OrNull var liveness: Liveness?
    let deviceFaults: [DeviceFaultReport]
    @JSON.OrNull var hint: String?
    let outdated: Bool
    let history: [Transition]
    @JSON.OrNull var started: String?

    struct Transition: Encodable {
        let at: String
        let condition: String
    }

    private let details: Manager.Details

    private enum CodingKeys: CodingKey {
        case cell, definition, problem, images, supervision, lastFailure, console, vmExits, accepted, liveness,
            deviceFaults, hint, outdated, history, started
    }

    /// - Parameter files: of its definition.
    init(_ details: Manager.Details, files: DumpFiles = DumpFiles()) {
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
            FailureReport($0, of: details.cell.name, files: files)
        }
        console = details.console
        vmExits = details.vmExits
        accepted = details.accepted ?? []
        hint = details.hint
        outdated = details.outdated ?? false
        started = Moment(known: details.started)?.rfc3339
        history = (details.history ?? []).map {
            Transition(at: Moment(microseconds: $0.at).rfc3339, condition: $0.condition)
        }
        deviceFaults = (details.deviceFaults ?? []).map(DeviceFaultReport.init)
        liveness = details.liveness.map {
            Liveness(
                kind: $0.kind, withinMicroseconds: $0.within, afterStartMicroseconds: $0.afterStart,
                restarts: $0.restarts, lastSign: Moment(known: $0.lastSign)?.rfc3339,
                silentSince: Moment(known: $0.silentSince)?.rfc3339)
        }
    }
}

extension CellReport {
    /// The report as `systemctl status` has it.
    ///
    /// - Parameter places: of this machine's bundles, if the cell is here.
    func text(
        _ style: Style, now: Moment, zone: Moment.Zone = .local, places: BundlePlaces = .elsewhere
    ) -> String {
        let condition = Condition(details.cell.condition)
        let head = style(condition.bullet, condition.paint) + " " + style(Text.printable(cell.name), .bold)
        let parts = [
            head + "\n" + properties(style, now: now, zone: zone, places).text(style, width: 12),
            failureText(style, now: now, zone: zone),
            consoleText,
        ]
        return parts.compactMap(\.self).joined(separator: "\n\n")
    }

    private func properties(
        _ style: Style, now: Moment, zone: Moment.Zone, _ places: BundlePlaces
    ) -> PropertyList {
        let condition = details.cell.condition
        var list = PropertyList()
        list.add("Definition", definition.map(places.text) ?? "none; the cell was created by another tool")
        list.add("Problem", problem.map { style(Text.printable($0), .red) })
        let since = Moment(known: details.cell.since).map { " since \($0.long(now: now, zone))" } ?? ""
        list.add("Accepted", lines: accepted.map { Text.printable($0) })
        list.add("Condition", style(Text.printable(condition), Condition(condition).paint) + since)
        list.add("Liveness", signsOfLife(now: now, zone: zone))
        list.add("Hint", lines: hint.map { style.lines(Text.printable($0), room: 14) } ?? [])
        list.add("Next start", nextStart(now: now))
        list.add(
            "State",
            cell.state.map { state in Text.printable(state) + (cell.id.map { " (id \($0))" } ?? "") }
                ?? "the cell does not exist")
        list.add("CPUs", cell.cpuText)
        list.add("Images", lines: images.map(places.text))
        list.add("Restarts", restarts)
        list.add("Shutdown", shutdown(now: now, zone: zone))
        list.add("VM exits", vmExits.map { "\($0)" })
        list.add("IOMMU faults", lines: deviceFaults.map { style($0.text(now: now, zone: zone), Condition.bad.paint) })
        return list
    }

    private func signsOfLife(now: Moment, zone: Moment.Zone) -> String? {
        guard let rule = details.liveness else { return nil }
        let last = Moment(known: rule.lastSign).map { "last sign \($0.long(now: now, zone))" } ?? "no sign yet"
        return "\(Text.printable(rule.kind)) within \(Moment.duration(rule.within)); \(last)"
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

    private func failureText(_ style: Style, now: Moment, zone: Moment.Zone) -> String? {
        lastFailure.map { "Last failure: \($0.text(style, now: now, zone: zone))" }
    }

    private var consoleText: String? {
        guard !console.isEmpty, console != details.lastFailure?.console else { return nil }
        return (["Console:"] + console.map { "  | " + Text.printable($0) }).joined(separator: "\n")
    }
}
