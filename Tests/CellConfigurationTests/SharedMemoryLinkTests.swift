// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration

@Suite struct SharedMemoryLinkTests {
    private static let header = """
        [cell]
        name = "linked"
        architecture = "arm64"
        cpus = [3]

        """

    private static let ram = """

        [[memory]]
        name = "ram"
        physical = 0x7bfe0000
        virtual = 0x0
        size = "64 KiB"
        access = ["read", "write", "execute", "loadable"]

        """

    private static let network = """

        [[ivshmem]]
        name = "network"
        bdf = "00:01.0"
        domain = 0x1
        peer-id = 1
        protocol = "veth"
        physical = 0x7fb00000
        output-size = "508 KiB"

        """

    private static let demo = """

        [[ivshmem]]
        bdf = "00:00.0"
        domain = 0x1
        peer-id = 0
        peers = 3
        msix-vectors = 16
        physical = 0x7faf0000
        common-size = "36 KiB"
        output-size = "8 KiB"
        root-shared = false
        first-memory-region = 0
        device-index = 0

        """

    private func cell(_ toml: String) throws(ConfigurationError) -> CellDescriptor {
        try CellDescriptor(toml: toml, path: "x.toml")
    }

    /// As upstream has it: the state table, what is common, and empty places for the output sections.
    @Test func aVirtioLinkHasNoOutputSections() throws {
        let device = PCIDevice(
            kind: .sharedMemory, address: PCIAddress(rawValue: 0x160),
            barMasks: [0xffff_f000, 0xffff_f000, 0, 0, 0, 0],
            msixVectors: 2, firstSharedMemoryRegion: 0, sharedMemoryID: 1, sharedMemoryPeers: 2,
            sharedMemoryProtocol: 0x8002)
        let regions = [
            MemoryRegion(
                physicalStart: 0x3f00_0000, virtualStart: 0x3f00_0000, size: 0x1000, flags: [.read, .rootShared]),
            MemoryRegion(
                physicalStart: 0x3f00_1000, virtualStart: 0x3f00_1000, size: 0xdf000,
                flags: [.read, .write, .rootShared]),
            MemoryRegion(), MemoryRegion(),
        ]
        let cell = CellDescriptor(name: "linux", memoryRegions: regions, pciDevices: [device])
        let toml = cell.toml()
        #expect(toml.contains("[[ivshmem]]\nname = \"virtio block, front end\"\n"), "\(toml)")
        #expect(toml.contains("protocol = 0x8002") && toml.contains("# virtio block, front end"), "\(toml)")
        #expect(try CellDescriptor(toml: toml, path: "x").binary() == cell.binary())
        let names = try ConfigurationFile(contents: cell.binary(), path: "x.cell")
        guard case .cell(let read) = names else { throw ConfigurationError(.signature, "no cell") }
        #expect(read.memoryRegions[0].name == "virtio block, front end: state table")
        #expect(read.memoryRegions[1].name == "virtio block, front end: common section")
        // what is no link by its regions is named at its protocol
        var odd = cell
        odd.memoryRegions[1].size = 0x1001
        odd.memoryRegions[2] = odd.memoryRegions[1]
        #expect(odd.toml().contains("virtio block, front end"), "\(odd.toml())")
        #expect(SharedMemoryLink.protocolText(0xc003) == "0xc003 (virtio console, back end)")
        #expect(SharedMemoryLink.protocolText(0x4000) == "0x4000")
    }

