// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

enum FactSystemParts {
    static let ioapic = InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: Array(0..<24))
}

/// A sound PC and a sound board, for tests that break one fact of them.
protocol FactSystems {}

extension FactSystems {

    /// A sound machine of Intel's.
    var pc: SystemDescriptor {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: 64))
        system.platform.iommuUnits = [IOMMUUnit(kind: .intel, base: 0xfed9_0000, size: 0x1000)]
        system.platform.mmconfigBase = 0xb000_0000
        system.platform.mmconfigEndBus = 0xff
        system.rootCell.memoryRegions = [
            MemoryRegion(name: "RAM", physicalStart: 0, size: 0x3000_0000, flags: [.read, .write, .execute, .dma])
        ]
        system.rootCell.interruptChips = [FactSystemParts.ioapic]
        return system
    }

    var board: SystemDescriptor {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(
            ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        system.rootCell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33])]
        return system
    }

    func rules(_ system: SystemDescriptor, among known: String...) -> [String] {
        system.findings().compactMap(\.rule).filter(known.contains)
    }

    func device(_ bdf: String, msi: UInt8 = 0, msix: UInt16 = 0) throws -> PCIDevice {
        PCIDevice(address: try #require(PCIAddress(bdf)), msiVectors: msi, msixVectors: msix)
    }
}
