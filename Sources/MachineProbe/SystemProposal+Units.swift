// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

// Which of an x86 machine's IOMMUs and PCI functions a configuration can have.

extension SystemProposal {
    /// Leaves the IOMMUs of the configuration's PCI domain, as many as there can be: first those that serve all else or an
    /// IOAPIC, then those that serve most functions.
    mutating func chooseUnits(_ tables: inout RemappingTables, _ domain: UInt16, _ functions: [PCIFunction]) {
        for sentence in tables.damage { note("platform", sentence) }
        let count = tables.units.count
        let others = tables.units.filter { $0.segment != domain }
        for unit in others {
            note(
                "platform",
                "The IOMMU at 0x\(String(unit.base, radix: 16)) is left out: it serves the PCI domain \(unit.segment), and a "
                    + "configuration has one, here \(domain).")
        }
        var served = [Int](repeating: 0, count: count)
        for function in functions where function.domain == domain {
            if let index = tables.unit(of: function.address, in: domain) { served[index] += 1 }
        }
        for source in tables.ioapics { served[source.unit] += 1 << 16 }
        for index in tables.units.indices where tables.units[index].servesOthers { served[index] += 1 << 24 }
        let candidates = tables.units.indices.filter { tables.units[$0].segment == domain }
        let best = candidates.sorted { (served[$1], $0) < (served[$0], $1) }.prefix(Platform.iommuUnitLimit).sorted()
        tables.keep(best)
        guard candidates.count > best.count else { return }
        let left = tables.dropped.filter { $0.segment == domain }.map { "0x" + String($0.base, radix: 16) }
        note(
            "platform",
            "The machine has \(candidates.count) IOMMUs; a configuration can have \(Platform.iommuUnitLimit). Left out: "
                + "\(left.joined(separator: ", ")).")
    }

    /// Those that a configuration can have. The hypervisor knows one PCI domain, and what an IOMMU without a number serves
    /// cannot say who serves it.
    mutating func chooseFunctions(
        _ capture: MachineCapture, _ functions: [PCIFunction], _ tables: ACPITables, _ domain: UInt16
    ) -> [PCIFunction] {
        let unread = capture.pciFunctions.filter { PCIFunction($0) == nil }.map(\.name).sorted()
        for name in unread {
            note(
                "",
                "\(name) is left out: its PCI domain is none that a configuration can have, or its files are not whole."
            )
        }
        return functions.filter { function in
            let name = "\(function.address) (\(function.kindName), \(function.identity))"
            if function.domain != domain {
                note(
                    "",
                    "\(name) of the PCI domain \(function.domain) is left out: the hypervisor knows one domain, here \(domain). "
                        + "Linux keeps the device.")
                return false
            }
            guard let unit = tables.remapping.droppedUnit(of: function.address, in: domain) else { return true }
            note(
                "",
                "\(name) is left out, because its IOMMU at 0x\(String(unit.base, radix: 16)) is: Linux cannot configure the "
                    + "device any more after enabling. Unbind its driver before.")
            return false
        }
    }

    mutating func iommu(
        _ unit: RemappingTables.Unit, at index: Int, _ memory: [RunningMachine.Resource], _ functions: [PCIFunction]
    ) -> IOMMUUnit {
        let registers = memory.first { $0.first == unit.base && $0.name.hasPrefix("dmar") }
        let isAMD = unit.kind == .amd
        var record = IOMMUUnit(
            kind: unit.kind, base: unit.base,
            size: registers.map { UInt32(clamping: $0.last - $0.first + 1) } ?? unit.size)
        guard isAMD else { return record }
        let function = functions.first { $0.address == unit.address }
        let interrupts = function?.capabilities.first {
            $0.id == PCICapability.Known.messageSignalledInterrupts.rawValue
        }
        record.amd = IOMMUUnit.AMD(
            address: unit.address, baseCapability: unit.capability,
            msiCapability: UInt8(clamping: interrupts?.start ?? 0), features: unit.features)
        note(
            "iommu[\(index)]",
            "The size of its registers is not in the ACPI tables: 16 KiB, or 512 KiB with performance counters.")
        if interrupts == nil { note("iommu[\(index)]", "Its MSI capability is not known: check msi-capability.") }
        return record
    }

    mutating func describeIOAPICs(_ tables: ACPITables) {
        system.rootCell.interruptChips = tables.ioapics.enumerated().map { index, ioapic in
            let source = tables.remapping.ioapics.first { $0.id == ioapic.id }
            if source == nil && !tables.remapping.units.isEmpty {
                note("interrupt-chip[\(index)]", "The IOMMU's table does not have this IOAPIC's PCI address: check id.")
            }
            let next = tables.ioapics.map { Int($0.firstInterrupt) }.filter { $0 > ioapic.firstInterrupt }.min()
            if next == nil {
                note(
                    "interrupt-chip[\(index)]",
                    "How many pins it has is not in the ACPI tables: 24 is usual, but there are some with 32 or 120. Linux's log says "
                        + "it: \"GSI \(ioapic.firstInterrupt)-\".")
            }
            let pins = min(next.map { $0 - Int(ioapic.firstInterrupt) } ?? 24, 128)
            return InterruptChip(
                address: ioapic.address,
                id: source.map { UInt32($0.unit) << 16 | UInt32($0.address.rawValue) } ?? UInt32(ioapic.id),
                pins: 0..<pins)
        }
    }

    /// VT-d's table of interrupts has room for all of the system's, and some of cells' virtual devices.
    mutating func makeRoomForInterrupts() {
        guard case .x86(var part) = system.platform.specific, part.vtdInterruptLimit > 0 else { return }
        let needed = system.rootCell.remappedPins + system.rootCell.remappedVectors
        while part.vtdInterruptLimit < 32768, Int(part.vtdInterruptLimit) < needed + 64 { part.vtdInterruptLimit *= 2 }
        system.platform.specific = .x86(part)
    }

    /// What is wrong with the place that is kept for the hypervisor and its cells.
    mutating func noteDemands(_ tables: RemappingTables, on reserved: ReservedMemory) {
        for memory in tables.memory where memory.range.overlaps(reserved.range) {
            let names = memory.devices.map(\.description).joined(separator: ", ")
            note(
                "hypervisor-memory",
                "A fault to mend before enabling: the firmware has \(names.isEmpty ? "devices" : names) use "
                    + "\(memory.range.hexadecimal) at any time, by the IOMMU's table. Reserve another place with memmap=."
            )
        }
    }
}