    @Test func aLinkBecomesItsRegionsAndADevice() throws {
        let cell = try cell(Self.header + Self.ram + Self.network)
        #expect(
            cell.memoryRegions.dropFirst() == [
                MemoryRegion(
                    name: "network: state table", physicalStart: 0x7fb0_0000, virtualStart: 0x7fb0_0000, size: 0x1000,
                    flags: [.read, .rootShared]),
                MemoryRegion(),
                MemoryRegion(
                    name: "network: output of peer 0", physicalStart: 0x7fb0_1000, virtualStart: 0x7fb0_1000,
                    size: 0x7f000, flags: [.read, .rootShared]),
                MemoryRegion(
                    name: "network: output of peer 1", physicalStart: 0x7fb8_0000, virtualStart: 0x7fb8_0000,
                    size: 0x7f000, flags: [.read, .write, .rootShared]),
            ])
        #expect(
            cell.pciDevices == [
                PCIDevice(
                    kind: .sharedMemory, domain: 1, address: PCIAddress(rawValue: 8),
                    barMasks: [0xffff_f000, 0, 0, 0, 0, 0], firstSharedMemoryRegion: 1, sharedMemoryID: 1,
                    sharedMemoryPeers: 2, sharedMemoryProtocol: 1)
            ])
    }

    @Test func severalStandWhereTheySay() throws {
        let toml = Self.header + Self.ram + Self.network + Self.demo
        let cell = try cell(toml)
        #expect(
            cell.memoryRegions.map(\.physicalStart) == [
                0x7faf_0000, 0x7faf_1000, 0x7faf_a000, 0x7faf_c000, 0x7faf_e000, 0x7bfe_0000, 0x7fb0_0000, 0,
                0x7fb0_1000, 0x7fb8_0000,
            ])
        #expect(cell.memoryRegions[1].flags == [.read, .write])
        #expect(cell.memoryRegions.prefix(5).filter { $0.flags.contains(.write) }.count == 2)
        #expect(cell.pciDevices.map(\.firstSharedMemoryRegion) == [0, 6])
        #expect(cell.pciDevices[0].barMasks == [0xffff_f000, 0xffff_f000, 0, 0, 0, 0])
    }

    @Test func decompiledItIsALinkAgain() throws {
        let toml = Self.header + Self.ram + Self.network
        #expect(try CellDescriptor(binary: cell(toml).binary()).toml() == toml)
        #expect(try cell(toml.replacing("\"network\"", with: "\"uplink\"")).toml().contains("name = \"uplink\""))
        // one that does not stand at the end says where it stands
        let both = try CellDescriptor(binary: cell(toml + Self.demo).binary())
        #expect(
            both.toml() == Self.header + Self.ram + Self.demo.replacing("device-index = 0\n", with: "") + Self.network)
        #expect(try self.cell(both.toml()).binary() == both.binary())
    }

    @Test func virtioLinksAreNamed() throws {
        let toml = Self.header + Self.ram + Self.network
        for (number, name) in [
            ("0x8002", "virtio block, front end"), ("0xc003", "virtio console, back end"),
            ("0x80ff", "virtio device 255, front end"),
        ] {
            let cell = try cell(toml.replacing("\"veth\"", with: number).replacing("name = \"network\"\n", with: ""))
            let text = try CellDescriptor(binary: cell.binary()).toml()
            #expect(text.contains("name = \"\(name)\"\n"), "\(text)")
            #expect(text.contains("protocol = \(number)"), "\(text)")
            #expect(text.contains("# \(name)\n"), "\(text)")
            #expect(try self.cell(text).binary() == cell.binary())
            let file = try ConfigurationFile(contents: cell.binary(), path: "x")
            guard case .cell(let named) = file else { continue }
            // the source without a name has the same one
            #expect(cell.memoryRegions[1].name == named.memoryRegions[1].name)
            #expect(named.memoryRegions.dropFirst().first?.name == "\(name): state table")
        }
    }

    @Test(arguments: [
        "common section with an address", "hole", "no peers", "other access", "a capability", "beyond the list",
    ]) func whatIsNoLinkStaysAsItIs(what: String) throws {
        var cell = try cell(Self.header + Self.ram + Self.network)
        switch what {
        case "common section with an address": cell.memoryRegions[2].physicalStart = 0x1000
        case "hole": cell.memoryRegions[4].physicalStart += 0x1000
        case "no peers": cell.pciDevices[0].sharedMemoryPeers = 0
        case "other access": cell.memoryRegions[3].flags.insert(.dma)
        case "a capability": cell.pciDevices[0].capabilityCount = 1
        default: cell.pciDevices[0].firstSharedMemoryRegion = 2
        }
        let binary = try cell.binary()
        let text = try CellDescriptor(binary: binary).toml()
        #expect(!text.contains("[[ivshmem]]"))
        #expect(try self.cell(text).binary() == binary)
    }

    @Test func twoDevicesMayShareRegions() throws {
        var cell = try cell(Self.header + Self.ram + Self.network)
        cell.pciDevices.append(cell.pciDevices[0])
        cell.pciDevices[1].address = PCIAddress(rawValue: 0x10)
        let text = try CellDescriptor(binary: cell.binary()).toml()
        #expect(text.contains("[[ivshmem]]") && text.contains("[[pci-device]]"))
        #expect(try self.cell(text).binary() == cell.binary())
    }

    @Test(arguments: [
        ("peer-id = 1", "peer-id = 2", 17, "ivshmem[0].peer-id"),
        ("0x7fb00000", "\"0xfffffffffffff000\"", 19, "ivshmem[0].physical"),
        ("domain = 0x1", "first-memory-region = 2", 16, "ivshmem[0].first-memory-region"),
        ("domain = 0x1", "device-index = 1", 16, "ivshmem[0].device-index"),
        ("\"veth\"", "\"vet\"", 18, "ivshmem[0].protocol"),
    ]) func mistakesAreNamedWithTheirPlace(old: String, new: String, line: Int, keyPath: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try cell(Self.header + Self.ram + Self.network.replacing(old, with: new))
        }
        #expect(error?.keyPath == keyPath, "\(String(describing: error))")
        #expect(error?.line == line)
    }

    @Test func twoLinksCannotStandAtOnePlace() {
        let second = Self.network.replacing("domain = 0x1", with: "first-memory-region = 2")
        let first = Self.network.replacing("domain = 0x1", with: "first-memory-region = 0")
        let error = #expect(throws: ConfigurationError.self) { try cell(Self.header + Self.ram + first + second) }
        #expect(error?.code == .conflict)
        #expect(error?.keyPath == "ivshmem[1].first-memory-region")
    }

    @Test func linesAreThoseOfTheTablesThatRegionsComeFrom() throws {
        let document = try SourceDocument(toml: Self.header + Self.ram + Self.network + Self.demo, path: "x")
        _ = try CellDescriptor(source: document)
        let lines = document.lines
        #expect(lines["memory[0]"] == lines["ivshmem[1]"])
        #expect(lines["memory[4]"] == lines["ivshmem[1]"])
        #expect(lines["memory[5]"] == 6)
        #expect(lines["memory[5].size"] == 10)
        #expect(lines["memory[9]"] == lines["ivshmem[0]"])
        #expect(lines["memory[10]"] == nil)
        #expect(lines["pci-device[0]"] == lines["ivshmem[1]"])
    }
}
