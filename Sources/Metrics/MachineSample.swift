// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// What the daemon reports of the machine and all cells at one moment.
package struct MachineSample: Hashable, Sendable {
    package struct Cell: Hashable, Sendable {
        package var details: Manager.Details
        /// Empty while the cell does not exist.
        package var statistics: [Manager.Statistic]
        /// The latest last.
        package var failures: [Manager.Failure]

        package init(
            details: Manager.Details, statistics: [Manager.Statistic] = [], failures: [Manager.Failure] = []
        ) {
            self.details = details
            self.statistics = statistics
            self.failures = failures
        }
    }

    package var machine: Manager.Machine
    package var cells: [Cell]

    package init(machine: Manager.Machine, cells: [Cell]) {
        self.machine = machine
        self.cells = cells
    }

    /// Asks the daemon over one connection. A cell that vanishes meanwhile is left out.
    package init(_ client: ControlClient) throws(ControlError) {
        let list = try client.call(Manager.List.self)
        machine = list.machine
        cells = []
        for cell in list.cells {
            do throws(ControlError) {
                let about = Manager.OneCell(cell: cell.name)
                var one = Cell(details: try client.call(Manager.Describe.self, about).details)
                if cell.id != nil {
                    one.statistics = try client.call(Manager.Statistics.self, about).statistics
                }
                one.failures = try client.call(Manager.Failures.self, about).failures
                cells.append(one)
            } catch {
                // it was forgotten meanwhile, or its name is no text
                guard case .manager = error else { throw error }
            }
        }
    }
}
