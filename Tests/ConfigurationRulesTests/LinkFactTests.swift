// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

/// What links and the virtual PCI host need.
@Suite struct LinkFactTests: FactSystems {
    @Test func anArmLinkNeedsAHostController() throws {
        var system = board
        system.platform.virtualPCI = 1
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        func found() -> [String] { system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH1024" } }
        #expect(found() == ["JH1024"])
        system.platform.mmconfigBase = 0x8e0_0000
        #expect(found() == [])
    }

    @Test func endsOfALinkInTwoDomains() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x8e0_0000)
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        func found(_ domain: UInt16) -> [String] {
            var own = link
            own.domain = domain
            let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [own])
            return system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH1027" }
        }
        #expect(found(0) == [] && found(1) == ["JH1027"])
        // Linux chooses the number
        system.platform.pciDomain = .max
        #expect(found(1) == [])
    }

    @Test func emptyEntriesAreSectionsOfLinks() throws {
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [link])
        cell.memoryRegions = Array(repeating: MemoryRegion(), count: 5)
        let found = cell.findings().filter { $0.rule == "JH0201" }
        #expect(found.map(\.location) == ["memory[4]"] && found.first?.severity == .note)
        // one finding for all, and none beside a link whose index is wrong
        cell.memoryRegions.append(MemoryRegion())
        let both = cell.findings().filter { $0.rule == "JH0201" }
        #expect(both.count == 1 && both.first?.others == ["memory[5]"])
        cell.memoryRegions[1] = MemoryRegion(name: "out", physicalStart: 0x1000, size: 0x1000, flags: .read)
        cell.memoryRegions[2] = MemoryRegion(name: "out", physicalStart: 0x3000, size: 0x1000, flags: .read)
        let rules = cell.findings().compactMap(\.rule)
        #expect(rules.contains("JH1020") && !rules.contains("JH0201") && !rules.contains("JH1006"))
    }

    @Test func aHostThatIsNotVirtual() throws {
        var system = board
        system.platform.mmconfigBase = 0x8e0_0000
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        system.rootCell.memoryRegions = [
            MemoryRegion(
                name: "devices", physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x3700_0000,
                flags: [.read, .write, .io])
        ]
        #expect(rules(system, among: "JH1024", "JH0705") == ["JH1024"])
        // said of the system alone
        let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        #expect(system.findings(ofCell: cell).filter { $0.rule == "JH1024" } == [])
        system.platform.virtualPCI = 1
        #expect(rules(system, among: "JH1024", "JH0705") == [])
        // beside a device that there is, the links are behind the machine's own host
        system.platform.virtualPCI = 0
        system.rootCell.pciDevices.append(try device("01:00.0"))
        #expect(rules(system, among: "JH1024") == [])
    }

    @Test func interruptsOfLinksWithoutABase() throws {
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        var cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 133])]
        func found() -> [Finding.Severity] { cell.findings().filter { $0.rule == "JH1110" }.map(\.severity) }
        #expect(found() == [.note])
        cell.vpciInterruptBase = 100
        #expect(found() == [])
        cell.interruptChips = []
        #expect(found() == [.warning])
        // of such a system it is said once
        var system = board
        system.rootCell.interruptChips = []
        #expect(rules(system, among: "JH1118", "JH1110") == ["JH1118"])
        system.rootCell.pciDevices = [link]
        #expect(rules(system, among: "JH1118", "JH1110") == ["JH1110"])
    }

    @Test(
        arguments: [
            ([0xffff_f000, 0], 0, []), ([0xffff_0000, 0], 0, []), ([0xffff_f000, 0xffff_fe00], 2, []),
            ([0xffff_f000, 0xffff_f000], 0, ["JH1026"]), ([0, 0], 0, ["JH1026"]),
            ([0xffff_ff00, 0xffff_ffff], 0, ["JH1026"]), ([0xffff_f000, 0], 2, ["JH1026"]),
            // no run of ones: one finding all the same
            ([0x2_0000, 0], 0, ["JH1026"]), ([0xffff_f000, 0x2_0000], 2, ["JH1019"]),
        ] as [([UInt32], UInt16, [String])])
    func theRegistersOfALink(masks: [UInt32], vectors: UInt16, expected: [String]) throws {
        var link = try device("00:01.0", msix: vectors)
        (link.kind, link.sharedMemoryPeers, link.barMasks) = (.sharedMemory, 2, masks + [0, 0, 0, 0])
        let cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [link])
        #expect(cell.findings().compactMap(\.rule).filter { ["JH1019", "JH1026"].contains($0) } == expected)
    }

    @Test func placesOfTheVirtualHost() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x8e0_0000)
        system.hypervisorMemory = MemoryRegion(physicalStart: 0x7fc0_0000, size: 0x40_0000)
        system.debugConsole = Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: .mmio)
        system.rootCell.memoryRegions = [
            MemoryRegion(
                name: "devices", physicalStart: 0x8f0_2000, virtualStart: 0x8f0_2000, size: 0x1000, flags: [.read, .io])
        ]
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        func found() -> [String] { system.findings().filter { $0.rule == "JH1119" }.map(\.location) }
        #expect(found() == [])
        system.platform.mmconfigBase = 0x7fc0_0000
        #expect(found() == ["platform.mmconfig-base"])
        system.platform.mmconfigBase = 0x8f1_0000
        #expect(found() == ["platform.mmconfig-base"])
        // two pages a link
        system.platform.mmconfigBase = 0x8e0_0000
        system.rootCell.pciDevices.append(link)
        #expect(found() == ["memory[0]"])
        // of the CPUs that there are
        system.platform.mmconfigBase = 0x810_0000
        #expect(system.findings().filter { $0.rule == "JH1113" }.map(\.severity) == [.warning])
        system.platform.mmconfigBase = 0x820_0000
        #expect(system.findings().filter { $0.rule == "JH1113" } == [])
    }
}
