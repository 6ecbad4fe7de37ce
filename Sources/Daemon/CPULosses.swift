// SPDX-License-Identifier: Apache-2.0

import FailureReports
import Hypervisor
import Supervision

/// CPUs that the hypervisor took until the next boot: of Linux, when it touched what belongs to a cell, and of whomever,
/// when the hypervisor itself failed there.
///
/// Learned from the hypervisor's console. `cells/0/cpus_failed` may not be read: see ``HypervisorView/rootCellName``; of a
/// CPU on which the hypervisor failed, sysfs shows nothing at all.
struct CPULosses {
    struct Loss: Hashable, Sendable {
        var cpu: Int
        /// Whose it was; nil: an earlier daemon knew of it, and the console does not say it any more.
        var cell: String?
        /// The hypervisor itself failed on it.
        var isStopped: Bool
        /// The console's line.
        var reason: String?
        /// What that means, and what to do.
        var meaning: String?
        /// The console's lines about it, from its reason on.
        var console: [String] = []
    }

    /// By their CPUs, ascending.
    private(set) var losses: [Loss] = [] {
        didSet { stopped = losses.filter(\.isStopped).map(\.cpu) }
    }
    /// CPUs on which the hypervisor itself failed, ascending.
    private(set) var stopped: [Int] = []

    var cpus: LostCPUs {
        LostCPUs(parked: losses.filter { !$0.isStopped }.map(\.cpu), stopped: stopped)
    }

    /// - Parameter known: what an earlier daemon learned; the console may have lost it by now. A CPU that is lost keeps
    ///   the hypervisor from being disabled, so this holds as long as it is enabled.
    init(known: LostCPUs = LostCPUs()) {
        losses =
            (known.parked.map { Loss(cpu: $0, isStopped: false) }
            + known.stopped.map { Loss(cpu: $0, isStopped: true) })
            .sorted { $0.cpu < $1.cpu }
        stopped = known.stopped
    }

    /// Why a command must not be given, once the console shows this; nil: it may.
    ///
    /// - Parameter command: nil for a disable.
    static func objection(to command: Command?, console: String, rootCell: String) -> String? {
        let deaths = ConsoleText(console).deaths
        let lost = LostCPUs(
            parked: Set(deaths.filter { $0.cell == rootCell && !$0.isStopped }.map(\.cpu)).sorted(),
            stopped: Set(deaths.filter(\.isStopped).map(\.cpu)).sorted())
        return lost.objection(to: command)
    }

    /// The hypervisor is not enabled.
    mutating func forget() { losses = [] }

    /// - Parameter surroundings: what is known of the machine and a cell; asked for when a CPU was lost.
    /// - Returns: a message for each CPU that was not known to be lost.
    mutating func note(
        _ reading: LockedFiles.Reading, in surroundings: (_ cell: String) -> Surroundings = { _ in Surroundings() }
    ) -> [String] {
        guard let rootCell = reading.rootCellName else {
            losses = []
            return []
        }
        var messages: [String] = []
        // with what has left the ring by now, and was news once
        for death in ConsoleText(reading.tail).deaths where death.isStopped || death.cell == rootCell {
            let known = losses.first { $0.cpu == death.cpu }
            guard known?.cell == nil else { continue }
            let explanation =
                death.violation == nil
                ? nil : death.explanation(isRootCell: death.cell == rootCell, in: surroundings(death.cell))
            let loss = Loss(
                cpu: death.cpu, cell: death.cell, isStopped: death.isStopped, reason: death.reason,
                meaning: explanation?.sentences,
                console: FailureRecord.lines(of: reading.tail, about: [death.cpu], of: death.cell))
            losses = (losses.filter { $0.cpu != death.cpu } + [loss]).sorted { $0.cpu < $1.cpu }
            if known == nil { messages.append(loss.message) }
        }
        return messages
    }
}

extension CPULosses.Loss {
    fileprivate var message: String {
        let meaning = meaning.map { ". " + $0 } ?? ""
        let reason = reason.map { ": " + $0 } ?? "; its reason is no longer on the console"
        if isStopped {
            return """
                the hypervisor itself failed on CPU \(cpu) of cell "\(cell ?? "")"\(reason). Only a reset brings it back. No \
                command is given any more, since Linux would wait for that CPU indefinitely: save your work and reset the \
                machine\(meaning)
                """
        }
        return """
            Linux lost CPU \(cpu): the hypervisor parked it after a violation by Linux\(reason); only a reboot brings it \
            back\(meaning)
            """
    }
}
