// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Testing

@testable import MachineProbe

/// What a configuration cannot have of a server, and what is wrong with its tables.
@Suite struct ServerLimitsTests {
    private typealias Server = ServerProbeTests

    /// Those of the IOAPIC and of all else are kept, wherever they are in the table; devices of the others are left out.
    @Test func moreUnitsThanAConfigurationCanHave() throws {
        func base(_ index: UInt64) -> UInt64 { 0xd000_0000 + index << 12 }
        let few = (0..<9).map { Server.drhd(0, base($0), [Server.scope(1, bus: UInt8($0), [(0, 0)])]) }
        let proposal = Server.proposal(few + [Server.drhd(1, 0xfbff_e000, [Server.scope(3, bus: 0xff, [(0, 0)])])])
        let bases = proposal.system.platform.iommuUnits.map(\.base)
        // 02:00.0, 03:00.0, 04:00.0 and 05:00.0 are there
        #expect(bases == (0..<7).map(base) + [0xfbff_e000])
        #expect(
            Server.units(proposal) == [
                "00:1c.0": 7, "02:01.0": 7, "02:00.0": 2, "03:00.0": 3, "04:00.0": 4, "05:00.0": 5,
            ])
        #expect(proposal.system.findings().filter { $0.rule == "JH1011" } == [])
        let note = proposal.notes["platform"]?.first { $0.contains("10 IOMMUs") } ?? ""
        #expect(note.hasSuffix("can have 8. Left out: 0xd0007000, 0xd0008000."), "\(note)")
        let late = Server.proposal(few + [Server.drhd(1, 0xfbff_e000, [])]) { capture in
            capture.pciFunctions += (6..<9).map { Server.function("0000:0\($0):00.0") }
        }
        #expect(late.system.platform.iommuUnits.map(\.base).dropLast() == (2..<9).map(base)[...])
        let every = Server.proposal(few + [Server.drhd(1, 0xfbff_e000, [])]) { capture in
            capture.pciFunctions += [0, 1, 6, 7, 8].map { Server.function("0000:0\($0):00.0") }
        }
        #expect(every.system.rootCell.pciDevices.count == 9)
        let lost = every.notes[""]?.filter { $0.contains("because its IOMMU at") } ?? []
        #expect(lost.count == 2 && lost[0].hasPrefix("07:00.0 (Ethernet, 8086:000c) is left out"), "\(lost)")
        #expect(every.system.findings().filter { $0.rule == "JH1011" } == [])
    }

    @Test func damagedTablesAreNamed() {
        let good = Server.drhd(1, 0xfbff_e000, [])
        func damage(_ table: [UInt8]) -> String? { RemappingTables(dmar: table, ivrs: []).damage.first }
        #expect(damage(Server.table([good])) == nil)
        #expect(
            damage(Server.table([good, [0, 0, 0, 0]]))?.contains("at byte 64 has the length 0, where 4 bytes") == true)
        #expect(
            damage(Server.table([good, [0, 0, 99, 0]]))?.contains("has the length 99, where 4 bytes are left") == true)
        #expect(damage(Server.table([good, [0]]))?.contains("has no length, where 1 bytes are left") == true)
        #expect(damage([1, 2])?.contains("it has 2 bytes") == true)
        var long = Server.table([good])
        long[4] = 0xff
        #expect(damage(long)?.contains("it says that it has 255 bytes, of which 64 are there") == true)
        let torn = Server.drhd(1, 0xfbff_e000, [[1, 99, 0, 0, 0, 0, 0, 0]])
        #expect(damage(Server.table([torn]))?.contains("the last 8 bytes cannot be read") == true)
        let proposal = Server.proposal([good, [0, 0, 0, 0]])
        #expect(proposal.notes["platform"]?.contains { $0.hasPrefix("The ACPI table DMAR is damaged: its") } == true)
        #expect(RemappingTables(dmar: [], ivrs: Server.table([[0x10, 0, 3, 0]])).damage.count == 1)
    }

    /// A configuration has one PCI domain.
    @Test func otherDomainsAreLeftOut() {
        let proposal = Server.proposal([
            Server.drhd(1, 0xfbff_e000, []), Server.drhd(1, 0xfcff_e000, [], segment: 1),
        ]) { capture in
            capture.pciFunctions += [Server.function("0001:00:00.0"), Server.function("10000:e0:06.0")]
            capture.tables["MCFG"] =
                [UInt8](repeating: 0, count: 44) + Server.little(0x8000_0000, 8) + [0, 0, 0, 0xff, 0, 0, 0, 0]
                + Server.little(0x7000_0000, 8) + [1, 0, 0, 0x0f, 0, 0, 0, 0]
        }
        #expect(proposal.system.platform.iommuUnits.map(\.base) == [0xfbff_e000])
        #expect(proposal.system.rootCell.pciDevices.count == Server.functions.count)
        #expect(proposal.notes["platform"]?.contains { $0.hasPrefix("The IOMMU at 0xfcffe000 is left out") } == true)
        let notes = proposal.notes[""] ?? []
        #expect(notes.contains { $0.hasPrefix("00:00.0 (Ethernet, 8086:000c) of the PCI domain 1 is left out") })
        #expect(notes.contains { $0.hasPrefix("10000:e0:06.0 is left out") }, "\(notes)")
        // Linux goes on with it as before
        let window = proposal.system.rootCell.memoryRegions.first { $0.physicalStart == 0x7000_0000 }
        #expect(window?.name == "PCI configuration, domain 1" && window?.size == 16 << 20)
        #expect(!proposal.system.rootCell.memoryRegions.contains { $0.physicalStart == 0x8000_0000 })
    }

    @Test func memoryThatDevicesDemandIsNotForCells() {
        let records = [
            Server.drhd(1, 0xfbff_e000, []), Server.rmrr(0x3a70_0000, 0x3a70_ffff, [Server.scope(1, bus: 2, [(0, 0)])]),
        ]
        let proposal = Server.proposal(records) { $0.commandLine = "memmap=80M$0x3a000000" }
        #expect(
            proposal.notes["hypervisor-memory"]?.contains {
                $0.hasPrefix(
                    "A fault to mend before enabling: the firmware has 02:00.0 use 0x3a700000–0x3a70ffff at any time")
            } == true, "\(proposal.notes)")
    }

    /// What drivers have below a PCI bus without being PCI devices, and RAM of large servers.
    @Test func nothingOfTheMemoryIsLeftOutSilently() {
        var capture = MachineCapture()
        capture.iomem = """
            00100000-7fffffff : System RAM
            fd000000-fe7fffff : PCI Bus 0000:00
              fd000000-fd00ffff : 0000:00:02.0
                fd000000-fd00ffff : a driver
              fdac0000-fdacffff : INT344B:00
                fdac0000-fdacffff : INT344B:00 INT344B:00
              fe000000-fe000fff : pnp 00:06
            fed40000-fed44fff : MSFT0101:00
              fed40000-fed44fff : MSFT0101:00
            100000000-1007fffffff : System RAM
            20000000000-200ffffffff : Persistent Memory
            fd00000000-ffffffffff : Reserved
            a0000000-a0ffffff : Reserved

            """
        let proposal = SystemProposal(capture)
        let regions = proposal.system.rootCell.memoryRegions.filter { $0.physicalStart >= 0x8000_0000 }
        let names = [
            "reserved by the firmware", "PCI device 0000:00:02.0", "INT344B:00", "pnp 00:06", "MSFT0101:00", "RAM",
            "Persistent Memory",
        ]
        #expect(regions.map(\.name) == names)
        let starts: [UInt64] = [
            0xa000_0000, 0xfd00_0000, 0xfdac_0000, 0xfe00_0000, 0xfed4_0000, 0x1_0000_0000, 0x200_0000_0000,
        ]
        #expect(regions.map(\.physicalStart) == starts)
        // UEFI's services are there, which Linux calls
        #expect(regions.first?.flags == [.read, .write, .execute] && regions.last?.flags.contains(.dma) == true)
        #expect(
            proposal.notes[""]?.contains {
                $0.hasPrefix("What the firmware reserves at 0xfd00000000–0xffffffffff is left out")
            } == true)
    }

    /// What is proposed has room for each vector, as `check` wants it.
    @Test func interruptsOfManyDevices() {
        let proposal = Server.proposal([Server.drhd(1, 0xfbff_e000, [])]) { capture in
            for index in capture.pciFunctions.indices {
                // MSI-X with 129 vectors, its table in the first BAR
                capture.pciFunctions[index].config[6] = 0x10
                capture.pciFunctions[index].config[0x34] = 0x50
                capture.pciFunctions[index].config.replaceSubrange(0x50..<0x54, with: [0x11, 0, 128, 0])
                let base = 0xc000_0000 + UInt64(index) << 16
                let (first, last) = (String(base, radix: 16), String(base + 0x3fff, radix: 16))
                capture.pciFunctions[index].resource = "0x\(first) 0x\(last) 0x40200\n"
            }
        }
        guard case .x86(let part) = proposal.system.platform.specific else { return }
        #expect(proposal.system.rootCell.remappedVectors == 4 * 129)
        #expect(part.vtdInterruptLimit == 1024)
        #expect(proposal.system.findings().filter { $0.rule == "JH1208" } == [])
    }

    /// Buses of one segment may be in several entries.
    @Test func aSegmentInParts() {
        let entries: [[UInt8]] = [
            Server.little(0x8000_0000, 8) + [0, 0, 0, 0x7f, 0, 0, 0, 0],
            Server.little(0x8000_0000, 8) + [0, 0, 0x80, 0xff, 0, 0, 0, 0],
        ]
        let tables = ACPITables(["MCFG": [UInt8](repeating: 0, count: 44) + entries.joined()])
        #expect(tables.configurationSpaces == [.init(base: 0x8000_0000, segment: 0, lastBus: 0xff)])
    }

    @Test func whatAnIOMMUsTableSays() {
        var record = Server.drhd(1, 0xfbff_e000, [])
        record[5] = 2
        let rom = Server.rmrr(0xe_8000, 0xe_8fff, [])
        let proposal = Server.proposal([record, rom])
        #expect(proposal.system.platform.iommuUnits.map(\.size) == [0x4000])
        let region = proposal.system.rootCell.memoryRegions.first { $0.name == "display and ROMs" }
        #expect(region?.flags.contains(.dma) == true)
        // the block with the features may come second
        func block(_ kind: UInt8, _ features: UInt64) -> [UInt8] {
            let body =
                Server.little(2, 2) + Server.little(0x40, 2) + Server.little(0xfeb8_0000, 8) + Server.little(0, 4)
                + Server.little(features, 4) + [UInt8](repeating: 0, count: kind == 0x10 ? 0 : 16)
            return [kind, 0] + Server.little(UInt64(4 + body.count), 2) + body
        }
        let memory =
            [0x22, 0] + Server.little(32, 2) + Server.little(0x0300, 2) + Server.little(0x0302, 2)
            + [UInt8](repeating: 0, count: 8) + Server.little(0x7c00_0000, 8) + Server.little(0x1000, 8)
        let tables = RemappingTables(dmar: [], ivrs: Server.table([block(0x11, 7), block(0x10, 0x8004_8824), memory]))
        #expect(tables.units.map(\.features) == [0x8004_8824])
        #expect(tables.memory.map { $0.devices.map(\.description) } == [["03:00.0", "03:00.1", "03:00.2"]])
    }

    @Test func moreProcessorsThanTheHypervisorKnows() throws {
        func isSaid(_ ids: [Int]) -> Bool {
            var capture = MachineCapture()
            capture.cpuInfo = ids.map { "flags\t\t: vmx ept\napicid\t\t: \($0)\ninitial apicid\t: 9\n" }.joined(
                separator: "\n")
            return SystemProposal(capture).notes[""]?.contains { $0.contains("the id 256, and") } == true
        }
        #expect(isSaid([0, 256, 2]) && !isSaid([0, 254]))
        var capture = try ArmProposalTests.capture("virt-gicv2")
        capture.cpus = "0-8\n"
        #expect(SystemProposal(capture).notes[""]?.contains { $0.contains("and the last one is 8.") } == true)
    }
}
