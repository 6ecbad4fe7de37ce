// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import DeviceTree
import Testing

@testable import MachineProbe

/// What boards have that QEMU's machine does not.
@Suite struct ArmBoardTests {
    private static func words(_ numbers: UInt32...) -> [UInt8] { [UInt8](cells: numbers) }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

    private static func tree() throws -> DeviceNode { try #require(ArmProposalTests.capture("virt-gicv3").deviceTree) }

    /// With a fourth cell, for the processors of a PPI, each device has as many more.
    @Test func interruptsOfFourCells() throws {
        var tree = try #require(ArmProposalTests.capture("virt-gicv3").deviceTree)
        let gic = try #require(tree.children.firstIndex { $0.name.hasPrefix("intc") })
        tree.children[gic].properties["#interrupt-cells"] = Self.words(4)
        let device = DeviceNode(
            name: "eth", properties: ["interrupts": Self.words(0, 183, 4, 0, 0, 184, 4, 0)])
        let kept = tree.children.filter { $0.name.hasPrefix("intc") || $0.name.hasPrefix("cpus") }
        tree.children = kept + [device]
        let used = ArmMachine(tree).usedInterrupts
        #expect(used.isSuperset(of: [183, 184]) && !used.contains(0), "\(used)")
    }

    /// As upstream's configurations of boards with 64 KiB pages have it: ZynqMP, LS1043A.
    @Test func interfacesThatAreRepeated() throws {
        var tree = try #require(ArmProposalTests.capture("virt-gicv2").deviceTree)
        let gic = try #require(tree.children.firstIndex { $0.name.hasPrefix("intc") })
        tree.children[gic].properties["reg"] = Self.words(
            0, 0xf901_0000, 0, 0x1_0000, 0, 0xf902_0000, 0, 0x2_0000, 0, 0xf904_0000, 0, 0x2_0000, 0, 0xf906_0000, 0,
            0x2_0000)
        let platform = try #require(ArmMachine(tree).gic?.platform)
        #expect(platform.gicdBase == 0xf901_0000 && platform.gichBase == 0xf904_0000)
        #expect(platform.giccBase == 0xf902_f000 && platform.gicvBase == 0xf906_f000)
    }

    @Test func consolesOfBoards() throws {
        func console(_ compatible: String, _ base: UInt32 = 0x280_0000, _ size: UInt32 = 0x100) throws -> Console? {
            var tree = try Self.tree()
            tree.children.removeAll { $0.name.hasPrefix("pl011") }
            tree.children.append(
                DeviceNode(
                    name: "serial",
                    properties: ["compatible": Self.text(compatible), "reg": Self.words(0, base, 0, size)]))
            return ArmMachine(tree).uarts.first?.console
        }
        let wide = Console(kind: .uart8250, address: 0x280_0000, size: 0x1000, flags: [.mmio, .registerDistance4])
        #expect(try console("ti,am654-uart") == wide)
        #expect(try console("ns16550a")?.flags == .mmio)
        #expect(try console("arm,sbsa-uart")?.kind == .pl011)
        // one of several in a page
        #expect(try console("brcm,bcm2835-aux-uart", 0xfe21_5040, 0x40)?.size == 0x40)
    }

    /// Device memory cannot be accessed in any way, as Linux does with an SRAM's.
    @Test func memoryAmongDevices() throws {
        var capture = try ArmProposalTests.capture("virt-gicv3")
        var tree = try Self.tree()
        tree.children.append(
            DeviceNode(
                name: "sram@b000000",
                properties: ["compatible": Self.text("mmio-sram"), "reg": Self.words(0, 0xb00_0000, 0, 0x1_0000)]))
        capture.deviceTree = tree
        let region = SystemProposal(capture).system.rootCell.memoryRegions.first { $0.name == "sram@b000000" }
        #expect(region?.flags == [.read, .write, .execute, .dma])
    }

    @Test func interruptsBehindOtherControllers() throws {
        var tree = try Self.tree()
        let before = ArmMachine(tree).usedInterrupts
        tree.children.append(
            DeviceNode(
                name: "router", properties: ["ti,interrupt-ranges": Self.words(0, 100, 4, 8, 200, 2, 0, 0xffff_ffff, 9)]
            ))
        let gic = try #require(tree.children.firstIndex { $0.name.hasPrefix("intc") })
        tree.children[gic].properties["mbi-ranges"] = Self.words(332, 2)
        #expect(ArmMachine(tree).usedInterrupts.subtracting(before) == [100, 101, 102, 103, 200, 201, 300, 301])
    }

    @Test func aBoardWithAGICv3() throws {
        let proposal = SystemProposal(try ArmProposalTests.capture("dune"))
        let system = proposal.system
        guard case .arm(let gic) = system.platform.specific else { return }
        #expect(
            gic == ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x180_0000, gicrBase: 0x188_0000))
        #expect(
            system.debugConsole
                == Console(kind: .uart8250, address: 0x280_0000, size: 0x1000, flags: [.mmio, .registerDistance4]))
        #expect(system.rootCell.cpus.members == [0, 1])
        #expect(system.platform.iommuUnits.map(\.kind) == [.smmuV3])
        #expect(system.platform.pciDomain == 1 && system.hypervisorMemory.physicalStart == 0x8_ff80_0000)
        // 32 to 47 are the router's, 70 the SMMU's, 178 to 180 the UARTs', 224 to 231 for messages
        #expect(system.rootCell.vpciInterruptBase == 8)
        let regions = system.rootCell.memoryRegions.filter { $0.physicalStart >= 0x4100_0000 && $0.name != "RAM" }
        #expect(
            regions.map(\.name) == [
                "PCI ports of pcie@40000000", "PCI devices of pcie@40000000", "mailbox@90000000", "pool@90100000",
                "reserved by the firmware", "framebuffer@9f000000", "memory for cells", "PCI device 0000:01:00.0",
            ])
        let notes = proposal.notes[""] ?? []
        #expect(notes.contains { $0.hasPrefix("secure@9e000000 (0x9e000000–0x9effffff) is left out") })
        #expect(notes.contains { $0.hasPrefix("PCI devices of pcie@40000000: the window at 0x4000000000 is left out") })
        #expect(proposal.notes["platform"]?.contains { $0.hasPrefix("iommu@8f3f00 (dune,display-mmu)") } == true)
    }
}
