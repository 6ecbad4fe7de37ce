// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface
package import CellConfiguration
import CellMachine

/// A cell as driver and hypervisor see it together.
package struct Cell: Sendable {
    package enum Phase: Hashable, Sendable {
        /// The driver knows it, the hypervisor does not yet.
        case beingCreated
        case present
        /// The hypervisor has forgotten it, the driver not yet.
        case beingDestroyed
    }

    /// The lowest free number at its create; 0 is the root cell.
    package let id: Int
    /// Distinguishes cells of one id.
    package let incarnation: UInt64
    package let descriptor: CellDescriptor
    package internal(set) var cpus: Set<Int>
    package internal(set) var failedCPUs: Set<Int> = []
    package internal(set) var phase: Phase
    /// The word in the communication region.
    package internal(set) var commState: CellState.Word
    /// What the machine counts itself; ``counted`` comes on top.
    package internal(set) var exits: [Int: ExitStatistics]
    /// What was counted where the inmate executes.
    var counted: [Int: ExitStatistics] = [:]
    var program: any CellProgram

    /// Whether an image was loaded since the last start: else the inmate's RAM is dirty, and it does not come up.
    var isFresh = false
    /// Set by ``Fault/loseNextStart``.
    var losesNextStart = false
    /// When the cell is safe to start after its last load.
    var settledAt: Duration = .zero
    /// Management exits that will be counted soon: see ``Timing/noticing``.
    var unnoticed: [Notice] = []
    /// When something last happened to it (a start, a fault, a message, another tool), as sysfs shows it.
    package internal(set) var quietSince: Duration = .zero
    /// CPUs on which the hypervisor itself failed: sysfs does not show it, and they answer nothing any more.
    package internal(set) var stoppedCPUs: Set<Int> = []
    /// Whether another tool made it, and no client of the device has started it since.
    package internal(set) var isOtherTools = false
    package internal(set) var starts = 0
    package internal(set) var lostStarts = 0
    /// Whether the last start found what an earlier one had left of the program.
    package internal(set) var startedWithoutLoad = false

    struct Notice: Sendable {
        var at: Duration
        var cpu: Int
    }

    package var name: String { descriptor.name }
    package var isRoot: Bool { id == 0 }

    /// As `state` says it: the hypervisor knows nothing of a cell that comes or goes.
    package var state: CellState.Word { phase == .present ? commState : .invalid }

    /// Whether an inmate executes: not so after a lost start, or after one without a load.
    package var isAlive: Bool { program.isAlive }

    /// Whether an inmate executes that nothing is wrong with.
    package var isHealthy: Bool {
        program.isHealthy && failedCPUs.isEmpty && (commState == .running || commState == .runningLocked)
    }

    func statistics(of cpu: Int) -> ExitStatistics {
        exits[cpu, default: ExitStatistics()] + counted[cpu, default: ExitStatistics()]
    }

    var statistics: ExitStatistics { cpus.map(statistics(of:)).reduce(ExitStatistics(), +) }

    mutating func count(_ reason: ExitReason, on cpu: Int) {
        exits[cpu, default: ExitStatistics()].count(reason)
    }

    /// Counts the management exits that are due.
    mutating func notice(until now: Duration) {
        for notice in unnoticed where notice.at <= now { count(.management, on: notice.cpu) }
        unnoticed.removeAll { $0.at <= now }
    }
}
