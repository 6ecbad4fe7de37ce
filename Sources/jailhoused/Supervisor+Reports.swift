import ControlInterface
import Hypervisor
import JailhouseInterface
import Logging
import Supervision

extension Supervisor {
    /// Puts what happened into the journal and tells whoever watches.
    func tell(_ report: Report, of name: String) {
        guard let cell = cells[name] else { return }
        var metadata: Logger.Metadata = ["cell": "\(name)", "condition": "\(cell.lifecycle.condition.rawValue)"]
        if let observation = cell.lifecycle.sighting?.observation {
            metadata["state"] = "\(observation.state.rawValue)"
            metadata["id"] = "\(observation.id)"
        }
        var sentence = report.sentence
        if case .failed = report, let reason = cell.failures.last?.reason { sentence = reason }
        logger.log(level: report.level, "\(name): \(sentence)", metadata: metadata)
        if case .failed = report {
            for line in cell.failures.last?.console ?? [] {
                logger.info("\(name): console: \(line)", metadata: ["cell": "\(name)"])
            }
        }
        var previous: String?
        if case .conditionChanged(let from, _) = report { previous = from.rawValue }
        watchers.tell(
            Manager.Change(
                at: Clock.realTime(), kind: report.kind, cell: cell.onWire, previous: previous,
                message: sentence, missed: 0))
    }

    /// One line for `systemctl status`, such as `2 cells running, 1 failed`.
    var summary: String {
        guard view.hasDriver else { return "no driver: /dev/jailhouse is not there" }
        guard view.isEnabled else { return "hypervisor disabled" }
        var counts: [Condition: Int] = [:]
        for cell in cells.values { counts[cell.lifecycle.condition, default: 0] += 1 }
        let present = Condition.allCases.filter { $0 != .absent }.compactMap { condition in
            counts[condition].map { (count: $0, word: condition.rawValue) }
        }
        guard let first = present.first else { return "hypervisor enabled, no cells" }
        let words = ["\(first.count) \(first.count == 1 ? "cell" : "cells") \(first.word)"]
        return (words + present.dropFirst().map { "\($0.count) \($0.word)" }).joined(separator: ", ")
    }

    /// What changed of the machine itself.
    func noteMachine() {
        if wasEnabled != view.isEnabled {
            if wasEnabled != nil || view.isEnabled {
                logger.notice("the hypervisor is \(view.isEnabled ? "enabled" : "disabled")")
            }
            wasEnabled = view.isEnabled
            hasNews = true
        }
        let failed = view.rootCell?.observation.failedCPUs ?? []
        if failed != failedRootCPUs {
            failedRootCPUs = failed
            if !failed.isEmpty {
                logger.critical(
                    """
                    Linux lost CPU \(failed.map(String.init).joined(separator: ", ")): a driver touched what a cell \
                    owns; the hypervisor's console tells where
                    """)
            }
        }
    }
}

extension Report {
    /// The word in a change's `kind`.
    var kind: String {
        switch self {
        case .conditionChanged(_, .absent): "gone"
        case .conditionChanged: "condition"
        case .adopted: "adopted"
        case .failed: "failure"
        case .restarting: "restarting"
        case .gaveUp: "gave-up"
        case .lostStart: "lost-start"
        case .recreating: "recreating"
        case .shutdownAnswered: "shutdown"
        case .cpusFailed: "cpus-failed"
        case .replaced: "replaced"
        }
    }

    var level: Logger.Level {
        switch self {
        case .conditionChanged, .adopted, .shutdownAnswered(.approved), .shutdownAnswered(.notAsked): .info
        case .restarting, .replaced, .shutdownAnswered: .notice
        case .recreating, .lostStart, .cpusFailed: .warning
        case .failed, .gaveUp: .error
        }
    }

    /// For people.
    var sentence: String {
        switch self {
        case .conditionChanged(let from, let to): "\(from.rawValue) → \(to.rawValue)"
        case .adopted(let state): "found \(state.rawValue), and left as it is"
        case .failed(let cause): "\(cause)"
        case .restarting(let delay, let attempt, let limit):
            "restarting \(delay == .zero ? "at once" : "in \(delay)") (attempt \(attempt) of \(limit))"
        case .gaveUp(let attempts, let within):
            "failed again after \(attempts) restarts within \(within): given up until somebody starts it"
        case .lostStart(let attempt):
            "the hypervisor lost its start (no CPU of it ran): starting again, repetition \(attempt)"
        case .recreating(let refusal): "destroying and creating it anew, since load was refused: \(refusal.message)"
        case .shutdownAnswered(.approved): "the inmate approved the shutdown request"
        case .shutdownAnswered(.denied): "the inmate denied the shutdown request"
        case .shutdownAnswered(.timedOut):
            "the inmate did not answer the shutdown request in time; Linux stood still meanwhile"
        case .shutdownAnswered(.notAsked): "stopped without being asked"
        case .cpusFailed(let cpus):
            "CPU \(cpus.map(String.init).joined(separator: ", ")) failed; the cell goes on without"
        case .replaced(let id): "another cell of this name stands there now, with id \(id)"
        }
    }
}
