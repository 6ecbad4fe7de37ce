// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import Foundation
import TestSupport
import Testing

@testable import MachineProbe

@Suite struct ArmProposalTests {
    static func capture(_ name: String) throws -> MachineCapture {
        let root = SystemProposalTests.captures.appendingPathComponent(name)
        func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: root.appendingPathComponent(path))) }
        var capture = MachineCapture()
        capture.iomem = String(decoding: try bytes("proc/iomem"), as: UTF8.self)
        capture.cpuInfo = String(decoding: try bytes("proc/cpuinfo"), as: UTF8.self)
        capture.cpus = String(decoding: try bytes("sys/devices/system/cpu/present"), as: UTF8.self)
        let tree: DeviceNode = try #require(DeviceNode(blob: bytes("sys/firmware/fdt")))
        capture.deviceTree = tree
        return capture
    }

    @Test(arguments: ["virt-gicv2", "virt-gicv3", "aster", "dune"]) func nothingThatIsRefused(name: String) throws {
        let capture = try Self.capture(name)
        #expect(capture.processors == .arm64)
        let proposal = SystemProposal(capture)
        #expect(proposal.system.architecture == .arm64)
        #expect(proposal.system.findings().filter { $0.severity == .error || $0.rule == "JH0704" } == [])
        let text = proposal.toml(from: name)
        #expect(try SystemDescriptor(toml: text, path: name) == proposal.system, "\(text)")
        #expect(try SystemDescriptor(binary: proposal.system.binary()).binary() == proposal.system.binary())
    }

    @Test func theMiniUARTIsOneAndADisabledProcessorIsNone() throws {
        var tree = try #require(Self.capture("virt-gicv3").deviceTree)
        for index in tree.children.indices {
            if tree.children[index].isCompatible(with: ["arm,pl011"]) {
                tree.children[index].properties["compatible"] = Array("brcm,bcm2835-aux-uart\0".utf8)
            } else if tree.children[index].name == "cpus" {
                let last = try #require(tree.children[index].children.lastIndex { $0.name.hasPrefix("cpu@") })
                tree.children[index].children[last].properties["status"] = Array("disabled\0".utf8)
            }
        }
        let machine = ArmMachine(tree)
        let uart = try #require(machine.uarts.first?.console)
        #expect(uart.kind == .uart8250 && uart.flags == [.mmio, .registerDistance4])
        #expect(machine.processors.count == 3)
    }

    private func gic(_ system: SystemDescriptor) -> ArmPlatform? {
        if case .arm(let part) = system.platform.specific { part } else { nil }
    }

    @Test func virtWithGICv3() throws {
        let proposal = SystemProposal(try Self.capture("virt-gicv3"))
        let system = proposal.system
        #expect(
            gic(system)
                == ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        #expect(
            system.debugConsole
                == Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: [.mmio, .registerDistance4]))
        #expect(system.rootCell.name == "linux-dummy-virt" && system.rootCell.cpus.members == [0, 1, 2, 3])
        #expect(proposal.notes["root-cell"]?.contains { $0.contains("0x0, 0x1, 0x2, 0x3") } == true)
        // virtio devices have the SPIs 16 to 47
        #expect(system.rootCell.vpciInterruptBase == 48)
        #expect(system.platform.virtualPCI == 1 && system.platform.mmconfigEndBus == 0)
        #expect(system.platform.pciDomain == 1)
        #expect(system.rootCell.interruptChips.map(\.pinBase) == [32])
        #expect(system.rootCell.interruptChips[0].pins == Array(32..<160))
        #expect(!system.rootCell.memoryRegions.contains { $0.physicalStart == 0x800_0000 })
        let uart = system.rootCell.memoryRegions.first { $0.physicalStart == 0x900_0000 }
        #expect(uart?.flags == [.read, .write, .io] && uart?.name == "pl011@9000000")
        // the last of 1 GiB
        #expect(system.hypervisorMemory.physicalStart + system.hypervisorMemory.size == 0x7f00_0000)
        #expect(proposal.notes["hypervisor-memory"]?.first?.contains("Linux still uses this memory") == true)
        #expect(proposal.notes[""]?.contains { $0.contains("cannot run it") } == false)
    }

    /// Linux's list of CPUs may be missing from a capture.
    @Test func processorsOfTheDeviceTree() throws {
        var capture = try Self.capture("virt-gicv3")
        capture.cpus = ""
        let proposal = SystemProposal(capture)
        #expect(proposal.system.rootCell.cpus.members == [0, 1, 2, 3])
        #expect(proposal.notes["root-cell"]?.first?.contains("those of the device tree") == true)
        #expect(proposal.notes["root-cell"]?.contains { $0.contains("does not report") } == false)
    }

    /// What a secure world or another processor has is no memory for a hypervisor; the firmware's node may be elsewhere.
    @Test func memoryOfOthersAndTheFirmwareElsewhere() throws {
        var capture = try Self.capture("virt-gicv3")
        var tree = try #require(capture.deviceTree)
        let psci = try #require(tree.child("psci"))
        tree.children.removeAll { $0.name == "psci" }
        tree.children.append(DeviceNode(name: "firmware", children: [psci]))
        let root = try #require(tree.properties["#address-cells"])
        // the last 24 MiB of 1 GiB
        var secure = DeviceNode(name: "optee@7e800000")
        secure.properties["reg"] = [0, 0, 0, 0, 0x7e, 0x80, 0, 0, 0, 0, 0, 0, 0x01, 0x80, 0, 0]
        secure.properties["no-map"] = []
        var reserved = DeviceNode(name: "reserved-memory", children: [secure])
        reserved.properties["#address-cells"] = root
        reserved.properties["#size-cells"] = root
        reserved.properties["ranges"] = []
        tree.children.append(reserved)
        capture.deviceTree = tree
        capture.iomem = ""
        let proposal = SystemProposal(capture)
        let memory = proposal.system.hypervisorMemory
        #expect(memory.physicalStart + memory.size <= 0x7e80_0000 && memory.size > 0)
        let offer = proposal.notes["hypervisor-memory"]?.last ?? ""
        #expect(offer.contains("Linux leaves alone optee@7e800000 (0x7e800000–0x7fffffff), too."), "\(offer)")
        #expect(proposal.notes[""]?.contains { $0.contains("cannot run it") } == false)
    }

    /// Neither an Intel nor an Arm processor: nothing is proposed for one.
    @Test(arguments: [
        "vendor_id       : IBM/S390\nfeatures\t: esan3 zarch\n", "CPU Family\t: Loongson-64bit\n", "cpu\t\t: POWER9\n",
    ]) func otherProcessors(cpuInfo: String) {
        var capture = MachineCapture()
        capture.cpuInfo = cpuInfo
        #expect(capture.processors == .other("unknown"))
        capture.deviceTree = DeviceNode(
            children: [DeviceNode(name: "cpus", children: [DeviceNode(name: "PowerPC,POWER9@0")])])
        #expect(capture.processors == .other("unknown"))
    }

    @Test func virtWithGICv2() throws {
        let system = SystemProposal(try Self.capture("virt-gicv2")).system
        #expect(
            gic(system)
                == ArmPlatform(
                    maintenanceInterrupt: 25, gicVersion: 2, gicdBase: 0x800_0000, giccBase: 0x801_0000,
                    gichBase: 0x803_0000, gicvBase: 0x804_0000))
    }

    /// Interrupts of messages are Linux's, too.
    @Test func messageFrames() throws {
        var capture = try Self.capture("virt-gicv2")
        let unnamed = SystemProposal(capture).notes["root-cell"] ?? []
        #expect(unnamed.contains { $0.contains("v2m@8020000") && $0.contains("0x8020008") }, "\(unnamed)")
        func name(_ node: DeviceNode) -> DeviceNode {
            var node = node
            if node.name == "v2m@8020000" {
                node.properties["arm,msi-base-spi"] = [0, 0, 0, 80]
                node.properties["arm,msi-num-spis"] = [0, 0, 0, 64]
            }
            node.children = node.children.map(name)
            return node
        }
        capture.deviceTree = try name(#require(capture.deviceTree))
        let named = SystemProposal(capture)
        #expect(named.system.rootCell.vpciInterruptBase == 112)
        #expect(named.notes["root-cell"]?.contains { $0.contains("v2m") } == false)
    }

    @Test func aBoardWithBusesOfItsOwn() throws {
        let proposal = SystemProposal(try Self.capture("aster"))
        let system = proposal.system
        #expect(gic(system)?.gicvBase == 0x180_6000)
        #expect(system.debugConsole.address == 0xf012_0000 && system.debugConsole.kind == .uart8250)
        #expect(system.debugConsole.flags == [.mmio, .registerDistance4])
        // the one that is disabled is not offered
        let others = proposal.notes["debug-console"]?.filter { $0.hasPrefix("Another one") } ?? []
        #expect(others.count == 1 && others[0].contains("0xf0130000"))
        #expect(system.platform.iommuUnits.map(\.kind) == [.mmu500])
        #expect(system.platform.iommuUnits.map(\.base) == [0xf080_0000])
        // what is reserved is the hypervisor's and the cells'
        #expect(system.hypervisorMemory.physicalStart == 0xb780_0000)
        let cells = system.rootCell.memoryRegions.first { $0.name == "memory for cells" }
        #expect(cells?.physicalStart == 0xb000_0000 && cells?.size == 0x780_0000)
        #expect(proposal.notes["root-cell"]?.contains { $0.contains("0x0, 0x1, 0x100, 0x101") } == true)
        #expect(system.rootCell.vpciInterruptBase == 72)
        #expect(system.rootCell.memoryRegions.contains { $0.name == "clock-controller@200000" })
        // addresses on an I2C bus are none of the processor's
        #expect(!system.rootCell.memoryRegions.contains { $0.physicalStart < 0x1000 })
    }

    @Test func whatCannotRunItIsSaid() throws {
        var capture = try Self.capture("virt-gicv3")
        let index = try #require(capture.deviceTree?.children.firstIndex { $0.name == "psci" })
        capture.deviceTree?.children[index].properties["method"] = Array("hvc\0".utf8)
        #expect(SystemProposal(capture).notes[""]?.contains { $0.contains("PSCI is called by hvc") } == true)
        capture.deviceTree?.children.remove(at: index)
        #expect(SystemProposal(capture).notes[""]?.contains { $0.contains("has no PSCI") } == true)
    }

    @Test func whatAGICv3CannotHaveIsSaid() throws {
        func notes(_ change: (inout DeviceNode) throws -> Void) throws -> [String] {
            var capture = try Self.capture("virt-gicv3")
            var tree = try #require(capture.deviceTree)
            try change(&tree)
            capture.deviceTree = tree
            let notes = SystemProposal(capture).notes
            return (notes[""] ?? []) + (notes["platform"] ?? [])
        }
        func words(_ numbers: UInt32...) -> [UInt8] {
            numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) } }
        }
        func gic(_ tree: DeviceNode) throws -> Int {
            try #require(tree.children.firstIndex { $0.name.hasPrefix("intc") })
        }
        let whole = try notes { _ in }
        #expect(!whole.contains { $0.contains("cannot run it with all") || $0.contains("maintenance") })
        let parted = try notes { tree in
            let index = try gic(tree)
            tree.children[index].properties["reg"] = words(
                0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x2_0000, 0, 0x820_0000, 0, 0x10_0000)
            tree.children[index].properties["#redistributor-regions"] = words(2)
        }
        #expect(parted.contains { $0.contains("in 2 windows, of which the first has room for 1") }, "\(parted)")
        let stride = try notes { tree in
            try tree.children[gic(tree)].properties["redistributor-stride"] = words(0, 0x4_0000)
        }
        #expect(stride.contains { $0.contains("0x40000 bytes apart") }, "\(stride)")
        let silent = try notes { tree in
            try tree.children[gic(tree)].properties["interrupts"] = nil
        }
        #expect(silent.contains { $0.contains("maintenance interrupt") }, "\(silent)")
        let far = try notes { tree in
            let cpus = try #require(tree.children.firstIndex { $0.name == "cpus" })
            let first = try #require(tree.children[cpus].children.firstIndex { $0.name == "cpu@1" })
            tree.children[cpus].children[first].properties["reg"] = words(0x14)
        }
        #expect(far.contains { $0.contains("0x14; enabling fails with EIO") }, "\(far)")
    }

    @Test func otherProcessorsAreNamed() {
        func processors(_ text: String) -> MachineCapture.Processors {
            var capture = MachineCapture()
            capture.cpuInfo = text
            return capture.processors
        }
        #expect(processors("processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\n") == .other("RISC-V"))
        #expect(processors("processor\t: 0\nCPU architecture: 7\n") == .other("32-bit Arm"))
        #expect(processors("processor\t: 0\nCPU architecture: 8\n") == .arm64)
        #expect(processors("processor\t: 0\nvendor_id\t: GenuineIntel\n") == .x86)
        #expect(processors("") == .x86)
        var capture = MachineCapture()
        let cpu = DeviceNode(name: "cpu@0", properties: ["compatible": Array("riscv\0".utf8)])
        capture.deviceTree = DeviceNode(children: [DeviceNode(name: "cpus", children: [cpu])])
        #expect(capture.processors == .other("RISC-V"))
    }

    @Test func damagedTreesNeverTrap() throws {
        let root = SystemProposalTests.captures.appendingPathComponent("aster/sys/firmware/fdt")
        let whole = Array(try Data(contentsOf: root))
        var generator = SeededGenerator(seed: 124)
        for round in 0..<2000 {
            var blob = whole
            if round.isMultiple(of: 5) { blob = Array(blob.prefix(Int.random(in: 0...blob.count, using: &generator))) }
            for _ in 0..<(round % 9) where !blob.isEmpty {
                blob[Int.random(in: 0..<blob.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let tree = DeviceNode(blob: blob) else { continue }
            var capture = MachineCapture()
            capture.cpuInfo = "CPU architecture: 8\n"
            capture.deviceTree = tree
            let proposal = SystemProposal(capture)
            _ = proposal.toml(from: "damaged")
            _ = proposal.system.findings()
        }
    }
}
