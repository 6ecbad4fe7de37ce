// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
import ConfigurationRules
import DeviceTree

/// A system configuration for a machine as far as Linux tells what it is, and what it does not tell.
package struct SystemProposal: Hashable, Sendable {
    package internal(set) var system: SystemDescriptor
    /// What the user must check, by the key of the table concerned (`pci-device[2]`); "" is the whole file.
    package internal(set) var notes: [String: [String]] = [:]

    /// - Parameter capture: of an x86 machine, or of an Arm64 one with a device tree.
    package init(_ capture: MachineCapture) {
        if capture.processors == .arm64 {
            system = SystemDescriptor(
                architecture: .arm64, flags: .virtualDebugConsole,
                platform: Platform(specific: Platform.Specific(for: .arm64)), rootCell: CellDescriptor(name: ""))
            describeArm(capture, capture.deviceTree ?? DeviceNode())
            return
        }
        let machine = RunningMachine(ioports: capture.ioports, iomem: capture.iomem)
        let allFunctions = capture.pciFunctions.compactMap(PCIFunction.init).sorted {
            ($0.domain, $0.address.rawValue) < ($1.domain, $1.address.rawValue)
        }
        var tables = ACPITables(capture.tables, buses: PCIBuses(allFunctions))
        system = SystemDescriptor(flags: .virtualDebugConsole, rootCell: CellDescriptor(name: ""))
        judgeProcessor(capture)
        if machine.hidesAddresses || allFunctions.contains(where: { !$0.isComplete }) {
            note("", "Linux shows the addresses of memory and all of a PCI device to root only: run probe as root.")
        }
        nameRootCell(capture, capture.productName)
        let domain = tables.configurationSpaces.first?.segment ?? 0
        chooseUnits(&tables.remapping, domain, allFunctions)
        let functions = chooseFunctions(capture, allFunctions, tables, domain)
        describePlatform(
            tables, machine.memory, functions, isIntel: RunningMachine.hasIntelProcessors(cpuInfo: capture.cpuInfo))
        let reserved = placeHypervisor(capture, machine.memory)
        if let reserved { noteDemands(tables.remapping, on: reserved) }
        describeMemory(machine.memory, tables, allFunctions, reserved, listed: functions)
        describePorts(machine.ports, allFunctions)
        describeConsoles(machine, allFunctions)
        describeFunctions(functions, tables)
        makeRoomForInterrupts()
    }

    mutating func note(_ key: String, _ text: String) {
        notes[key, default: []].append(text)
    }
}

extension SystemProposal {
    mutating func nameRootCell(_ capture: MachineCapture, _ product: String) {
        let words = product.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let name = words.joined(separator: "-").lowercased().prefix(CellDescriptor.nameLimit)
        system.rootCell.name = name.isEmpty ? "machine" : String(name)
        let list = capture.cpus.split { $0 == "\n" || $0 == " " }.first.map(String.init) ?? ""
        if let cpus = try? CPUSet(list: list), !cpus.isEmpty {
            system.rootCell.cpus = cpus
        } else {
            system.rootCell.cpus = CPUSet([0])
            note("root-cell", "Linux does not report which CPUs there are.")
        }
    }

