// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about configurations on a running machine: what Linux uses there.
enum MachineRules {
    struct Subject {
        var machine: RunningMachine
        var system: SystemDescriptor?
        var systemPath: String?
        var cells: [CellGroup.Member]

        /// The system's, or else the cells'.
        var architecture: Architecture? { system?.architecture ?? cells.first?.cell.architecture }

        /// Whether it is a PC's configuration on an Arm machine, or the other way round; not by a guess.
        var isForAnotherMachine: Bool {
            guard let isPC = machine.isPC, let cell = system?.rootCell ?? cells.first?.cell,
                !cell.isArchitectureGuessed || system?.showsItsArchitecture == true
            else { return false }
            return isPC != (architecture == .x86)
        }
    }

    static let all =
        [
            activePorts, legacyPorts, linuxMemory, hiddenAddresses, registers, onlineCPUs, missingMemory,
            usedInterrupts, otherInterrupts, sharedRegisters, pciDevices, architecture, linuxKeepsItsMemory,
            linuxKeepsFirmwaresTables, remappingUnits, deviceTranslation, linuxKeepsItsDevices, linuxKeepsItsPorts,
            regionsInWindows, platformOfThePC,
        ] + arm

    private static let activePorts = Rule<Subject>(
        id: "JH1301", severity: .error, title: "no driver of Linux uses a cell's I/O ports",
        consequence:
            "while the cell exists these ports are taken from Linux: at its driver's next access a CPU of Linux stops "
            + "for good",
        remedy: "keep the driver from the device: unbind it in sysfs, leave its module out, or for a serial port use "
            + "another console; if nothing in Linux opens the device, accept it: [accept] JH1301 = \"the reason\""
    ) { subject in
        let consoles = consoleViolations(subject)
        let reported = Set(consoles.map { "\($0.path ?? "") \($0.location)" })
        return consoles
            + portViolations(subject) { !legacy.contains($0.name) }.filter {
                !reported.contains("\($0.path ?? "") \($0.location)")
            }.filter { violation in
                // JH1504 has said it of the PC's own ports
                guard let system = subject.system, let cell = subject.cells.first(where: { $0.path == violation.path })
                else { return true }
                return !PortRules.locationsOfThePC(SystemRules.Placement(cell: cell.cell, system: system)).contains(
                    violation.location)
            }
    }

    private static let legacyPorts = Rule<Subject>(
        id: "JH1302", severity: .error, title: "a cell takes no ports of the PC's own hardware from Linux",
        consequence:
            "while the cell exists these ports are taken from Linux, which still uses them, for example whenever it sets "
            + "up a legacy interrupt: that CPU of Linux then stops for good",
        remedy: "leave the ports out, and build the program without the drivers that need them"
    ) { subject in
        let named = portViolations(subject) {
            legacy.contains($0.name) && !($0.range.map { PortRules.isReported($0, in: subject.system) } ?? false)
        }
        guard subject.system == nil else { return named }
        // which ports the root cell has is not known: those of the PC itself are Linux's on every machine
        let reported = Set(portViolations(subject) { _ in true }.map { "\($0.path ?? "") \($0.location)" })
        return named
            + subject.cells.filter { $0.cell.architecture == .x86 }.flatMap { member in
                PortRules.portsOfThePC(of: member.cell).map { location, message in
                    Rule<Subject>.Violation(location: location, message: message, path: member.path)
                }
            }.filter { !reported.contains("\($0.path ?? "") \($0.location)") }
    }

    /// What Linux reserves on every PC.
    static let legacy: Set<String> = [
        "dma1", "pic1", "timer0", "timer1", "dma page reg", "pic2", "dma2", "fpu",
    ]

    private static func consoleViolations(_ subject: Subject) -> [Rule<Subject>.Violation] {
        let consoles = subject.machine.serialConsoles.sorted().filter(PCPorts.serial.indices.contains)
        var violations: [Rule<Subject>.Violation] = []
        for member in subject.cells {
            for (location, ports) in PortRules.regions(of: member.cell) {
                let used = consoles.first { number in
                    ports.portRange?.overlaps(AddressRange(PCPorts.serial[number].ports)) ?? false
                }
                guard let used else { continue }
                violations.append(
                    .init(
                        location: location,
                        message: "the ports \(ports.text) are those of \(PCPorts.serial[used].name), Linux's "
                            + "console ttyS\(used)", path: member.path))
            }
        }
        return violations
    }

