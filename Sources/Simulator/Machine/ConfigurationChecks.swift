// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What the hypervisor looks at in a configuration, before there is a cell: of memory it checks nothing.
extension Machine {
    /// Of a cell that `create` made out of its configuration; nil: it takes it.
    mutating func refusal(ofNewCell cell: CellDescriptor) -> Refusal? {
        if let size = try? cell.binary().count, size > 64 << 10 {
            report("create: the configuration has \(size) bytes, more than the hypervisor maps")
            return .tooBig
        }
        let others = cells.filter { $0.phase == .present }.map(\.descriptor)
        return system.flatMap { refusal(of: cell, besides: others, platform: $0.platform, in: "create") }
    }

    /// Of a system.
    mutating func refusal(of system: SystemDescriptor) -> Refusal? {
        let root = system.rootCell
        if let refusal = refusal(of: root, besides: [], platform: system.platform, in: "enable") { return refusal }
        // without units there is nothing to remap: such a machine is simulated as one without VT-d
        guard settings.wording == .intel, case .x86(let platform) = system.platform.specific,
            system.platform.iommuUnits.contains(where: { $0.kind == .intel && $0.base != 0 })
        else { return nil }
        guard platform.vtdInterruptLimit <= 32768 else {
            report("enable: vtd-interrupt-limit is above 32768")
            return .invalid
        }
        let needed = root.remappedPins + root.remappedVectors
        guard needed <= platform.vtdInterruptLimit else {
            report(
                "enable: \(needed) interrupts need entries, and vtd-interrupt-limit is \(platform.vtdInterruptLimit)")
            return .tooBig
        }
        return nil
    }

    private mutating func refusal(
        of cell: CellDescriptor, besides others: [CellDescriptor], platform: Platform, in command: String
    ) -> Refusal? {
        let links = cell.format.hasOldLinks ? [] : cell.pciDevices.filter { $0.kind == .sharedMemory }
        for link in links {
            let last = Int(link.firstSharedMemoryRegion) + 1 + Int(link.sharedMemoryPeers)
            if last >= cell.memoryRegions.count || link.msixVectors > 16 || link.sharedMemoryID >= 12 {
                report("\(command): the link \(link.address) has sections, vectors or an id that cannot be")
                return .invalid
            }
            let isTaken = others.contains { other in
                !other.format.hasOldLinks
                    && other.pciDevices.contains {
                        $0.kind == .sharedMemory && $0.address == link.address
                            && $0.sharedMemoryID == link.sharedMemoryID
                    }
            }
            if isTaken {
                report("\(command): the id \(link.sharedMemoryID) of the link \(link.address) is taken")
                return .busy
            }
        }
        switch platform.specific {
        case .x86:
            if cell.interruptChips.contains(where: { $0.pinBase != 0 }) {
                report("\(command): the pin-base of an IOAPIC is not 0")
                return .invalid
            }
            if cell.pciDevices.contains(where: { $0.kind != .sharedMemory && $0.iommu >= Platform.iommuUnitLimit }) {
                report("\(command): a device is behind an IOMMU that cannot be")
                return .outOfRange
            }
        case .arm(let arm):
            // it looks at the records of its own distributor only
            let isWrong = cell.interruptChips.contains { chip in
                chip.address == arm.gicdBase && (chip.pinBase % 32 != 0 || chip.pinBase > 1024 - 128)
            }
            if isWrong {
                report("\(command): pin-base of a distributor must be a multiple of 32, and end below 1024")
                return .invalid
            }
        }
        return nil
    }
}
