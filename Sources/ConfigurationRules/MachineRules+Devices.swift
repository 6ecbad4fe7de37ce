// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// What Linux drives on the machine, against what the root cell keeps.

extension MachineRules {
    static let linuxKeepsItsDevices = Rule<Subject>(
        id: "JH1323", severity: .warning, title: "the root cell has the devices that Linux drives",
        consequence: "Linux loses a CPU for good as soon as its driver touches the device",
        remedy:
            "add the registers to the [[memory]] of the system ('jailhouse-ctl probe' proposes what it finds), or keep the "
            + "driver from the device"
    ) { subject in
        guard let system = subject.system else { return [] }
        let machine = subject.machine
        let known = reachable(in: subject, system)
        // the hypervisor shows Linux the registers of its links
        let links = Set(IvshmemRules.devices(of: system.rootCell).map(\.device.linuxName))
        var missing: [(name: String, range: AddressRange)] = machine.memory.compactMap { line in
            guard machine.isDriven(line), line.isRegisters, !line.belongs(toAnyOf: links), let range = line.range,
                !range.isCovered(by: known)
            else { return nil }
            return (line.name, range)
        }
        // of those in the list above that has been said, and its names differ
        missing += machine.usedDevices.compactMap { device in
            let isListed = machine.memory.contains { $0.isDriver && ($0.range?.contains(device.address) ?? false) }
            let isController = machine.registers.contains {
                !$0.isOtherDevice && ($0.windows.first?.contains(device.address) ?? false)
            }
            guard !isListed, !isController, !known.contains(where: { $0.contains(device.address) }),
                let range = AddressRange(start: device.address, size: 1)
            else { return nil }
            return (device.user, range)
        }
        guard !missing.isEmpty else { return [] }
        let names = missing.map {
            "\($0.name) (\($0.range.first == $0.range.last ? hexadecimal($0.range.first) : $0.range.text))"
        }
        return [
            .init(
                location: "memory",
                message: "no region of [root-cell] has all registers of \(listed(names))",
                path: subject.systemPath)
        ]
    }

    /// All that Linux may touch, that the hypervisor shows to it, or that a cell is to have.
    private static func reachable(in subject: Subject, _ system: SystemDescriptor) -> [AddressRange] {
        let root = system.rootCell
        let own = root.memoryRegions.filter { $0.flags.contains(.read) }.compactMap(\.physicalRange)
        let tables = root.pciDevices.compactMap {
            AddressRange(start: $0.msixAddress, size: UInt64($0.msixRegionSize))
        }
        let cells = subject.cells.flatMap(\.cell.memoryRegions).compactMap(\.physicalRange)
        return own + tables + cells + EmulatedDevice.all(of: system, for: nil).map(\.range)
            + [system.hypervisorMemory.physicalRange, system.virtualHost].compactMap(\.self)
    }

    static let linuxKeepsItsPorts = Rule<Subject>(
        id: "JH1324", severity: .warning, title: "the root cell has the I/O ports that Linux drives",
        consequence: "Linux loses a CPU for good as soon as its driver touches such a port",
        remedy: "add the ports to the [[ports]] of the system: /proc/ioports lists all"
    ) { subject in
        guard let system = subject.system, system.architecture == .x86 else { return [] }
        let known = (system.rootCell.ioPortRegions + subject.cells.flatMap(\.cell.ioPortRegions))
            .compactMap(\.portRange)
        let missing = subject.machine.ports.filter { line in
            guard subject.machine.isDriven(line), line.last > 0, untouched.isDisjoint(with: line.parents + [line.name]),
                var range = line.range, !subject.machine.isIdleSerialPort(line.name, range)
            else { return false }
            // of the clock Linux's driver uses the first two
            if line.name.hasPrefix("rtc") { range.last = min(range.last, range.first + 1) }
            return !range.isCovered(by: known)
        }
        guard !missing.isEmpty else { return [] }
        let names = missing.map { "\($0.name) (\($0.range?.text ?? ""))" }
        return [
            .init(
                location: "root-cell",
                message: "no [[ports]] of the root cell have all of \(listed(names))",
                path: subject.systemPath)
        ]
    }

    /// Reserved by Linux on every PC, and not used by it (arch/x86/kernel/setup.c), where port 0x80 is ignored; and the timer,
    /// which every cell has.
    private static let untouched: Set<String> = [
        "dma1", "dma2", "dma page reg", "timer1", "fpu", "ACPI PM_TMR", "ACPI CPU throttle", "ISAPnP", "isapnp write",
        "motherboard",
    ]

    static let regionsInWindows = Rule<Subject>(
        id: "JH1325", severity: .warning, title: "memory of the root cell ends where PCI's window begins",
        consequence:
            "what lies behind is mapped to Linux, and the hypervisor does not see an access there: Linux may put the "
            + "registers of its ivshmem devices into it",
        remedy: "let the region end where its line in /proc/iomem ends"
    ) { subject in
        guard let system = subject.system, system.architecture == .x86,
            !IvshmemRules.devices(of: system.rootCell).isEmpty
        else { return [] }
        let all = subject.machine.memory.filter { $0.parents.isEmpty && $0.name.hasPrefix("PCI Bus") }
            .compactMap(\.range)
        // below are VGA's, amid the first RAM, and holes for one device, such as a TPM
        let windows = all.filter { $0.last - $0.first >= smallestWindow - 1 && $0.first >= smallestWindow }
        return MemoryRules.regions(of: system.rootCell).compactMap { location, region in
            guard let range = region.physicalRange, !RootCellRules.isWindow(region, of: system) else { return nil }
            // registers of devices are where the window is; RAM is not
            let isRAM = !region.flags.isDisjoint(with: [.execute, .dma])
            let isInside = all.contains { $0.contains(range.first) }
            let window = windows.first { isRAM ? range.overlaps($0) : range.first < $0.first && range.last >= $0.first }
            guard let window, isRAM || !isInside else { return nil }
            return .init(
                location: location,
                message: "the region \(region.quotedName) (\(range.text)) "
                    + (range.first < window.first ? "reaches into" : "lies in")
                    + " the window of PCI devices (\(window.text))",
                path: subject.systemPath)
        }
    }

    private static let smallestWindow: UInt64 = 1 << 20
}

extension RunningMachine {
    /// Whether a driver of Linux has the line's addresses. ACPI names what it knows of, driver or not: a driver's claim is a
    /// line of the same name below.
    fileprivate func isDriven(_ line: Resource) -> Bool {
        line.isDriver && (!line.isNamedByACPI || line.parents.last == line.name || drivenDevices.contains(line.name))
    }
}

extension RunningMachine.Resource {
    /// Whether it is registers, as far as its name tells: the firmware's programs, holes, other kinds of memory, windows of
    /// PCI hosts and what the hypervisor shows by itself are none.
    fileprivate var isRegisters: Bool {
        let others = [
            "GIC", "dmar", "amd_iommu", "region", "Crash kernel", "Persistent Memory", "RAM buffer", "pcie@", "pci@",
            "Graphics Stolen Memory",
            "Unknown E820", "Unusable memory", "Soft Reserved", "CXL Window",
        ]
        return last > 0 && !name.hasSuffix(" ROM") && !others.contains(where: name.hasPrefix)
    }

    /// `PNP0C02:03`, `MSFT0101:00`
    fileprivate var isNamedByACPI: Bool {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 2, parts[1].allSatisfy(\.isHexDigit) else { return false }
        return (7...8).contains(parts[0].count) && parts[0].allSatisfy { $0.isNumber || $0.isUppercase }
            && parts[0].suffix(4).allSatisfy(\.isHexDigit)
    }
}