    private static func portViolations(
        _ subject: Subject, where isMeant: (RunningMachine.Resource) -> Bool
    ) -> [Rule<Subject>.Violation] {
        let drivers = subject.machine.ports.filter { $0.isDriver && isMeant($0) }
        var violations: [Rule<Subject>.Violation] = []
        for member in subject.cells {
            for (index, region) in member.cell.ioPortRegions.enumerated()
            where !(region.portRange.map(PortRules.isHarmless) ?? true) {
                let users = users(of: region.portRange, among: drivers, besides: ownDevices(of: member.cell))
                guard !users.isEmpty else { continue }
                let isIdle = users.allSatisfy { subject.machine.isIdleSerialPort($0.driver, $0.range) }
                violations.append(
                    .init(
                        location: "ports[\(index)]",
                        message: "of the ports \(region.text), \(listed(users))"
                            + (isIdle ? ", which is not Linux's console, and which nothing is seen to have open" : ""),
                        path: member.path, severity: isIdle ? .warning : nil))
            }
        }
        return violations
    }

    /// The drivers that have part of a range, except those of some devices.
    private static func users(
        of range: AddressRange?, among drivers: [RunningMachine.Resource], besides own: Set<String>
    ) -> [(driver: String, range: AddressRange)] {
        guard let range else { return [] }
        return drivers.compactMap { driver in
            guard let taken = driver.range, taken.overlaps(range), !driver.belongs(toAnyOf: own) else { return nil }
            return (driver.name, taken)
        }
    }

    /// `Linux's "serial" has 0x3f8–0x3ff, "vga+" has 0x3c0–0x3df`
    private static func listed(_ users: [(driver: String, range: AddressRange)]) -> String {
        "Linux's " + users.map { "\"\($0.driver)\" has \($0.range.text)" }.joined(separator: ", ")
    }

    private static let linuxMemory = Rule<Subject>(
        id: "JH1303", severity: .error, title: "memory of hypervisor and cells is kept free of Linux",
        consequence:
            "Linux has programs and data of its own there: enabling is refused if it is the hypervisor's memory; with "
            + "a cell's, Linux crashes as soon as the cell exists",
        remedy: "reserve it as the message says, and start the machine again",
        isSaidOnce: true
    ) { subject in
        let linux = subject.machine.memory.filter(\.isLinuxMemory).compactMap(\.range)
        let wishes = wishes(of: subject)
        let forCells = (subject.system?.rootCell.memoryRegions ?? []).filter(MemoryParameter.isForCells)
        let reservation = reservation(
            for: wishes.map(\.range) + forCells.compactMap(\.physicalRange), from: linux, subject)
        return wishes.compactMap { wish in
            guard let taken = linux.first(where: wish.range.overlaps) else { return nil }
            return .init(
                location: wish.location,
                message:
                    "\(wish.name) (physical \(wish.range.text)) lies in RAM that Linux uses (\(taken.text)); what to "
                    + "reserve: \(reservation)",
                path: wish.path
            )
        }
    }

    private static let hiddenAddresses = Rule<Subject>(
        id: "JH1304", severity: .note, title: "what memory Linux uses can be seen",
        consequence: "hypervisor and cells may have memory that Linux uses: it was not checked",
        remedy: "run the command as root: /proc/iomem shows addresses to root only"
    ) { subject in
        guard subject.machine.hidesAddresses, let path = subject.systemPath ?? subject.cells.first?.path else {
            return []
        }
        let location = subject.systemPath == nil ? "memory" : "hypervisor-memory"
        return [.init(location: location, message: "/proc/iomem shows no addresses", path: path)]
    }

    private static let registers = Rule<Subject>(
        id: "JH1305", severity: .warning, title: "no driver of Linux uses a cell's devices",
        consequence:
            "while the cell exists the device is taken from Linux: at its driver's next access a CPU of Linux stops "
            + "for good",
        remedy: "disable the device in Linux (device tree: status = \"disabled\"; else unbind its driver), or say "
            + "\"root-shared\" if both may use it"
    ) { subject in
        registerViolations(subject) { !$0.flags.contains(.rootShared) }
    }

