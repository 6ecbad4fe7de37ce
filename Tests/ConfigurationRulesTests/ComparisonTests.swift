// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration
@testable import ConfigurationRules

/// A cell's devices against what the system says of the same ones; one fault, one finding.
@Suite struct ComparisonTests {
    private static let card = PCIDevice(
        address: PCIAddress(rawValue: 0x18), barMasks: [0xfffe_0000, 0xfffe_0000, 0xffff_ffe0, 0xffff_c000, 0, 0],
        capabilityCount: 2, msiVectors: 1, msiFlags: .address64, msixVectors: 5, msixRegionSize: 0x1000,
        msixAddress: 0xfebd_4000)

    private static func with(_ device: PCIDevice, _ cell: CellDescriptor) -> CellDescriptor {
        var cell = cell
        cell.pciDevices = [device]
        cell.pciCapabilities = [
            PCICapability(id: 0x5, start: 0xd0, length: 14), PCICapability(id: 0x11, start: 0xa0, length: 12),
        ]
        return cell
    }

    private func texts(_ change: (inout CellDescriptor) -> Void) -> [String] {
        var system = RuleTests.system
        system.rootCell = Self.with(Self.card, system.rootCell)
        var cell = Self.with(Self.card, RuleTests.sound)
        change(&cell)
        return system.findings(ofCell: cell).filter { $0.rule == "JH1016" }
            .map { "\($0.severity) \(([$0.location] + $0.others).joined(separator: " ")): \($0.message)" }
    }