    private mutating func describePlatform(
        _ tables: ACPITables, _ memory: [RunningMachine.Resource], _ functions: [PCIFunction], isIntel: Bool
    ) {
        var x86 = X86Platform()
        if let space = tables.configurationSpaces.first {
            system.platform.mmconfigBase = space.base
            system.platform.mmconfigEndBus = space.lastBus
            system.platform.pciDomain = space.segment
        } else {
            note("platform", "No ACPI table MCFG: PCI configuration space in memory (mmconfig-base) is not known.")
        }
        if tables.configurationSpaces.count > 1 {
            note("platform", "The machine has several PCI domains, of which a configuration can have one.")
        }
        if let port = tables.timerPort {
            x86.pmTimerPort = port
        } else {
            note("platform", "No PM timer in the ACPI table FACP: the hypervisor needs one to measure time.")
        }
        let units = tables.remapping.units
        if units.isEmpty, tables.hasRemappingTable {
            note("platform", "The ACPI table DMAR or IVRS names no IOMMU, or is damaged: copy it again as root.")
        } else if units.isEmpty {
            note("platform", "No IOMMU in the ACPI tables (DMAR or IVRS): devices cannot be given to cells safely.")
            if isIntel {
                note(
                    "",
                    "This machine cannot run it: on Intel's processors the hypervisor needs VT-d, of which the ACPI tables say nothing "
                        + "(no table DMAR). It may be switched off in the firmware's setup.")
            }
        }
        if isIntel, !units.isEmpty, !tables.remapping.remapsInterrupts {
            note(
                "",
                "This machine cannot run it: its VT-d does not remap interrupts (flag INTR_REMAP of the table DMAR), so enabling fails."
            )
        }
        system.platform.iommuUnits = units.enumerated().map { index, unit in
            iommu(unit, at: index, memory, functions)
        }
        if units.contains(where: { $0.kind == .intel }) { x86.vtdInterruptLimit = 256 }
        system.platform.specific = .x86(x86)
        describeIOAPICs(tables)
        if tables.remapping.unresolved > 0 {
            note(
                "platform",
                "The IOMMU's table names \(tables.remapping.unresolved) devices behind bridges that Linux does not show: check "
                    + "iommu of the devices there.")
        }
        if tables.ioapics.isEmpty { note("platform", "No IOAPIC in the ACPI table APIC.") }
    }

    private mutating func placeHypervisor(
        _ capture: MachineCapture, _ memory: [RunningMachine.Resource]
    ) -> ReservedMemory? {
        let kept = ReservedMemory(commandLine: capture.commandLine)
        if kept == nil, let parameter = ReservedMemory.spoiledParameter(in: capture.commandLine) {
            let way = "In /etc/default/grub, between double quotes, it is written as \\\\\\$, in grub.cfg as \\$."
            switch parameter {
            case .eaten(let word):
                note(
                    "hypervisor-memory",
                    "\(word) on Linux's command line has lost its address: $ means something to shells and boot loaders. "
                        + way)
            case .escaped(let word):
                note(
                    "hypervisor-memory",
                    "\(word) on Linux's command line has a backslash left, so that Linux does not find its address. "
                        + way)
            }
        }
        guard let reserved = kept ?? ReservedMemory(proposedIn: memory) else {
            note("hypervisor-memory", "No place was found for it: reserve memory with memmap= and probe again.")
            return nil
        }
        system.hypervisorMemory = MemoryRegion(
            physicalStart: reserved.hypervisorStart, size: ReservedMemory.hypervisorSize)
        if kept == nil {
            note(
                "hypervisor-memory",
                "Linux still uses this memory. Before enabling, add to its command line: \(reserved.parameter), "
                    + "\(MemoryParameter.escaping).")
        } else {
            note(
                "hypervisor-memory", "The end of what Linux keeps free (\(reserved.parameter)); the rest is for cells.")
        }
        return reserved
    }