    private static let sharedRegisters = Rule<Subject>(
        id: "JH1310", severity: .warning, title: "Linux's driver and the cell do not drive a shared device at once",
        consequence: "both programs set up the device: output is mixed, clocks and interrupts change under either",
        remedy: "disable the device in Linux (device tree: status = \"disabled\"; else unbind its driver)"
    ) { subject in
        registerViolations(subject) { $0.flags.isSuperset(of: [.rootShared, .io]) }
    }

    private static func registerViolations(
        _ subject: Subject, where isMeant: (MemoryRegion) -> Bool
    ) -> [Rule<Subject>.Violation] {
        let drivers = subject.machine.memory.filter(\.isDriver)
        var violations: [Rule<Subject>.Violation] = []
        for member in subject.cells {
            for (location, region) in MemoryRules.regions(of: member.cell)
            where isMeant(region) {
                let own = ownDevices(of: member.cell)
                let users = users(of: region.physicalRange, among: drivers, besides: own)
                guard users.isEmpty else {
                    violations.append(
                        .init(
                            location: location,
                            message: "of the region \(region.quotedName) (physical \(region.physicalText)), "
                                + listed(users),
                            path: member.path))
                    continue
                }
                let used = subject.machine.usedDevices.first { region.physicalRange?.contains($0.address) ?? false }
                if let used, region.flags.contains(.io) {
                    violations.append(
                        .init(
                            location: location,
                            message:
                                "in the region \(region.quotedName) (physical \(region.physicalText)) is a device of "
                                + "Linux's \(used.user), at \(hexadecimal(used.address))",
                            path: member.path))
                }
            }
        }
        return violations
    }

    /// As Linux names them in its lists. The cell's creation takes them from their drivers.
    private static func ownDevices(of cell: CellDescriptor) -> Set<String> {
        Set(cell.pciDevices.filter { $0.kind != .sharedMemory }.map(\.linuxName))
    }

    private struct Wish {
        var name: String
        var range: AddressRange
        var location: String
        var path: String?
    }

    /// The memory that Linux must leave alone.
    private static func wishes(of subject: Subject) -> [Wish] {
        var wishes: [Wish] = []
        if let memory = subject.system?.hypervisorMemory.physicalRange {
            wishes.append(
                Wish(
                    name: "the hypervisor's memory", range: memory, location: "hypervisor-memory",
                    path: subject.systemPath))
        }
        for member in subject.cells {
            wishes += MemoryRules.regions(of: member.cell).compactMap { location, region in
                region.physicalRange.map {
                    Wish(name: "the region \(region.quotedName)", range: $0, location: location, path: member.path)
                }
            }
        }
        return wishes
    }

    /// The kernel parameter that reserves all of this.
    private static func reservation(
        for ranges: [AddressRange], from linux: [AddressRange], _ subject: Subject
    ) -> String {
        var blocks: [AddressRange] = []
        for range in ranges.sorted(by: { $0.first < $1.first }) {
            guard let last = blocks.last, range.first <= last.last || range.first == last.last &+ 1 else {
                blocks.append(range)
                continue
            }
            blocks[blocks.count - 1].last = max(last.last, range.last)
        }
        let missing = blocks.filter { block in linux.contains(where: block.overlaps) }
        guard subject.architecture == .x86 else {
            return "a node below reserved-memory in the device tree, with no-map, for "
                + missing.map(\.text).joined(separator: " and ")
        }
        return "the kernel parameter "
            + missing.map { MemoryParameter.text($0.first...$0.last) }.joined(separator: " ") + ", "
            + MemoryParameter.escaping
    }
}

extension SystemDescriptor {
    /// Whether something in it is of its architecture alone: the GIC, or a PC's ports and IOAPIC.
    fileprivate var showsItsArchitecture: Bool {
        if case .arm(let arm) = platform.specific { return arm.gicdBase != 0 && (2...3).contains(arm.gicVersion) }
        return rootCell.typicalArchitecture == .x86
    }
}
