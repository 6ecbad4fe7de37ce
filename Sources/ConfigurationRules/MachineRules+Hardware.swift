// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// What the machine has, against what configurations say of it.

extension MachineRules {
    static let architecture = Rule<Subject>(
        id: "JH1316", severity: .warning, title: "the machine has the architecture of its configuration",
        consequence:
            "the configuration was not compared with this machine; the hypervisor would refuse it here with EINVAL",
        remedy: "check it on the machine that it is for, or with --root on a copy of that machine's /proc and /sys"
    ) { subject in
        guard subject.isForAnotherMachine, let architecture = subject.architecture else { return [] }
        let place = subject.system == nil ? (subject.cells.first?.path, "cell") : (subject.systemPath, "system")
        return [
            .init(
                location: place.1 + ".architecture",
                message: "the configuration is for \(architecture.name), this machine is "
                    + (architecture == .x86 ? "an Arm board" : "a PC (x86)"),
                path: place.0)
        ]
    }

    static let onlineCPUs = Rule<Subject>(
        id: "JH1306", severity: .error, title: "the system's CPUs are those that are online",
        consequence:
            "when a CPU above the system's highest one is online, enabling hangs the machine; when a listed one is "
            + "offline, it fails with EINVAL",
        remedy: "list the online CPUs in \"cpus\" of [root-cell], or bring the others online or offline first"
    ) { subject in
        guard let system = subject.system, let online = subject.machine.onlineCPUs, !online.isEmpty,
            system.rootCell.cpus.members != online.members
        else { return [] }
        return [
            .init(
                location: "root-cell.cpus",
                message: "the system has the CPUs \(system.rootCell.cpus.list), but online are \(online.list)",
                path: subject.systemPath)
        ]
    }

    static let remappingUnits = Rule<Subject>(
        id: "JH1319", severity: .error, title: "an Intel machine's VT-d is in its system configuration",
        consequence:
            "the hypervisor refuses a system without any unit on Intel's processors with EINVAL: enabling fails",
        remedy:
            "add the units of the ACPI table DMAR ('jailhouse-ctl probe' reads it); a machine without that table has VT-d switched "
            + "off in its firmware's setup, or cannot run the hypervisor"
    ) { subject in
        // the simulated machine shows the processors of the machine underneath
        guard let system = subject.system, system.architecture == .x86, subject.machine.hasIntelProcessors,
            !subject.machine.isSimulated, system.platform.iommuUnits.isEmpty
        else { return [] }
        return [
            .init(
                location: "system", message: "the processors are Intel's, and the system has no [[iommu]]",
                path: subject.systemPath)
        ]
    }

    static let deviceTranslation = Rule<Subject>(
        id: "JH1320", severity: .error, title: "Linux leaves VT-d to the hypervisor",
        consequence: "while VT-d translates devices' addresses for Linux, enabling fails with EBUSY",
        remedy: "boot Linux with intel_iommu=off"
    ) { subject in
        guard let system = subject.system, subject.machine.translatesByVTD, !subject.machine.isSimulated,
            system.platform.iommuUnits.contains(where: { $0.kind == .intel })
        else { return [] }
        return [
            .init(
                location: "system", message: "Linux was booted with intel_iommu=on", path: subject.systemPath)
        ]
    }

    static let missingMemory = Rule<Subject>(
        id: "JH1307", severity: .warning, title: "the machine has the memory of hypervisor and cells",
        consequence: "the program in the cell, or the hypervisor, reads ones and loses what it writes",
        remedy:
            "use addresses of RAM: lines \"System RAM\" of /proc/iomem, before it was reserved; device windows and what the "
            + "firmware has \"Reserved\" are none",
        isSaidOnce: true
    ) { subject in
        let memory = subject.machine.memory
        // a line for all addresses says nothing
        guard !subject.machine.hidesAddresses, !memory.isEmpty, memory.allSatisfy({ $0.range != nil }) else {
            return []
        }
        guard let present = subject.machine.presentMemory(isPC: subject.architecture == .x86) else { return [] }
        return memoryOfPrograms(subject).filter { !$0.range.isCovered(by: present) }.map {
            .init(
                location: $0.location,
                message: "\($0.name) (physical \($0.range.text)) is not in memory that the machine has", path: $0.path)
        }
    }

