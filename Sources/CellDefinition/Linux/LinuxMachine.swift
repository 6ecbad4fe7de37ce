// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules

/// What Linux in a cell must know of the machine, from its system configuration.
package struct LinuxMachine: Hashable, Sendable {
    package var platform: Platform
    /// How many CPUs the system has: on Arm each has registers of the interrupt controller.
    package var cpuCount: Int
    /// See ``RunningMachine/affinities``; empty where the machine is not known, or has none.
    package var affinities: [Int: UInt64] = [:]
    /// The interrupts of its devices, by the address of their registers, as its device tree or the system configuration has
    /// them.
    package var deviceInterrupts: [UInt64: UInt32] = [:]

    package init(_ system: SystemDescriptor) {
        platform = system.platform
        cpuCount = system.rootCell.cpus.members.count
        deviceInterrupts = system.knownInterrupts
    }

    /// Those of a cell's processors, in their order; nil: it is no Arm machine.
    func affinities(of cpus: CPUSet) -> [UInt64]? {
        guard case .arm(let platform) = platform.specific else { return nil }
        let known = cpus.members.compactMap { affinities[$0] }
        return known.count == cpus.members.count ? known : LinuxStart.usualAffinities(of: cpus, platform)
    }
}

extension CellDefinition {
    /// Whether Linux is to run in it.
    package var isLinux: Bool { images.contains { $0.linux != nil } }

    /// Whether a Linux in it may print on the hypervisor's console.
    package var printsLinux: Bool {
        isLinux && !descriptor.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
    }

    /// Whether a Linux in it is told to print on the hypervisor's console.
    package var namesHypervisorConsole: Bool {
        let words = images.compactMap(\.linux).flatMap { $0.commandLine.split(separator: " ") }
        return words.contains {
            $0 == "earlycon=jailhouse" || $0 == "console=jailhouse" || $0.hasPrefix("console=jailhouse,")
        }
    }

    /// The same, to run in a system, if that is known: what Linux is told of the machine follows from it.
    ///
    /// - Parameter running: the machine itself, if that is known.
    package func placed(in system: SystemDescriptor?, on running: RunningMachine? = nil) -> CellDefinition {
        guard let system else { return self }
        var definition = self
        if descriptor.isArchitectureGuessed {
            // the file does not say it: the system beside it does
            definition.descriptor.architecture = system.architecture
            definition.descriptor.isArchitectureGuessed = system.rootCell.isArchitectureGuessed
        }
        if isLinux {
            definition.machine = LinuxMachine(system)
            definition.machine?.affinities = running?.affinities ?? [:]
            // what the machine says counts more than what somebody wrote
            definition.machine?.deviceInterrupts.merge(running?.sharedInterrupts ?? [:]) { $1 }
        }
        return definition
    }
}

extension SystemDescriptor {
    /// That of its serial port, by the address of its registers.
    var knownInterrupts: [UInt64: UInt32] {
        consoleInterrupt < SerialInterrupt.firstShared ? [:] : [debugConsole.address: consoleInterrupt]
    }
}

extension RunningMachine {
    /// The first interrupt that CPUs share of each device of the device tree, by the address of its registers, as the interrupt
    /// controller counts.
    package var sharedInterrupts: [UInt64: UInt32] {
        let found = devices.compactMap { device in
            device.pins.first { $0 >= Int(SerialInterrupt.firstShared) }.map { (device.address, UInt32($0)) }
        }
        return Dictionary(found) { first, _ in first }
    }
}
