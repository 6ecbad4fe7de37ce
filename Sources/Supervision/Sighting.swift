// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface

/// What one look at the hypervisor showed of one cell.
package enum Sighting: Hashable, Sendable {
    /// The hypervisor is not enabled (or its driver is not there): no cell can exist.
    case disabled
    /// The hypervisor runs and has no cell of this name.
    case absent
    case present(Observation)

    package var observation: Observation? {
        if case .present(let observation) = self { observation } else { nil }
    }
}

/// A cell as sysfs shows it.
package struct Observation: Hashable, Sendable {
    /// The hypervisor's number for the cell. Numbers are used again: a cell is known by its number *and* name.
    package var id: Int
    /// Distinguishes this cell from another that had the same name and number before: of the directory in sysfs, whose number the
    /// kernel never gives again in practice; nil when it is not known.
    package var incarnation: UInt64?
    package var state: CellState
    /// CPUs that are parked after a violation, ascending.
    package var failedCPUs: [Int]
    /// CPUs of the cell on which the hypervisor itself failed, ascending. Learned from its console: sysfs does not show it,
    /// and `state` goes on saying what it said.
    package var stoppedCPUs: [Int] = []
    /// `vmexits_management` of each of the cell's CPUs, in the order of the CPUs; nil when it was not read.
    package var managementExits: [UInt64]?
    /// `vmexits_total` of the cell; nil when it was not read.
    package var totalExits: UInt64?

    package init(
        id: Int, incarnation: UInt64? = nil, state: CellState, failedCPUs: [Int] = [], managementExits: [UInt64]? = nil,
        totalExits: UInt64? = nil
    ) {
        self.id = id
        self.incarnation = incarnation
        self.state = state
        self.failedCPUs = failedCPUs
        self.managementExits = managementExits
        self.totalExits = totalExits
    }
}

extension Observation {
    /// Whether it says that it runs although the hypervisor itself failed on a CPU of it: nothing can restart it before the
    /// next boot.
    var isAbandoned: Bool { state.isRunning && !stoppedCPUs.isEmpty }

    /// CPUs that execute nothing any more, for either reason; ascending.
    package var lostCPUs: [Int] {
        stoppedCPUs.isEmpty ? failedCPUs : Set(failedCPUs).union(stoppedCPUs).sorted()
    }

    /// Whether both are of one cell, and not of one that took its place; as far as that can be known.
    package func isSameCell(as other: Observation) -> Bool {
        id == other.id && (incarnation == other.incarnation || incarnation == nil || other.incarnation == nil)
    }
}

/// Which statistics the next look should include; each costs reads, so none is taken without need.
package struct Curiosity: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// ``Observation/managementExits``
    package static let managementExits = Curiosity(rawValue: 1)
    /// ``Observation/totalExits``
    package static let totalExits = Curiosity(rawValue: 2)
}
