// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Testing

@testable import MachineProbe

/// What servers have that a small PC has not: IOMMUs for parts of the PCI buses, memory that devices demand, other consoles.
@Suite struct ServerProbeTests {
    static func little(_ number: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    static func scope(_ kind: UInt8, bus: UInt8, _ path: [(UInt8, UInt8)]) -> [UInt8] {
        [kind, UInt8(6 + 2 * path.count), 0, 0, 0, bus] + path.flatMap { [$0.0, $0.1] }
    }

    static func drhd(_ flags: UInt8, _ base: UInt64, _ scopes: [[UInt8]], segment: UInt64 = 0) -> [UInt8] {
        let body = [flags, 0] + little(segment, 2) + little(base, 8) + scopes.joined()
        return little(0, 2) + little(UInt64(4 + body.count), 2) + body
    }

    static func rmrr(_ first: UInt64, _ last: UInt64, _ scopes: [[UInt8]]) -> [UInt8] {
        let body = little(0, 2) + little(0, 2) + little(first, 8) + little(last, 8) + scopes.joined()
        return little(1, 2) + little(UInt64(4 + body.count), 2) + body
    }

    static func table(_ records: [[UInt8]]) -> [UInt8] {
        [UInt8](repeating: 0, count: 48) + records.joined()
    }

    static func function(_ name: String, kind: UInt16 = 0x0200, behind: (UInt8, UInt8)? = nil)
        -> MachineCapture.PCIFiles
    {
        var config = [UInt8](repeating: 0, count: 256)
        config.replaceSubrange(0..<4, with: [0x86, 0x80, 0x0c, 0x00])
        config.replaceSubrange(10..<12, with: little(UInt64(behind == nil ? kind : 0x0604), 2))
        if let behind { (config[14], config[25], config[26]) = (1, behind.0, behind.1) }
        return .init(name: name, config: config, resource: "")
    }

    /// A bridge at 00:1c.0 with the buses 2 to 4, behind it a bridge at 02:01.0 with bus 3.
    static let functions = [
        function("0000:00:1c.0", behind: (2, 4)), function("0000:02:01.0", behind: (3, 3)),
        function("0000:02:00.0"), function("0000:03:00.0"), function("0000:04:00.0"), function("0000:05:00.0"),
    ]

    static func proposal(
        _ records: [[UInt8]], _ change: (inout MachineCapture) -> Void = { _ in }
    ) -> SystemProposal {
        var capture = MachineCapture()
        capture.tables["DMAR"] = table(records)
        capture.pciFunctions = functions
        change(&capture)
        return SystemProposal(capture)
    }

    static func units(_ proposal: SystemProposal) -> [String: UInt8] {
        Dictionary(
            uniqueKeysWithValues: proposal.system.rootCell.pciDevices.map { ($0.address.description, $0.iommu) })
    }

    @Test func aSubHierarchyBelongsToItsUnit() {
        let proposal = Self.proposal([
            Self.drhd(0, 0xfbef_e000, [Self.scope(2, bus: 0, [(0x1c, 0)])]),
            Self.drhd(1, 0xfbff_e000, [Self.scope(3, bus: 0xff, [(0, 0)])]),
        ])
        #expect(
            Self.units(proposal)
                == ["00:1c.0": 0, "02:01.0": 0, "02:00.0": 0, "03:00.0": 0, "04:00.0": 0, "05:00.0": 1])
    }