    private mutating func describeMemory(
        _ resources: [RunningMachine.Resource], _ tables: ACPITables, _ functions: [PCIFunction],
        _ reserved: ReservedMemory?, listed: [PCIFunction]
    ) {
        func pages(_ start: UInt64, _ size: UInt64) -> ClosedRange<UInt64>? {
            let (last, overflow) = start.addingReportingOverflow(max(size, 1) - 1)
            return start == 0 || overflow ? nil : start...last
        }
        var keepOut = [pages(0xfee0_0000, 0x1000)]
        // the hypervisor looks after one domain
        keepOut += tables.configurationSpaces.prefix(1).map { pages($0.base, (UInt64($0.lastBus) + 1) << 20) }
        keepOut += tables.ioapics.map { pages($0.address, 0x1000) }
        keepOut += system.platform.iommuUnits.map { pages($0.base, UInt64($0.size)) }
        keepOut += listed.map { $0.msixTable.flatMap { pages($0.address, UInt64($0.size)) } }
        let demanded = tables.remapping.memory.map(\.range)
        var memory = ProposedMemory(
            resources, functions: functions, reserved: reserved, demanded: demanded,
            keepOut: keepOut.compactMap(\.self))
        for space in tables.configurationSpaces.dropFirst() {
            guard let window = pages(space.base, (UInt64(space.lastBus) + 1) << 20) else { continue }
            memory.add("PCI configuration, domain \(space.segment)", window, [.read, .write])
        }
        for resource in memory.leftOut {
            note(
                "",
                "What the firmware reserves at \((resource.first...resource.last).hexadecimal) is left out: it is no memory."
            )
        }
        system.rootCell.memoryRegions = memory.sorted
        for (index, region) in memory.sorted.enumerated() where region.name == ProposedMemory.reservedByFirmware {
            note("memory[\(index)]", ProposedMemory.firmwareNote)
        }
        for (index, region) in memory.sorted.enumerated() where region.name == "reserved for device DMA" {
            let owners = tables.remapping.memory.filter { $0.range.contains(region.physicalStart) }.flatMap(\.devices)
            let names = Set(owners.map(\.description)).sorted().joined(separator: ", ")
            note(
                "memory[\(index)]",
                "By the IOMMU's table the firmware has \(names.isEmpty ? "devices" : names) use this memory at any time."
            )
        }
    }

    private mutating func describePorts(_ resources: [RunningMachine.Resource], _ functions: [PCIFunction]) {
        system.rootCell.ioPortRegions = ProposedPorts.regions(resources, functions: functions)
        note(
            "ports[0]",
            "What a driver that is not loaded yet would use is missing; its first access would stop that CPU of Linux.")
    }

    /// The first serial port that there is; others are offered.
    private mutating func describeConsoles(_ machine: RunningMachine, _ functions: [PCIFunction]) {
        let consoles = ProposedConsoles.all(machine, functions)
        guard let first = consoles.first else {
            return note("debug-console", "No serial port and no framebuffer: the hypervisor has no console of its own.")
        }
        system.debugConsole = first.console
        if first.name != "COM1" { note("debug-console", "\(first.name)") }
        for other in consoles.dropFirst() {
            note("debug-console", "Another one: \(other.name): \(other.console.sourceText)")
        }
    }

    private mutating func judgeProcessor(_ capture: MachineCapture) {
        let features = ProcessorFeatures(cpuInfo: capture.cpuInfo, registers: capture.registers)
        if RunningMachine.translatesByVTD(commandLine: capture.commandLine) {
            note(
                "",
                "Linux was booted with intel_iommu=on: enabling fails with EBUSY. Boot it with intel_iommu=off before.")
        }
        if let far = ProcessorFeatures.farthestAPIC(cpuInfo: capture.cpuInfo), far > 254 {
            note(
                "",
                "This machine cannot run it with all CPUs: the APIC of one has the id \(far), and the hypervisor knows ids up to 254; "
                    + "enabling fails with ERANGE.")
        }
        guard !features.missing.isEmpty else { return }
        note(
            "",
            "This machine cannot run it: its processors lack \(features.missing.joined(separator: ", ")), so enabling fails."
        )
    }

    private mutating func describeFunctions(_ functions: [PCIFunction], _ tables: ACPITables) {
        var lists: [[PCICapability]: Int] = [:]
        for (index, function) in functions.enumerated() {
            let list = function.capabilities
            let first = lists[list] ?? system.rootCell.pciCapabilities.count
            if !list.isEmpty, lists[list] == nil {
                lists[list] = first
                system.rootCell.pciCapabilities += list
            }
            let unit = tables.remapping.unit(of: function.address, in: function.domain)
            system.rootCell.pciDevices.append(function.device(iommu: unit ?? 0, firstCapability: first))
            note("pci-device[\(index)]", "\(function.kindName) (\(function.identity))")
            if unit == nil && !tables.remapping.units.isEmpty {
                note("pci-device[\(index)]", "No IOMMU serves it according to the ACPI tables: check iommu.")
            }
        }
    }
}
