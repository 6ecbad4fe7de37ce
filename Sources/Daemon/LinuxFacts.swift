// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import FailureReports
import Hypervisor
import Synchronization

/// What Linux says of the devices that it uses, for the report of a CPU of Linux that the hypervisor parked.
struct LinuxFacts: Sendable {
    var machine: RunningMachine?
    var drivers: [String: String] = [:]

    /// Reads them when the console names such a CPU, once for each text: on a thread that may hang, because the parked CPU
    /// may have held a lock of the kernel's.
    final class Reader: Sendable {
        private let files: MachineFiles?
        private let latest = Mutex<(console: String, facts: LinuxFacts)?>(nil)

        init(_ files: MachineFiles?) { self.files = files }

        /// Empty when nothing asks for them.
        func facts(for reading: LockedFiles.Reading) -> LinuxFacts {
            guard let files, let root = reading.rootCellName,
                reading.tail.contains("(Cell: \"\(root)\")") || reading.tail.contains("IOMMU")
            else { return LinuxFacts() }
            return latest.withLock { latest in
                if let latest, latest.console == reading.tail { return latest.facts }
                let facts = LinuxFacts(machine: try? files.machine(), drivers: files.pciDrivers())
                latest = (reading.tail, facts)
                return facts
            }
        }
    }
}
