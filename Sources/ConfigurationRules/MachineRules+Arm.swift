// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// What killed real Arm64 machines, or left them without ivshmem.

extension MachineRules {
    static let arm = [
        exceptionLevel, redistributors, devicesOfTheHost, missingDevices, interruptController, redistributorWindow,
        affinities,
    ]

    private static let exceptionLevel = Rule<Subject>(
        id: "JH1311", severity: .error, title: "Linux leaves EL2 to the hypervisor",
        consequence:
            "enabling panics Linux: at EL2 the call by which the driver reaches the hypervisor is an exception",
        remedy:
            "boot Linux with kvm-arm.mode=nvhe. A Linux before 5.12 does not know the parameter: build it without "
            + "CONFIG_ARM64_VHE, and add the parameter nevertheless, by which this check knows"
    ) { subject in
        guard let system = subject.system, system.architecture == .arm64, subject.machine.runsAtEL2 else { return [] }
        return [
            .init(
                location: "system",
                message: "the processors have VHE (Armv8.1 or later), and Linux was booted without kvm-arm.mode=nvhe: "
                    + "it runs at EL2",
                path: subject.systemPath)
        ]
    }

    private static let redistributors = Rule<Subject>(
        id: "JH1312", severity: .error, title: "the device tree leaves room for the virtual PCI host",
        consequence:
            "Linux since 6.1 claims all redistributors that the tree names, refuses the virtual PCI host "
            + "(\"can't claim ECAM area\", or error -12), and has no ivshmem",
        remedy:
            "in the tree with which Linux is booted, shorten the second \"reg\" of the interrupt controller to 0x20000 "
            + "bytes a CPU; QEMU writes its tree with -machine dumpdtb=FILE, and takes it with -dtb FILE"
    ) { subject in
        guard let system = subject.system, let host = system.virtualHost,
            !subject.machine.hasVirtualHost(at: host.first)
        else { return [] }
        // an earlier Linux does not claim them, and its list shows what it claims
        let lines = subject.machine.memory.filter { $0.last > 0 }
        let isClaimed =
            lines.isEmpty || lines.contains { $0.name.hasPrefix("GICR") && ($0.range.map(host.overlaps) ?? false) }
        let controllers = subject.machine.registers.filter { $0.compatible.contains("arm,gic-v3") }
        return controllers.flatMap { controller in
            controller.windows.dropFirst().map(AddressRange.init).filter(host.overlaps).map { window in
                .init(
                    location: "platform.mmconfig-base",
                    message: "the redistributors of \(controller.node) in the device tree (\(window.text)) lie over "
                        + "the virtual PCI host (\(host.text)); \(hexadecimal(system.redistributorsSize)) bytes would do"
                        + (isClaimed ? "" : "; this Linux has not claimed them"),
                    path: subject.systemPath, severity: isClaimed ? nil : .note)
            }
        }
    }

    private static let devicesOfTheHost = Rule<Subject>(
        id: "JH1326", severity: .warning, title: "no device of the machine is where the virtual PCI host is",
        consequence:
            "Linux refuses the host (\"can't claim ECAM area\") and has no ivshmem, or its driver of that device reads nonsense",
        remedy:
            "set mmconfig-base in [platform] to a place where nothing is: /proc/iomem and the device tree tell; 'jailhouse-ctl "
            + "probe' proposes one",
        isSaidOnce: true
    ) { subject in
        guard let host = subject.system?.virtualHost else { return [] }
        return devices(in: host, of: subject.machine).map { name, range in
            .init(
                location: "platform.mmconfig-base",
                message: "\(name) (\(range.text)) lies over the virtual PCI host (\(host.text))",
                path: subject.systemPath)
        }
    }

    /// Others than the interrupt controller. What is reserved in RAM is a place for the host.
    private static func devices(in host: AddressRange, of machine: RunningMachine) -> [(
        name: String, range: AddressRange
    )] {
        let ram =
            machine.treeMemory.map(AddressRange.init)
            + machine.memory.filter { $0.isLinuxMemory || $0.name.lowercased() == "reserved" }.compactMap(\.range)
        guard !machine.hasVirtualHost(at: host.first), !ram.contains(where: host.overlaps) else { return [] }
        let buses: Set = ["simple-bus", "simple-mfd", "syscon", "shared-dma-pool"]
        let nodes = machine.registers.filter {
            $0.isEnabled && $0.isOtherDevice && buses.isDisjoint(with: $0.compatible)
        }
        .flatMap { node in node.windows.map { (name: node.node, range: AddressRange($0)) } }
        // a line of a node's device has been found
        let lines = machine.memory.filter(\.isDriver).compactMap { line in line.range.map { (line.name, $0) } }
            .filter { line in !nodes.contains { $0.range.overlaps(line.1) } && !line.0.hasPrefix("GIC") }
        return (nodes + lines).filter { host.overlaps($0.range) }
    }

