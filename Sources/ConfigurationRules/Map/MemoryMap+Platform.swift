// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension MemoryMap {
    /// The registers that the hypervisor keeps for itself or looks after, where the system says they are.
    static func platform(of system: SystemDescriptor, _ file: String) -> [MapBlock] {
        func block(_ name: String, _ start: UInt64, _ size: UInt64, _ key: String) -> MapBlock? {
            guard start != 0 else { return nil }
            return MapBlock(
                .platform, name, start: start, size: size, anchors: [MapAnchor(file: file, key: key)])
        }
        let platform = system.platform
        var blocks = [
            block(
                "PCI configuration", platform.mmconfigBase, (UInt64(platform.mmconfigEndBus) + 1) << 20,
                "platform.mmconfig-base")
        ]
        blocks += platform.iommuUnits.enumerated().map { index, unit in
            // as rules name them
            block(
                platform.iommuUnits.count == 1 ? "IOMMU" : "IOMMU \(index)", unit.base, UInt64(unit.size),
                "iommu[\(index)]")
        }
        let console = system.debugConsole
        if console.flags.contains(.mmio) {
            blocks.append(block("debug console", console.address, UInt64(console.size), "debug-console"))
        }
        switch platform.specific {
        case .x86:
            blocks += system.rootCell.interruptChips.enumerated().map { index, chip in
                block("IOAPIC", chip.address, MemoryRules.pageSize, "interrupt-chip[\(index)]")
            }
            blocks.append(block("local APIC", 0xfee0_0000, MemoryRules.pageSize, "platform"))
        case .arm(let gic):
            // GICv2's frames are pages, GICv3's are of 64 KiB, with two of them a processor for its redistributor
            let isVersion3 = gic.gicVersion >= 3
            let cpus = UInt64(max(system.rootCell.cpus.members.count, 1))
            blocks += [
                block("GIC distributor", gic.gicdBase, isVersion3 ? 0x1_0000 : 0x1000, "platform.gicd-base"),
                block("GIC CPU interface", gic.giccBase, 0x2000, "platform.gicc-base"),
                block("GIC hypervisor interface", gic.gichBase, 0x2000, "platform.gich-base"),
                block("GIC virtual interface", gic.gicvBase, 0x2000, "platform.gicv-base"),
                block("GIC redistributors", gic.gicrBase, 0x2_0000 * cpus, "platform.gicr-base"),
            ]
        }
        return blocks.compactMap(\.self)
    }
}