    @Test func aDeviceIsDescribedAsInTheSystem() {
        let start = "pci-device[0]: of the device 00:03.0, "
        #expect(texts { _ in } == [])
        #expect(
            texts { $0.pciDevices[0].msixAddress = 0xfebd_0000 }
                == ["error \(start)msix-address is 0xfebd0000 here, but 0xfebd4000 in the system"])
        #expect(
            texts { $0.pciDevices[0].barMasks[1] = 0xffff_0000 }
                == ["warning \(start)in bar-masks, number 1 is 0xffff0000 here, but 0xfffe0000 in the system"])
        #expect(
            texts { $0.pciDevices[0].msiFlags = [] }
                == ["error \(start)msi-64-bit is false here, but true in the system"])
        // one finding, whatever differs
        #expect(
            texts {
                $0.pciDevices[0].msiVectors = 2
                $0.pciDevices[0].msixVectors = 4
                $0.pciDevices[0].msixRegionSize = 0x2000
                $0.pciCapabilities[1].length = 8
            } == [
                "warning pci-device[0] pci-capability[1]: of the device 00:03.0, msi-vectors is 2 here, but 1 in the "
                    + "system; msix-vectors is 4 here, but 5 in the system; msix-region-size is 0x2000 here, but 0x1000 in "
                    + "the system; the capability 0x11 at 0xa0 has the length 8 here, but 12 in the system"
            ])
        #expect(
            texts { $0.pciCapabilities[0].start = 0x70 } == [
                "error pci-capability[0]: of the device 00:03.0, the capability 0x5 is at 0x70 here, but 0xd0 in the system"
            ])
        #expect(
            texts { $0.pciCapabilities[0].id = 0x9 } == [
                "error pci-capability[0]: of the device 00:03.0, what is at 0xd0 is the capability 0x9 here, but 0x5 in the "
                    + "system"
            ])
        // a cell may leave out what it does not use
        #expect(
            texts {
                $0.pciDevices[0] = PCIDevice(address: Self.card.address)
                $0.pciCapabilities = []
            } == [])
    }

    @Test func anIOAPICHasTheSystemsID() {
        var system = RuleTests.system
        system.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: [4, 5])]
        var cell = RuleTests.sound
        cell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: [4])]
        #expect(system.findings(ofCell: cell) == [])
        cell.interruptChips[0].id = 0
        let found = system.findings(ofCell: cell)
        #expect(
            found.map { "\($0.severity) \($0.rule ?? "") \($0.location)" } == ["warning JH1114 interrupt-chip[0].id"])
        #expect(found.first?.message == "the IOAPIC at 0xfec00000 has the id 0x0 here, but 0xff00 in the system")
    }

    private var arm: (system: SystemDescriptor, cell: CellDescriptor) {
        var system = RuleTests.system
        system.architecture = .arm64
        system.platform = Platform(
            mmconfigBase: 0x8e0_0000, virtualPCI: 1,
            specific: .arm(
                ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000)))
        system.rootCell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 34])]
        var cell = RuleTests.sound
        cell.architecture = .arm64
        cell.console = .none
        cell.ioPortRegions = []
        return (system, cell)
    }

    /// Each CPU has them, whatever a cell's list says.
    @Test func privatePinsAreNotLinuxsToGive() {
        var (system, cell) = arm
        cell.interruptChips = [
            InterruptChip(address: 0x800_0000, id: 0, pinBase: 0, pins: [5, 27]),
            InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 40]),
        ]
        let all = cell.findings() + system.findings(ofCell: cell)
        #expect(
            all.map { "\($0.severity) \($0.rule ?? "") \($0.location): \($0.message)" } == [
                "note JH1115 interrupt-chip[0].pins: the pins 5,27 are a CPU's own (SGIs: 0 to 15, PPIs: 16 to 31)",
                "warning JH1104 interrupt-chip[1].pins: the pins 40 at 0x8000000 are not the root cell's",
            ])
        system.rootCell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 34, 40])]
        #expect(system.findings(ofCell: cell) == [])
    }

    /// Also of a cell that has no PCI devices.
    @Test func theVirtualConfigurationSpaceIsTheHypervisors() {
        var (system, cell) = arm
        cell.memoryRegions[3] = MemoryRegion(
            name: "window", physicalStart: 0x8e0_0000, virtualStart: 0x8e0_0000, size: 0x1000,
            flags: [.read, .write, .io])
        system.rootCell.memoryRegions.append(cell.memoryRegions[3])
        let found = system.findings(ofCell: cell)
        #expect(found.map(\.rule) == ["JH0507"] && found.first?.location == "memory[3]", "\(found)")
        // elsewhere in the machine, a cell without devices may see something else there
        cell.memoryRegions[3].physicalStart = 0xfe00_0000
        #expect(!system.findings(ofCell: cell).contains { ["JH0507", "JH0508"].contains($0.rule) })
    }

    @Test func aConsoleInMemory() {
        var cell = arm.cell
        func message(_ address: UInt64) -> String? {
            cell.console = Console(kind: .pl011, address: address, flags: .mmio)
            return cell.findings().first { $0.rule == "JH0402" }?.message
        }
        #expect(message(0xfe00_0010) == nil)
        #expect(message(0xfe00_0020) == "the console is at 0xfe000020, where the cell has no memory region")
        #expect(message(0x90_0000) == "the console is at 0x900000, which is the communication region")
        cell.memoryRegions[2].virtualStart = 0xfd00_0010
        #expect(message(0xfe00_0010) != nil)
        #expect(message(0xfd00_0010) == nil)
        cell.memoryRegions[2].flags.remove(.write)
        #expect(
            message(0xfd00_0010)
                == "the console is at 0xfd000010, in the region \"registers\" (memory[2]), which cannot be written")
        // without the flag, Arm has memory all the same
        cell.console.flags = []
        #expect(cell.findings().contains { $0.rule == "JH0402" })
    }

    // MARK: One fault, one finding

    private func rest(_ cell: CellDescriptor, _ system: SystemDescriptor = RuleTests.system) -> [String?] {
        Finding.withoutRepetition(cell.findings() + system.findings(ofCell: cell)).map(\.rule)
    }

    @Test func memoryOfASharedDevice() {
        var system = RuleTests.system
        system.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0)]
        var cell = RuleTests.sound
        cell.memoryRegions[3] = MemoryRegion(
            name: "window", physicalStart: 0xfec0_0000, virtualStart: 0xfd00_0000, size: 0x1000, flags: [.read, .write])
        #expect(rest(cell, system) == ["JH0507"])
    }

    @Test func aPartOfAPage() {
        var cell = RuleTests.sound
        cell.memoryRegions[0].virtualStart = 0x800
        #expect(rest(cell) == ["JH0204"])
    }

    /// Linux's link of four sections at 0x3e000000, and the cell's end of it.
    private var link: (system: SystemDescriptor, cell: CellDescriptor) {
        var (system, cell) = (RuleTests.system, RuleTests.sound)
        let sizes: [UInt64] = [0x1000, 0x1000, 0x2000, 0x2000]
        var start: UInt64 = 0x3e00_0000
        var device = PCIDevice(
            kind: .sharedMemory, address: PCIAddress(rawValue: 0x70),
            barMasks: [0xffff_f000, 0, 0, 0, 0, 0], sharedMemoryPeers: 2, sharedMemoryProtocol: 1)
        device.firstSharedMemoryRegion = UInt32(system.rootCell.memoryRegions.count)
        system.rootCell.pciDevices = [device]
        device.firstSharedMemoryRegion = UInt32(cell.memoryRegions.count)
        device.sharedMemoryID = 1
        cell.pciDevices = [device]
        for (number, size) in sizes.enumerated() {
            var region = MemoryRegion(physicalStart: start, virtualStart: start, size: size, flags: .read)
            if number == 1 || number == 2 { region.flags.insert(.write) }
            system.rootCell.memoryRegions.append(region)
            region.flags = number == 1 || number == 3 ? [.read, .write, .rootShared] : [.read, .rootShared]
            cell.memoryRegions.append(region)
            start += size
        }
        system.rootCell.memoryRegions[2].size = 0
        return (system, cell)
    }

    @Test func aLinksMemoryElsewhere() {
        var (system, cell) = link
        #expect(rest(cell, system) == [])
        for index in 4..<8 { cell.memoryRegions[index].physicalStart += 0x100_0000 }
        #expect(rest(cell, system) == ["JH1013"])
        // it is another link, whatever that one speaks
        cell.pciDevices[0].sharedMemoryProtocol = 2
        #expect(rest(cell, system) == ["JH1013"])
        // a peer more is a section more, which Linux does not have
        (system, cell) = link
        cell.pciDevices[0].sharedMemoryPeers = 3
        cell.memoryRegions.append(cell.memoryRegions[6])
        cell.memoryRegions[8].physicalStart = 0x3f00_0000
        cell.memoryRegions[8].virtualStart = 0x3e00_6000
        #expect(rest(cell, system) == ["JH1014"])
    }

    /// RAM over a link has the link's memory twice, and what is behind the link is not Linux's.
    @Test func aProgramsMemoryOverALink() {
        var (system, cell) = link
        cell.memoryRegions[0].physicalStart = 0x3e00_0000
        system.rootCell.memoryRegions.removeAll { $0.physicalStart == 0x3e00_0000 && $0.size == 0x80_0000 }
        #expect(rest(cell, system) == ["JH0511"])
    }

    @Test func whatDiffersBetweenTheEndsIsNamed() {
        var (system, cell) = link
        cell.pciDevices[0].sharedMemoryProtocol = 2
        #expect(
            system.findings(ofCell: cell).map(\.message) == [
                "the device 00:0e.0 has the protocol 0x2, but 0x1 (network) in the root cell"
            ])
        cell.pciDevices[0].sharedMemoryProtocol = 1
        system.rootCell.pciDevices[0].sharedMemoryPeers = 3
        #expect(
            system.findings(ofCell: cell).first { $0.rule == "JH1014" }?.message
                == "the device 00:0e.0 has 2 peers, but 3 in the root cell")
    }

    /// Registers and interrupt of one device of Linux's.
    @Test func aDeviceOfLinuxsIsOneFinding() {
        var machine = RunningMachine(
            ioports: "", iomem: "09020000-09020fff : 9020000.serial\nfeb30000-feb30fff : ahci\n")
        machine.interrupts = RunningMachine.interrupts(
            in: " 41:  7  GICv3  35 Level  9020000.serial\n 42:  7  GICv3  36 Level  other\n")
        var cell = arm.cell
        cell.memoryRegions[2] = MemoryRegion(
            name: "registers", physicalStart: 0x902_0000, size: 0x1000, flags: [.read, .write, .io])
        cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [35])]
        func rules() -> [String?] {
            machine.findings(system: nil, cells: [.init(path: "a", cell: cell)]).map(\.rule).filter { $0 != "JH1307" }
        }
        #expect(rules() == ["JH1305"])
        cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [35, 36])]
        #expect(rules() == ["JH1305", "JH1308"])
        cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [35])]
        cell.memoryRegions[2].physicalStart = 0x903_0000
        #expect(rules() == ["JH1308"])
    }
}
