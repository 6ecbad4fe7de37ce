// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The commands `enable` and `disable`.
extension Machine {
    mutating func beginEnable(_ configuration: [UInt8]) -> Step {
        guard let system = try? SystemDescriptor(binary: configuration, assuming: settings.architecture),
            system.architecture == settings.architecture,
            settings.format.reads(
                system.format, hasLinks: system.rootCell.pciDevices.contains { $0.kind == .sharedMemory })
        else {
            report("enable: no system configuration of this architecture and revision")
            return .answer(.invalid)
        }
        let rootCPUs = Set(system.rootCell.cpus.members)
        guard !isEnabled else { return .answer(.busy) }
        guard hasFirmware else {
            report("enable: no firmware file")
            return .answer(.notFound)
        }
        if let last = onlineCPUs.max(), last > rootCPUs.max() ?? 0 {
            return .freeze(
                Freeze(
                    command: "enable", target: system.rootCell.name, cell: nil,
                    reason: "CPU \(last) is online and above the highest in the configuration: the others wait for it"))
        }
        if settings.traps.contains(.vhe) {
            return .freeze(
                Freeze(
                    command: "enable", target: system.rootCell.name, cell: nil,
                    reason: "Linux runs at EL2 (VHE), where the call of the hypervisor is an exception: it panics"))
        }
        return .goOn(.enabled, after: settings.timing.enable)
    }

    mutating func finishEnable(_ configuration: [UInt8]) -> Step {
        guard let system = try? SystemDescriptor(binary: configuration, assuming: settings.architecture) else {
            return .answer(.invalid)
        }
        let memory = system.hypervisorMemory
        let (end, overflow) = memory.physicalStart.addingReportingOverflow(memory.size)
        beginConsole(of: system)
        guard !overflow, memory.size > 0, settings.reservedMemory.contains(memory.physicalStart),
            end <= settings.reservedMemory.upperBound
        else {
            report("enable: Linux does not keep the hypervisor's memory free")
            console.print("The hypervisor's memory is in use")
            console.close()
            return .answer(.invalid)
        }
        guard onlineCPUs == Set(system.rootCell.cpus.members) else {
            report("enable: the configuration's CPUs are not those that are online")
            console.close()
            return .answer(.invalid)
        }
        if case .arm(let platform) = system.platform.specific, platform.gicVersion != settings.gicVersion {
            report("enable: the configuration's interrupt controller is not the machine's")
            if platform.gicVersion == 3 { console.print("GIC: No redist found for CPU\(onlineCPUs.min() ?? 0)") }
            console.close()
            return .answer(.noDevice)
        }
        if let refusal = refusal(of: system) {
            console.close()
            return .answer(refusal)
        }
        self.system = system
        lastSystem = configuration
        addCell(system.rootCell, id: 0, phase: .present)
        for device in system.rootCell.pciDevices {
            let kind = device.kind == .sharedMemory ? "virtual PCI" : "PCI"
            console.print("Adding \(kind) device \(device.address) to cell \"\(system.rootCell.name)\"")
        }
        console.print("Root cell \"\(system.rootCell.name)\" has CPUs \(system.rootCell.cpus.list)")
        printPoolUsage(after: "enabling")
        console.print("Activating hypervisor")
        report("enabled: root cell \"\(system.rootCell.name)\"")
        return .answer(nil)
    }

    private mutating func beginConsole(of system: SystemDescriptor) {
        console.open(readable: system.flags.contains(.virtualDebugConsole))
        console.print("\nInitializing Jailhouse hypervisor on CPU \(onlineCPUs.min() ?? 0)")
    }

    /// An enable that the hypervisor refuses by itself: its last words name the part that refused.
    ///
    /// - Parameter stop: nil: at the first unit.
    mutating func refuseEnable(_ configuration: [UInt8], at stop: EnableStop?) {
        guard !isEnabled, hasFirmware,
            let system = try? SystemDescriptor(binary: configuration, assuming: settings.architecture)
        else {
            return
        }
        beginConsole(of: system)
        console.print("Initializing processors:")
        let stop = stop ?? EnableStop.units(of: settings).first ?? .cpu
        for line in stop.lines(cpus: onlineCPUs.sorted(), settings) { console.print(line) }
        console.close()
    }

    /// Disable: destroys the first cell that is left, as `destroy` does.
    mutating func destroyNextCell() -> Step {
        guard let cell = cells.first(where: { !$0.isRoot }) else {
            guard let root = cells.first, root.cpus.isSubset(of: onlineCPUs) else {
                report("disable: a CPU of the root cell is offline")
                return .answer(.busy)
            }
            if let hang = hang("disable") { return .freeze(hang) }
            if let parked = root.failedCPUs.min() {
                return .freeze(
                    Freeze(
                        command: "disable", target: root.name, cell: root.id,
                        reason: "CPU \(parked) of Linux is parked and never leaves the hypervisor"))
            }
            return .goOn(.leaving, after: settings.timing.disable / 2)
        }
        return beginDestroy(.id(cell.id), in: .disable)
    }

    /// Disable: the CPUs have left the hypervisor, and `cells/0` is still there.
    func leaveHypervisor() -> Step {
        .goOn(.disabled, after: settings.timing.disable - settings.timing.disable / 2)
    }

    mutating func finishDisable() -> Step {
        // the driver waits for the reader, which is dead
        if oops != nil, current?.request == .disable { return .goOn(.stuck, after: .zero) }
        cells = []
        system = nil
        console.close()
        report("disabled")
        return .answer(nil)
    }
}