    @Test func aPathLeadsThroughBridges() {
        let proposal = Self.proposal([
            Self.drhd(0, 0xfbef_e000, [Self.scope(1, bus: 0, [(0x1c, 0), (1, 0), (0, 0)])]),
            Self.drhd(1, 0xfbff_e000, []),
        ])
        #expect(Self.units(proposal).filter { $0.value == 0 }.map(\.key) == ["03:00.0"])
        #expect(proposal.notes["platform"]?.contains { $0.contains("bridges that Linux does not show") } == false)
        let unknown = Self.proposal([Self.drhd(0, 0xfbef_e000, [Self.scope(1, bus: 0, [(0x1d, 0), (0, 0)])])])
        #expect(
            unknown.notes["platform"]?.contains { $0.contains("names 1 devices behind bridges") } == true,
            "\(unknown.notes)")
    }

    @Test func memoryThatDevicesDemandIsLinuxs() throws {
        let proposal = Self.proposal([
            Self.drhd(1, 0xfbff_e000, []), Self.rmrr(0x7b00_0000, 0x7b7f_ffff, [Self.scope(1, bus: 0, [(0x1c, 0)])]),
        ])
        let regions = proposal.system.rootCell.memoryRegions
        let index = try #require(regions.firstIndex { $0.name == "reserved for device DMA" })
        #expect(regions[index].physicalStart == 0x7b00_0000 && regions[index].size == 0x80_0000)
        #expect(regions[index].flags.isSuperset(of: [.read, .write, .dma]))
        #expect(proposal.notes["memory[\(index)]"]?.first?.contains("has 00:1c.0 use this memory") == true)
    }

    /// Of two units, the second with the devices from 03:00.0 to 04:ff.f, and memory for one of them.
    @Test func unitsOfAMDHaveTheirDevices() throws {
        func block(_ base: UInt64, _ bdf: UInt64, _ entries: [UInt8]) -> [UInt8] {
            let body =
                Self.little(bdf, 2) + Self.little(0x40, 2) + Self.little(base, 8) + Self.little(0, 2)
                + Self.little(0, 2) + Self.little(0, 4) + entries
            return [0x10, 0] + Self.little(UInt64(4 + body.count), 2) + body
        }
        let all: [UInt8] = [1, 0, 0, 0]
        let range: [UInt8] = [3, 0x00, 0x03, 0, 4, 0xff, 0x04, 0]
        let device: [UInt8] = [240, 0, 0, 0] + [UInt8](repeating: 0, count: 17) + [3, 1, 2, 3] + [2, 0x00, 0x05, 0]
        let memory: [UInt8] =
            [0x21, 0] + Self.little(32, 2) + Self.little(0x0300, 2)
            + [UInt8](repeating: 0, count: 10) + Self.little(0x7c00_0000, 8) + Self.little(0x1000, 8)
        var capture = MachineCapture()
        capture.tables["IVRS"] = Self.table([
            block(0xfeb8_0000, 2, all), block(0xfec8_0000, 0x4002, range + device), memory,
        ])
        capture.pciFunctions = Self.functions
        let proposal = SystemProposal(capture)
        #expect(proposal.system.platform.iommuUnits.map(\.base) == [0xfeb8_0000, 0xfec8_0000])
        #expect(
            Self.units(proposal)
                == ["00:1c.0": 0, "02:01.0": 0, "02:00.0": 0, "03:00.0": 1, "04:00.0": 1, "05:00.0": 1])
        #expect(
            proposal.system.rootCell.memoryRegions.contains {
                $0.name == "reserved for device DMA" && $0.physicalStart == 0x7c00_0000
            })
    }

    @Test func otherConsoles() {
        var capture = MachineCapture()
        capture.ioports = "02f8-02ff : serial\n03e8-03ef : serial\n"
        capture.iomem = "00000000-0009ffff : Reserved\ne0000000-e07fffff : BOOTFB\n"
        capture.pciFunctions = [Self.function("0000:05:00.0", kind: 0x0700)]
        capture.pciFunctions[0].resource =
            "0x000000000000e000 0x000000000000e007 0x0000000000040101\n0x00000000f7d00000 0x00000000f7d00fff 0x40200\n"
        let proposal = SystemProposal(capture)
        #expect(proposal.system.debugConsole == Console(kind: .uart8250, address: 0x2f8))
        let notes = proposal.notes["debug-console"] ?? []
        #expect(
            notes == [
                "COM2", "Another one: COM3: type = \"8250\", address = 0x3e8",
                "Another one: serial port 05:00.0: type = \"8250\", address = 0xe000",
                "Another one: the firmware's framebuffer: type = \"EFIFB\", access = \"mmio\", address = 0xe0000000, "
                    + "size = 0x800000",
            ])
    }

    @Test func whatAProcessorLacks() {
        func missing(_ text: String, _ registers: [UInt32: UInt64] = [:]) -> [String] {
            ProcessorFeatures(cpuInfo: text, registers: registers).missing
        }
        let intel = "flags\t\t: fpu vmx ept\n"
        let all = "vmx flags\t: vnmi preemption_timer tsc_offset vapic ept unrestricted_guest\n"
        #expect(missing(intel + all) == [])
        #expect(missing(intel + all.replacing(" unrestricted_guest", with: "")) == ["unrestricted guests"])
        #expect(missing(intel + all.replacing(" preemption_timer", with: "")) == ["the VMX preemption timer"])
        #expect(missing("flags\t: fpu vmx\n") == ["extended page tables (EPT)"])
        #expect(missing("flags\t: fpu svm npt\n") == [])
        #expect(missing("flags\t: fpu svm\n") == ["nested paging (NPT)"])
        #expect(missing("flags\t: fpu\n").first?.hasPrefix("virtualisation") == true)
        #expect(missing("") == [])
        // registers know better than words
        let registers: [UInt32: UInt64] = [0x481: 0x40 << 32, 0x48b: 0x83 << 32, 0x3a: 5]
        #expect(missing("flags\t: vmx\n", registers) == [])
        #expect(
            missing("flags\t: vmx\n", registers.merging([0x48b: 0x3 << 32, 0x3a: 1]) { $1 })
                == ["unrestricted guests", "VMX, which the firmware has switched off"])
        var capture = MachineCapture()
        capture.cpuInfo = "flags\t: fpu svm\n"
        #expect(
            SystemProposal(capture).notes[""]?.contains {
                $0 == "This machine cannot run it: its processors lack nested paging (NPT), so enabling fails."
            } == true)
    }

    @Test func aParameterThatAShellHasEaten() {
        func eaten(_ line: String) -> String? {
            guard case .eaten(let word) = ReservedMemory.spoiledParameter(in: line) else { return nil }
            return word
        }
        #expect(eaten("quiet memmap=80M$0x3a000000 ro\n") == nil)
        #expect(eaten("quiet memmap=80M ro\n") == "memmap=80M")
        #expect(eaten("memmap=80Mbashx3a000000") == "memmap=80Mbashx3a000000")
        #expect(eaten("memmap=exactmap memmap=640K@0") == nil)
        #expect(eaten("memmap=1G!4G memmap=16M#0x1000000") == nil)
        var capture = MachineCapture()
        capture.commandLine = "ro memmap=80M quiet"
        #expect(
            SystemProposal(capture).notes["hypervisor-memory"]?.first?.contains(
                "memmap=80M on Linux's command line has lost")
                == true)
        capture.commandLine = "ro memmap=80M\\$0x3a000000 quiet"
        #expect(ReservedMemory.spoiledParameter(in: capture.commandLine) == .escaped("memmap=80M\\$0x3a000000"))
        let note = SystemProposal(capture).notes["hypervisor-memory"]?.first ?? ""
        #expect(note.contains("memmap=80M\\$0x3a000000 on Linux's command line has a backslash left"), "\(note)")
        #expect(note.contains("it is written as \\\\\\$, in grub.cfg as \\$."))
    }
}