    private static let redistributorWindow = Rule<Subject>(
        id: "JH1321", severity: .error, title: "the redistributors of all CPUs lie behind gicr-base",
        consequence:
            "the hypervisor looks for each CPU's redistributor from gicr-base on, without a gap: a CPU whose is elsewhere is "
            + "not found, and enabling fails with ENODEV",
        remedy: "such a machine cannot run it with all CPUs: give Linux those of the first window only (maxcpus=)"
    ) { subject in
        guard let system = subject.system, case .arm(let arm) = system.platform.specific, arm.gicVersion == 3,
            arm.gicrBase != 0
        else { return [] }
        let windows = subject.machine.registers.filter { $0.compatible.contains("arm,gic-v3") }
            .flatMap { $0.windows.dropFirst() }.map(AddressRange.init)
        guard let window = windows.first(where: { $0.contains(arm.gicrBase) }) else { return [] }
        let room = window.last - arm.gicrBase + 1
        guard room < system.redistributorsSize else { return [] }
        return [
            .init(
                location: "platform.gicr-base",
                message:
                    "the CPUs' redistributors need \(hexadecimal(system.redistributorsSize)) bytes; the window at gicr-base "
                    + "(\(window.text)) has \(hexadecimal(room)) of them"
                    + (windows.count > 1 ? ", and the others are elsewhere" : ""),
                path: subject.systemPath)
        ]
    }

    private static let affinities = Rule<Subject>(
        id: "JH1322", severity: .error, title: "a GICv3's CPUs have numbers below 16 in their cluster",
        consequence: "the hypervisor refuses such a CPU with EIO: enabling fails",
        remedy:
            "such a machine cannot run it with that CPU: boot Linux without it (maxcpus=), and leave it out of [root-cell]"
    ) { subject in
        guard let system = subject.system, case .arm(let arm) = system.platform.specific, arm.gicVersion == 3 else {
            return []
        }
        let far = system.rootCell.cpus.members.compactMap { cpu -> String? in
            guard let affinity = subject.machine.affinities[cpu], affinity & 0xff >= 16 else { return nil }
            return "CPU \(cpu) has the MPIDR \(hexadecimal(affinity))"
        }
        guard !far.isEmpty else { return [] }
        return [
            .init(location: "root-cell.cpus", message: far.joined(separator: ", "), path: subject.systemPath)
        ]
    }

    private static let missingDevices = Rule<Subject>(
        id: "JH1313", severity: .error, title: "a part of a page is where a device is",
        consequence:
            "at the program's first access the hypervisor itself fails on that CPU: the cell stays \"running\", and the "
            + "next destroy hangs Linux",
        remedy:
            "correct \"physical\": the device tree's \"reg\" as the processors see it, through \"ranges\"; for a device that "
            + "the tree does not name: [accept] JH1313 = \"the reason\""
    ) { subject in
        let machine = subject.machine
        // a tree with the interrupt controller alone describes no devices
        guard machine.registers.contains(where: \.isOtherDevice) else { return [] }
        let known =
            machine.registers.flatMap(\.windows).map(AddressRange.init) + machine.memory.compactMap(\.range)
            + machine.treeMemory.map(AddressRange.init)
        return subject.cells.filter { $0.cell.architecture != .x86 }.flatMap { member in
            MemoryRules.regions(of: member.cell).compactMap { location, region in
                guard region.isSubPage, let range = region.physicalRange, !known.contains(where: range.overlaps) else {
                    return nil
                }
                return .init(
                    location: location,
                    message: "at the region \(region.quotedName) (physical \(range.text)) the device tree has no "
                        + "device",
                    path: member.path)
            }
        }
    }
}

extension SystemDescriptor {
    /// Of all CPUs up to the highest.
    var redistributorsSize: UInt64 { 0x2_0000 * UInt64((rootCell.cpus.members.max() ?? 0) + 1) }
}

extension RunningMachine.TreeRegisters {
    /// Than an interrupt controller, or memory, which has no such name.
    var isOtherDevice: Bool {
        !compatible.isEmpty && !compatible.contains { $0.hasPrefix("arm,gic") || $0.hasSuffix("-gic") }
    }
}

extension RunningMachine {
    /// Whether the hypervisor is enabled with its virtual PCI host there: its driver adds the node to the device tree (Jailhouse,
    /// driver/pci.c), and Linux names the window behind the space by it. A machine's own host has another name.
    fileprivate func hasVirtualHost(at address: UInt64) -> Bool {
        let node = "pci@0"
        return registers.contains { $0.node == node && $0.windows.first?.lowerBound == address }
            || memory.contains { $0.first == address && $0.name == "PCI ECAM" } && memory.contains { $0.name == node }
    }
}
