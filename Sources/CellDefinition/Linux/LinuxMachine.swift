// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What Linux in a cell must know of the machine, from its system configuration.
package struct LinuxMachine: Hashable, Sendable {
    package var platform: Platform
    /// How many CPUs the system has: on Arm each has registers of the interrupt controller.
    package var cpuCount: Int

    package init(_ system: SystemDescriptor) {
        platform = system.platform
        cpuCount = system.rootCell.cpus.members.count
    }
}

extension CellDefinition {
    /// Whether Linux is to run in it.
    package var isLinux: Bool { images.contains { $0.linux != nil } }

    /// Whether a Linux in it may print on the hypervisor's console.
    package var printsLinux: Bool {
        isLinux && !descriptor.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
    }

    /// The same, to run in a system, if that is known: what Linux is told of the machine follows from it.
    package func placed(in system: SystemDescriptor?) -> CellDefinition {
        guard let system else { return self }
        var definition = self
        if descriptor.isArchitectureGuessed {
            // the file does not say it: the system beside it does
            definition.descriptor.architecture = system.architecture
            definition.descriptor.isArchitectureGuessed = system.rootCell.isArchitectureGuessed
        }
        if isLinux { definition.machine = LinuxMachine(system) }
        return definition
    }
}
