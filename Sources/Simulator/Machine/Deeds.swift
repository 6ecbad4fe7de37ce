// SPDX-License-Identifier: Apache-2.0

/// A command that has been answered, and what it did to inmates that were well: the truth, which Linux cannot see.
package struct Deed: Hashable, Sendable {
    /// An inmate that was executing and healthy, and was stopped or reset by the command.
    package struct Harm: Hashable, Sendable {
        package var cell: String
        /// Nothing had happened to it since then.
        package var quietSince: Duration
    }

    package var id: RequestID
    /// When the client gave it.
    package var submitted: Duration
    /// When it got the driver's lock.
    package var begun: Duration
    package var ended: Duration
    package var command: String
    /// The cell that it was for.
    package var cell: String?
    /// What was answered; nil: 0.
    package var refusal: Refusal?
    package var harms: [Harm]
}

extension Deed: CustomStringConvertible {
    package var description: String {
        let target = cell.map { " \"\($0)\"" } ?? ""
        let answer = refusal?.name ?? "0"
        let harm = harms.isEmpty ? "" : ", which harmed \(harms.map(\.cell).joined(separator: ", "))"
        return "\(command)\(target) → \(answer)\(harm)"
    }
}

extension Machine {
    /// How a healthy inmate was before a step of a command.
    struct Healthy: Hashable, Sendable {
        var name: String
        var incarnation: UInt64
        var starts: Int
        var quietSince: Duration
    }

    var healthyCells: [Healthy] {
        cells.filter { !$0.isRoot && $0.isHealthy }
            .map { Healthy(name: $0.name, incarnation: $0.incarnation, starts: $0.starts, quietSince: $0.quietSince) }
    }

    /// Which of the cells have been stopped or restarted since.
    func harms(since before: [Healthy]) -> [Deed.Harm] {
        before.filter { old in
            !cells.contains { $0.incarnation == old.incarnation && $0.starts == old.starts && $0.isAlive }
        }.map { Deed.Harm(cell: $0.name, quietSince: $0.quietSince) }
    }

    /// The commands of the device's clients that have been answered since the last time, oldest first; the last 10,000 of them.
    package mutating func takeDeeds() -> [Deed] {
        defer { deeds = [] }
        return deeds
    }

    mutating func note(_ execution: Execution, _ refusal: Refusal?) {
        // of another tool, or of the driver at a reboot
        guard ownRequests[execution.id] == nil else { return }
        if deeds.count >= 10_000 { deeds.removeFirst(5_000) }
        deeds.append(
            Deed(
                id: execution.id, submitted: execution.submitted, begun: execution.begun, ended: now,
                command: execution.request.command, cell: execution.target, refusal: refusal,
                harms: execution.harms))
    }
}
