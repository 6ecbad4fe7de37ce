// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import FoundationEssentials

/// How a machine is, for people and scripts: `jailhouse-sim state`.
package struct MachineReport: Codable, Hashable, Sendable {
    package struct Cell: Codable, Hashable, Sendable {
        package var id: Int
        package var name: String
        /// The text of `state` in sysfs.
        package var state: String
        package var cpus: [Int]
        package var failedCPUs: [Int]
        /// What Linux cannot see: whether an inmate executes.
        package var executes: Bool
        package var starts: Int
        package var lostStarts: Int
    }

    package var enabled: Bool
    /// Why the machine hangs; nil: it does not.
    package var frozen: String?
    /// What killed a reader of sysfs, and holds up the driver; nil: nothing.
    package var oopsed: String?
    /// Milliseconds since it was switched on.
    package var uptime: Int
    package var onlineCPUs: [Int]
    package var cells: [Cell]
    /// What is wrong besides what happens in cells, a sentence each.
    package var faults: [String]

    package init(_ machine: Machine, programFaults: [ProgramFault] = []) {
        faults = machine.faults.descriptions + programFaults.map { "program: \($0)" }
        enabled = machine.isEnabled
        frozen = machine.freeze.map(\.description)
        oopsed = machine.oops.map(\.description)
        let (seconds, attoseconds) = machine.now.components
        uptime = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        onlineCPUs = machine.onlineCPUs.sorted()
        cells = machine.cells.map {
            Cell(
                id: $0.id, name: RawText.escaped($0.name), state: $0.state.text, cpus: $0.cpus.sorted(),
                failedCPUs: $0.failedCPUs.sorted(), executes: $0.isRoot || $0.isAlive, starts: $0.starts,
                lostStarts: $0.lostStarts)
        }
    }
}

extension MachineReport {
    /// As one JSON object with sorted keys.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
