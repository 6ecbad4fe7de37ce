// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import Testing

@testable import MachineProbe

@Suite struct ArmMemoryTests {
    private static func capture(_ name: String) throws -> MachineCapture { try ArmProposalTests.capture(name) }

    private static func words(_ numbers: UInt32...) -> [UInt8] { [UInt8](cells: numbers) }

    /// Memory that is no RAM for Linux, but its drivers'; what nobody refers to is the firmware's.
    @Test func reservedMemoryThatDriversUse() throws {
        var capture = try Self.capture("virt-gicv3")
        var tree = try #require(capture.deviceTree)
        func node(_ name: String, _ base: UInt32, _ others: (String, [UInt8])...) -> DeviceNode {
            var node = DeviceNode(
                name: name, properties: ["reg": Self.words(0, base, 0, 0x10_0000), "no-map": []])
            for other in others { node.properties[other.0] = other.1 }
            return node
        }
        let handle = ("phandle", Self.words(0x777))
        let unused = ("phandle", Self.words(0x778))
        let pool = ("compatible", Array("shared-dma-pool\0".utf8))
        let anywhere = DeviceNode(
            name: "carveout", properties: ["size": Self.words(0, 0x10_0000), "no-map": []])
        let reserved = DeviceNode(
            name: "reserved-memory",
            properties: ["#address-cells": Self.words(2), "#size-cells": Self.words(2), "ranges": []],
            children: [
                node("rpmsg@60000000", 0x6000_0000, handle), node("optee@61000000", 0x6100_0000, unused),
                node("pool@62000000", 0x6200_0000, pool), anywhere,
            ])
        let user = DeviceNode(name: "mcu", properties: ["memory-region": Self.words(0x777)])
        let idle = DeviceNode(
            name: "idle", properties: ["memory-region": Self.words(0x778), "status": Array("disabled\0".utf8)])
        tree.children += [reserved, DeviceNode(name: "bus", children: [user, idle])]
        capture.deviceTree = tree
        // as Linux shows what it does not map
        capture.iomem = """
            40000000-5fffffff : System RAM
            60000000-600fffff : reserved
            60100000-60ffffff : System RAM
            61000000-610fffff : reserved
            61100000-61ffffff : System RAM
            62000000-620fffff : reserved
            62100000-7fefffff : System RAM
            7ff00000-7fffffff : reserved

            """
        let proposal = SystemProposal(capture)
        let regions = proposal.system.rootCell.memoryRegions
        func index(_ name: String) throws -> Int { try #require(regions.firstIndex { $0.name == name }) }
        let used = try index("rpmsg@60000000")
        #expect(regions[used].physicalStart == 0x6000_0000 && regions[used].flags == [.read, .write, .dma])
        #expect(proposal.notes["memory[\(used)]"]?.first?.contains("for mcu, by memory-region") == true)
        let shared = try index("pool@62000000")
        #expect(proposal.notes["memory[\(shared)]"]?.first?.contains("(shared-dma-pool)") == true)
        let firmware = try index("reserved by the firmware")
        #expect(regions[firmware].physicalStart == 0x7ff0_0000 && regions[firmware].flags == [.read, .write, .execute])
        #expect(!regions.contains { $0.physicalStart <= 0x6100_0000 && 0x6100_0000 < $0.physicalStart + $0.size })
        let notes = proposal.notes[""] ?? []
        #expect(notes.contains { $0.hasPrefix("optee@61000000 (0x61000000–0x610fffff) is left out") }, "\(notes)")
        #expect(notes.contains { $0.hasPrefix("Linux chooses the place of carveout") }, "\(notes)")
        #expect(proposal.system.findings().filter { $0.severity == .error } == [])
        // without /proc/iomem the tree's RAM has a hole there, too
        capture.iomem = ""
        let tree2 = SystemProposal(capture).system.rootCell.memoryRegions
        #expect(tree2.contains { $0.name == "rpmsg@60000000" })
        #expect(!tree2.contains { $0.physicalStart <= 0x6100_0000 && 0x6100_0000 < $0.physicalStart + $0.size })
    }

    /// Linux maps the I/O ports of PCI devices, too.
    @Test func portsOfPCIHostsAreLinuxs() throws {
        let regions = SystemProposal(try Self.capture("virt-gicv3")).system.rootCell.memoryRegions
        let ports = regions.first { $0.physicalStart == 0x3eff_0000 }
        #expect(ports?.name == "PCI ports of pcie@10000000" && ports?.size == 0x1_0000)
        #expect(ports?.flags == [.read, .write, .io])
    }

    /// Of the large window for 64-bit registers, what Linux has placed there.
    @Test func farDevicesThatLinuxHas() throws {
        var capture = try Self.capture("virt-gicv3")
        capture.iomem = capture.iomem.replacing(
            "8000000000-ffffffffff : pcie@10000000\n",
            with: """
                8000000000-ffffffffff : pcie@10000000
                  8000000000-8000003fff : 0000:00:01.0
                    8000000000-8000003fff : nvme

                """)
        #expect(capture.iomem.contains("nvme"))
        let proposal = SystemProposal(capture)
        let region = proposal.system.rootCell.memoryRegions.first { $0.physicalStart == 0x80_0000_0000 }
        #expect(region?.name == "PCI device 0000:00:01.0" && region?.size == 0x4000)
        #expect(proposal.notes[""]?.contains { $0.contains("but for what /proc/iomem has in it") } == true)
    }

    @Test func severalPCIHostsAndAnIOMMUOfAnotherKind() throws {
        var capture = try Self.capture("virt-gicv3")
        var tree = try #require(capture.deviceTree)
        let host = try #require(tree.children.first { $0.name.hasPrefix("pcie") })
        var second = host
        second.name = "pcie@20000000"
        second.properties["reg"] = Self.words(0, 0x2000_0000, 0, 0x100_0000)
        second.properties["ranges"] = nil
        tree.children.append(second)
        tree.children.append(
            DeviceNode(
                name: "iommu@5000000",
                properties: [
                    "compatible": Array("arm,smmu-v2\0".utf8), "#iommu-cells": Self.words(1),
                    "reg": Self.words(0, 0x500_0000, 0, 0x10000),
                ]))
        capture.deviceTree = tree
        let proposal = SystemProposal(capture)
        #expect(proposal.system.platform.pciDomain == 2)
        #expect(
            proposal.notes["platform"]?.contains { $0.hasPrefix("iommu@5000000 (arm,smmu-v2) is an IOMMU") } == true)
        second.properties["linux,pci-domain"] = Self.words(7)
        tree.children.append(second)
        #expect(ArmMachine(tree).freePCIDomain == 8)
    }

    @Test func devicesWithoutANode() throws {
        var capture = try Self.capture("virt-gicv3")
        capture.iomem += "0b000000-0b000fff : watchdog\n  0b000000-0b0000ff : wdt.0\n"
        let region = SystemProposal(capture).system.rootCell.memoryRegions.first { $0.physicalStart == 0xb00_0000 }
        #expect(region?.name == "watchdog" && region?.size == 0x1000 && region?.flags == [.read, .write, .io])
    }
}
