import CellConfiguration

/// The commands `enable` and `disable`.
extension Machine {
    mutating func beginEnable(_ configuration: [UInt8]) -> Step {
        guard let system = try? SystemDescriptor(binary: configuration), system.architecture == .x86,
            system.revision == Machine.revision
        else {
            report("enable: no system configuration of this architecture and revision")
            return .answer(.invalid)
        }
        let rootCPUs = Set(system.rootCell.cpus.members)
        guard !isEnabled else { return .answer(.busy) }
        guard rootCPUs.isSubset(of: onlineCPUs), onlineCPUs.count == settings.cpus else {
            report("enable: a CPU is offline")
            return .answer(.busy)
        }
        guard hasFirmware else {
            report("enable: no firmware file")
            return .answer(.notFound)
        }
        return .goOn(.enabled, after: settings.timing.enable)
    }

    mutating func finishEnable(_ configuration: [UInt8]) -> Step {
        guard let system = try? SystemDescriptor(binary: configuration) else { return .answer(.invalid) }
        let memory = system.hypervisorMemory
        let (end, overflow) = memory.physicalStart.addingReportingOverflow(memory.size)
        console.open(readable: system.flags.contains(.virtualDebugConsole))
        guard !overflow, memory.size > 0, settings.reservedMemory.contains(memory.physicalStart),
            end <= settings.reservedMemory.upperBound
        else {
            report("enable: Linux does not keep the hypervisor's memory free")
            console.print("The hypervisor's memory is in use")
            console.close()
            return .answer(.invalid)
        }
        guard onlineCPUs.isSubset(of: Set(system.rootCell.cpus.members)) else {
            report("enable: a CPU of this machine is not the root cell's")
            console.print("FATAL: a CPU is not in the configuration")
            console.close()
            return .answer(.invalid)
        }
        self.system = system
        lastSystem = configuration
        addCell(system.rootCell, id: 0, phase: .present)
        console.print("Root cell \"\(system.rootCell.name)\" has CPUs \(system.rootCell.cpus.list)")
        printPoolUsage(after: "enabling")
        report("enabled: root cell \"\(system.rootCell.name)\"")
        return .answer(nil)
    }

    /// Disable: destroys the first cell that is left, as `destroy` does.
    mutating func destroyNextCell() -> Step {
        guard let cell = cells.first(where: { !$0.isRoot }) else {
            guard let root = cells.first, root.cpus.isSubset(of: onlineCPUs) else {
                report("disable: a CPU of the root cell is offline")
                return .answer(.busy)
            }
            return .goOn(.disabled, after: settings.timing.disable)
        }
        return beginDestroy(.id(cell.id), in: .disable)
    }

    mutating func finishDisable() -> Step {
        cells = []
        system = nil
        console.close()
        report("disabled")
        return .answer(nil)
    }
}