    /// The RAM of hypervisor and cells.
    private static func memoryOfPrograms(
        _ subject: Subject
    ) -> [(name: String, range: AddressRange, location: String, path: String?)] {
        var found: [(name: String, range: AddressRange, location: String, path: String?)] = []
        if let range = subject.system?.hypervisorMemory.physicalRange {
            found.append(("the hypervisor's memory", range, "hypervisor-memory", subject.systemPath))
        }
        for member in subject.cells {
            for (location, region) in MemoryRules.regions(of: member.cell)
            where !region.flags.isDisjoint(with: [.execute, .loadable]) {
                guard let range = region.physicalRange else { continue }
                found.append(("the region \(region.quotedName)", range, location, member.path))
            }
        }
        return found
    }

    static let usedInterrupts = Rule<Subject>(
        id: "JH1308", severity: .warning, title: "no driver of Linux has a cell's interrupts",
        consequence: "while the cell exists the interrupt goes to the cell: Linux's driver waits for it indefinitely",
        remedy: "correct the pins, or keep Linux's driver from the device"
    ) { subject in
        var violations: [Rule<Subject>.Violation] = []
        for member in subject.cells {
            for (location, chip) in InterruptRules.chips(of: member.cell) {
                let pins = Set(chip.pins)
                // of devices whose registers the cell has, JH1305 and JH1310 speak
                let uses = subject.machine.interrupts.filter {
                    pins.contains($0.pin) && !isOfTakenDevice($0, member.cell, subject.machine)
                }
                guard !uses.isEmpty else { continue }
                violations.append(
                    .init(
                        location: "\(location).pins",
                        message: "Linux's "
                            + uses.map { "\"\($0.device)\" has the interrupt \($0.pin)" }.joined(separator: ", "),
                        path: member.path))
            }
        }
        return violations
    }

    /// Whether it is the interrupt of a device of Linux's that a region of the cell lies over: by its name, or by its place.
    private static func isOfTakenDevice(
        _ use: RunningMachine.InterruptUse, _ cell: CellDescriptor, _ machine: RunningMachine
    ) -> Bool {
        let ranges = MemoryRules.regions(of: cell).compactMap(\.region.physicalRange)
        let taken = machine.memory.filter { resource in
            resource.isDriver && (resource.range.map { range in ranges.contains { $0.overlaps(range) } } ?? false)
        }
        let isNamed = taken.contains { use.device == $0.name || use.device.hasPrefix($0.name + "[") }
        let used = machine.usedDevices.map(\.address)
        return isNamed
            || machine.interruptOwners.contains { owner in
                owner.pins.contains(use.pin)
                    && ranges.contains { range in
                        range.contains(owner.address)
                            && (used.contains(owner.address)
                                || taken.contains { $0.range?.contains(owner.address) ?? false })
                    }
            }
    }

    static let otherInterrupts = Rule<Subject>(
        id: "JH1309", severity: .warning, title: "a cell has the interrupts of its devices",
        consequence: "the device's interrupt never reaches the cell",
        remedy: "pins are numbers of the GIC: a device tree's SPI number + 32, a PPI number + 16"
    ) { subject in
        subject.cells.flatMap { member -> [Rule<Subject>.Violation] in
            guard member.cell.architecture != .x86 else { return [] }
            let pins = Set(member.cell.interruptChips.flatMap(\.pins))
            return MemoryRules.regions(of: member.cell).compactMap { location, region in
                guard region.flags.contains(.io), let range = region.physicalRange,
                    let device = subject.machine.interruptOwners.first(where: { range.contains($0.address) }),
                    let missing = device.pins.first(where: { !pins.contains($0) && pins.contains($0 - 32) })
                else { return nil }
                return .init(
                    location: location,
                    message: "\(device.name) has the interrupt \(missing); among the cell's pins is \(missing - 32), "
                        + "the device tree's number of it",
                    path: member.path)
            }
        }
    }
}

extension RunningMachine {
    /// Devices with the interrupts that the device tree, or else Linux's driver, says they have.
    fileprivate var interruptOwners: [(name: String, address: UInt64, pins: [Int])] {
        devices.map { ($0.name, $0.address, $0.pins) }
            + interrupts.compactMap { use in
                let parts = use.device.split(separator: ".", maxSplits: 1)
                guard parts.count == 2, let address = UInt64(parts[0], radix: 16) else { return nil }
                return (use.device, address, [use.pin])
            }
    }
}
