// SPDX-License-Identifier: Apache-2.0

import FailureReports
import Hypervisor
import Supervision

/// CPUs that Linux lost: the hypervisor parks a CPU of the root cell that touches what belongs to a cell.
///
/// Learned from the hypervisor's console, which names the root cell. `cells/0/cpus_failed` may not be read: see
/// ``HypervisorView/rootCellName``.
struct LostCPUs {
    /// Ascending.
    private(set) var cpus: [Int] = []

    /// - Parameter known: what an earlier daemon learned; the console may have lost it by now. A CPU that is lost keeps
    ///   the hypervisor from being disabled, so this holds as long as it is enabled.
    init(known: [Int] = []) {
        cpus = known.sorted()
    }

    /// Why a cell must not be created, nor the hypervisor disabled, once the console shows this; nil: it may. Creating a
    /// cell takes a CPU offline, for which Linux stops all of its CPUs for a moment (`stop_machine`, kernel/cpu.c): it waits
    /// for a parked one indefinitely, and so does a disable.
    static func objection(console: String, rootCell: String) -> String? {
        let cpus = Set(ConsoleText(console).deaths.filter { $0.cell == rootCell }.map(\.cpu)).sorted()
        return cpus.isEmpty ? nil : Refusal.sentence(ofLost: cpus)
    }

    /// The hypervisor is not enabled.
    mutating func forget() { cpus = [] }

    /// - Parameter surroundings: what is known of the machine and its cells; asked for when a CPU was lost.
    /// - Returns: a message for each CPU that was not known to be lost.
    mutating func note(
        _ reading: LockedFiles.Reading, in surroundings: @autoclosure () -> Surroundings = Surroundings()
    ) -> [String] {
        guard let rootCell = reading.rootCellName else {
            cpus = []
            return []
        }
        var messages: [String] = []
        // with what has left the ring by now, and was news once
        for death in ConsoleText(reading.tail).deaths where death.cell == rootCell && !cpus.contains(death.cpu) {
            cpus = (cpus + [death.cpu]).sorted()
            let cause = death.reason.map { "the hypervisor parked it after a violation by Linux: \($0)" }
            let explanation = death.violation == nil ? nil : death.explanation(isRootCell: true, in: surroundings())
            let meaning =
                explanation.map { ". " + ([$0.summary] + $0.notes + [$0.advice]).joined(separator: " ") } ?? ""
            messages.append(
                """
                Linux lost CPU \(death.cpu): \(cause ?? "the hypervisor parked it; its reason is no longer on the console"); \
                only a reboot brings it back\(meaning)
                """)
        }
        return messages
    }
}
