// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ControlInterface
import JailhouseInterface
import Logging
import Supervision
import SystemdSupport

/// Reports to the journal and to watchers.
struct Journal {
    let logger: Logger
    var watchers = Watchers()

    init(logger: Logger) {
        self.logger = logger
    }

    /// Puts what happened to a cell into the journal and notifies the watchers.
    mutating func tell(_ report: Report, of cell: ShownCell) {
        let name = cell.managed.name
        let failure = cell.managed.failures.last
        var metadata: Logger.Metadata = ["cell": "\(name)", "condition": "\(cell.lifecycle.condition.rawValue)"]
        if let observation = cell.lifecycle.sighting?.observation {
            metadata["state"] = "\(observation.state.rawValue)"
            metadata["id"] = "\(observation.id)"
        }
        var sentence = report.sentence
        if case .failed = report, let reason = failure?.reason { sentence = reason }
        if case .silent = report, let silence = failure?.silence { sentence += "; \(silence)" }
        if case .shutdownAnswered(.timedOut) = report, let stall = cell.lifecycle.memory.lastStall {
            sentence += " for \(stall.inWords)"
        }
        logger.record(report.messageKind, "\(name): \(sentence)", metadata: metadata)
        if case .failed = report {
            for line in failure?.console ?? [] {
                logger.record(.cellConsole, "\(name): console: \(line)", metadata: ["cell": "\(name)"])
            }
        }
        watchers.tell(Manager.Change(report, of: cell, message: sentence))
    }

    /// What is wrong with the configuration.
    func tell(_ loaded: LoadedDefinitions) {
        for problem in loaded.problems {
            logger.record(
                .definitionInvalid, "\(problem.message)", metadata: problem.cell.map { ["cell": "\($0)"] } ?? [:])
        }
        for warning in loaded.warnings { logger.record(.definitionWarning, "\(warning)") }
    }

    /// Cells are judged without knowing what the hypervisor was enabled with.
    func tellUnknownSystem(_ configured: SystemSource?) {
        let basis = configured.map { "the configured one, \($0.path)" } ?? "none, because none is configured"
        logger.record(
            .definitionWarning,
            """
            it is not known with which system configuration the hypervisor was enabled (by another program, or by an \
            earlier version of the daemon): new cells are checked against \(basis)
            """)
    }

    /// What happened to the machine.
    ///
    /// - Parameter sentence: of a failure.
    func tell(_ report: MachineReport, _ sentence: (FleetFailure) -> String) {
        switch report {
        case .seen(let isEnabled):
            logger.record(.hypervisorSeen, "the hypervisor is \(isEnabled ? "enabled" : "disabled")")
        case .enabled(let system, let despite):
            if let despite {
                logger.record(.hypervisorDespite, "\(despite.message); nevertheless the hypervisor is enabled")
            }
            logger.record(.hypervisorEnabled, "enabled the hypervisor with \(system.path)")
        case .disabled(let despite):
            if let despite {
                logger.record(.hypervisorDespite, "\(despite.message); nevertheless the hypervisor is disabled")
            }
            logger.record(.hypervisorDisabled, "disabled the hypervisor")
        case .notEnabled(let failure, _, let retry):
            logger.record(.hypervisorNotEnabled, "\(sentence(failure))\(retry.map { "; retrying in \($0)" } ?? "")")
        case .waits(let name, let reason): logger.record(.cellWaits, "\(name) \(reason)", metadata: ["cell": "\(name)"])
        }
    }
}

extension Fleet {
    /// One line for `systemctl status`, such as `2 cells running, 1 failed`.
    var summary: String {
        guard hasDriver else { return "no driver: /dev/jailhouse does not exist" }
        guard isEnabled else { return "hypervisor disabled" }
        var counts: [Condition: Int] = [:]
        for cell in cells.values { counts[cell.lifecycle.condition, default: 0] += 1 }
        if !nameless.isEmpty { counts[.foreign, default: 0] += nameless.count }
        let present = Condition.allCases.filter { $0 != .absent }.compactMap { condition in
            counts[condition].map { (count: $0, word: condition.rawValue) }
        }
        guard let first = present.first else { return "hypervisor enabled, no cells" }
        let words = ["\(first.count) \(first.count == 1 ? "cell" : "cells") \(first.word)"]
        return (words + present.dropFirst().map { "\($0.count) \($0.word)" }).joined(separator: ", ")
    }
}
