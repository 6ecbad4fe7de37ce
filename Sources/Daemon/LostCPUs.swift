// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Logging
import NIOCore
import Supervision

/// CPUs that Linux lost: the hypervisor parks a CPU of the root cell that touches what belongs to a cell.
///
/// Learned from the hypervisor's console, which names the root cell. `cells/0/cpus_failed` may not be read: see
/// ``HypervisorView/rootCellName``.
struct LostCPUs {
    /// Ascending.
    private(set) var cpus: [Int] = []

    /// - Returns: a message for each CPU that was not known to be lost.
    mutating func note(_ reading: LockedFiles.Reading) -> [String] {
        guard let rootCell = reading.rootCellName else {
            cpus = []
            return []
        }
        var messages: [String] = []
        for (cpu, reason) in HypervisorConsole.parkedCPUs(ofCell: rootCell, in: reading.console)
        where !cpus.contains(cpu) {
            cpus = (cpus + [cpu]).sorted()
            let cause = reason.map { "the hypervisor parked it after a violation by Linux: \($0)" }
            messages.append(
                """
                Linux lost CPU \(cpu): \(cause ?? "the hypervisor parked it; its reason is no longer on the console"); \
                only a reboot brings it back
                """)
        }
        return messages
    }
}

extension Supervisor {
    /// Starts the thread that reads what takes the driver's lock.
    func watchLockedFiles() throws(StartError) {
        do {
            lockedFiles = try LockedFiles(directory: hypervisor.sysfs) { [weak self] reading in
                guard let self else { return }
                eventLoop.execute { self.assumeIsolated { $0.note(reading) } }
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    private func note(_ reading: LockedFiles.Reading) {
        guard !fleet.isEnding else { return }
        for message in lostCPUs.note(reading) { logger.critical("\(message)") }
    }
}
