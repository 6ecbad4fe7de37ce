// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import FailureReports

extension Surroundings {
    /// What the daemon knows of what died on this machine; the commands know the same: `DumpFiles`.
    ///
    /// - Parameters:
    ///   - name: the cell's; nil, or a name that no cell has: Linux.
    ///   - cells: those that exist, as they were created.
    ///   - system: with which the hypervisor is enabled; nil: it is not known.
    init(of name: String?, cells: [CellDefinition], system: SystemSource?, _ linux: LinuxFacts) {
        let own = cells.first { $0.name == name }
        self.init(
            cell: own?.descriptor, system: system?.descriptor,
            others: cells.filter { $0.name != own?.name }.map(\.descriptor), machine: linux.machine,
            isRTEMS: own?.images.contains { $0.kind == .rtems } ?? false, drivers: linux.drivers)
        isLinux = own?.images.contains { $0.linux != nil } ?? false
        take(
            DefinitionSet(cells).findings(
                about: own, system: system.map { ($0.path, $0.descriptor) }, on: linux.machine))
    }
}

extension Explanation {
    /// All of it but the entry, for the journal and the state of the machine.
    var sentences: String {
        let rule = rule.map { ["Rule \($0) of 'jailhouse-ctl check' says so."] } ?? []
        return ([summary] + notes + [advice] + rule).joined(separator: " ")
    }
}
