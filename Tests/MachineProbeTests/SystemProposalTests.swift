// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import TestSupport
import Testing

@testable import MachineProbe

@Suite struct SystemProposalTests {
    static let captures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Captures")

    static func capture(_ name: String) throws -> MachineCapture {
        let root = captures.appendingPathComponent(name)
        func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: root.appendingPathComponent(path))) }
        func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }
        var capture = MachineCapture()
        capture.iomem = try text("proc/iomem")
        capture.ioports = try text("proc/ioports")
        capture.commandLine = try text("proc/cmdline")
        capture.cpus = try text("sys/devices/system/cpu/present")
        capture.productName = try text("sys/class/dmi/id/product_name")
        for table in ["APIC", "MCFG", "FACP", "DMAR", "IVRS"] {
            capture.tables[table] = try? bytes("sys/firmware/acpi/tables/" + table)
        }
        let devices = "sys/bus/pci/devices"
        capture.pciFunctions = try FileManager.default
            .contentsOfDirectory(atPath: root.appendingPathComponent(devices).path)
            .map { name in
                .init(
                    name: name, config: try bytes("\(devices)/\(name)/config"),
                    resource: try text("\(devices)/\(name)/resource"))
            }
        return capture
    }

    /// After a change that is meant: `UPDATE_GOLDEN=1 swift test --filter SystemProposalTests`.
    @Test(arguments: ["q35", "q35-amd"]) func asRecorded(name: String) throws {
        let text = SystemProposal(try Self.capture(name)).toml(from: name)
        let file = Self.captures.appendingPathComponent(name + ".toml")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil { try Data(text.utf8).write(to: file) }
        let recorded = try String(contentsOf: file, encoding: .utf8)
        // how decompile lays out a source is not this test's business
        #expect(try SystemDescriptor(toml: text, path: name) == SystemDescriptor(toml: recorded, path: name))
        func comments(_ text: String) -> [Substring] { text.split(separator: "\n").filter { $0.hasPrefix("#") } }
        #expect(comments(text) == comments(recorded))
    }

    @Test(arguments: ["q35", "q35-amd"]) func nothingThatIsRefused(name: String) throws {
        let system = SystemProposal(try Self.capture(name)).system
        #expect(system.findings().filter { $0.severity == .error } == [])
        #expect(try SystemDescriptor(binary: system.binary()).binary() == system.binary())
    }

    /// What is to be reserved is the same for whoever is asked: with what is for cells.
    @Test func checkProposesWhatProbeProposes() throws {
        var capture = try Self.capture("q35-amd")
        capture.commandLine = ""
        let proposal = SystemProposal(capture)
        let note = try #require(proposal.notes["hypervisor-memory"]?.first { $0.contains("memmap=") })
        let parameter = try #require(note.split(separator: " ").first { $0.hasPrefix("memmap=") })
        let machine = RunningMachine(ioports: "", iomem: capture.iomem)
        let finding = machine.findings(system: ("s.toml", proposal.system), cells: []).first { $0.rule == "JH1303" }
        #expect(
            finding?.message.contains(" \(parameter) where GRUB needs") == true, "\(note) \(finding?.message ?? "")")
        #expect(note.contains("where GRUB needs"))
    }

    @Test func theMachineOfTheExample() throws {
        let system = SystemProposal(try Self.capture("q35")).system
        #expect(system.platform.mmconfigBase == 0xb000_0000)
        #expect(system.platform.mmconfigEndBus == 0xff)
        guard case .x86(let x86) = system.platform.specific else { throw CocoaError(.coderInvalidValue) }
        #expect(x86.pmTimerPort == 0x608)
        #expect(system.platform.iommuUnits.map(\.base) == [0xfed9_0000])
        #expect(system.hypervisorMemory.physicalStart == 0x3e80_0000)
        #expect(system.rootCell.interruptChips == [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: 0..<24)])
        #expect(
            system.rootCell.pciDevices.map(\.address.description) == [
                "00:00.0", "00:01.0", "00:1f.0", "00:1f.2", "00:1f.3",
            ])
        let sata = system.rootCell.pciDevices[3]
        #expect(sata.barMasks == [0, 0, 0, 0, 0xffff_ffe0, 0xffff_f000])
        #expect(sata.msiVectors == 1 && sata.msiFlags == .address64 && sata.capabilityCount == 2)
    }

    @Test func tablesOfMessageSignalledInterruptsAreKeptFromLinux() throws {
        let system = SystemProposal(try Self.capture("q35-amd")).system
        let tables = system.rootCell.pciDevices.filter { $0.msixVectors > 0 }.map(\.msixAddress)
        #expect(tables == [0xfe88_0000, 0xfe88_8000, 0xfe88_7000, 0xfe68_0000])
        for table in tables {
            #expect(
                !system.rootCell.memoryRegions.contains {
                    ($0.physicalStart..<$0.physicalStart + $0.size).contains(table)
                })
        }
    }

    @Test func functionsWithTheSameCapabilitiesShareThem() throws {
        let root = SystemProposal(try Self.capture("q35-amd")).system.rootCell
        let network = root.pciDevices.filter { $0.msixVectors == 5 }
        #expect(network.count == 2)
        #expect(network[0].firstCapability == network[1].firstCapability)
        #expect(network[0].capabilityCount == network[1].capabilityCount)
    }

    @Test func whatLinuxHidesFromOrdinaryUsers() throws {
        var capture = try Self.capture("q35")
        capture.iomem = "00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n"
        capture.commandLine = ""
        for index in capture.pciFunctions.indices {
            capture.pciFunctions[index].config.removeLast(capture.pciFunctions[index].config.count - 64)
        }
        let proposal = SystemProposal(capture)
        #expect(proposal.notes[""]?.first?.hasSuffix("run probe as root.") == true)
        #expect(proposal.notes["hypervisor-memory"]?.isEmpty == false)
        #expect(try SystemDescriptor(toml: proposal.toml(from: "x"), path: "x") == proposal.system)
    }

    @Test func nothingIsKnown() throws {
        let proposal = SystemProposal(MachineCapture())
        let text = proposal.toml(from: "nothing")
        #expect(text.contains("# No ACPI table MCFG"))
        #expect(text.contains("# Linux does not report which CPUs there are."))
        #expect(proposal.system.rootCell.name == "machine")
    }

    @Test func whatVTDCannotDoIsSaid() throws {
        func notes(_ change: (inout MachineCapture) throws -> Void) throws -> [String] {
            var capture = try Self.capture("q35")
            capture.cpuInfo = "vendor_id : GenuineIntel\nflags : vmx ept\n"
            try change(&capture)
            return SystemProposal(capture).notes[""] ?? []
        }
        #expect(
            try !notes { $0.tables["DMAR"]?[37] |= 1 }.contains { $0.contains("VT-d") || $0.contains("intel_iommu") })
        #expect(try notes { $0.tables["DMAR"] = nil }.contains { $0.contains("no table DMAR") })
        var torn = try Self.capture("q35")
        torn.tables["DMAR"] = Array((torn.tables["DMAR"] ?? []).prefix(60))
        #expect(SystemProposal(torn).notes["platform"]?.contains { $0.contains("or is damaged") } == true)
        #expect(try notes { $0.tables["DMAR"]?[37] = 0 }.contains { $0.contains("INTR_REMAP") })
        #expect(try notes { $0.commandLine = "quiet intel_iommu=on" }.contains { $0.contains("EBUSY") })
        // the last word counts
        #expect(
            try !notes { $0.commandLine = "intel_iommu=on intel_iommu=sm_on,off" }.contains { $0.contains("EBUSY") })
        let amd = try Self.capture("q35-amd")
        #expect(SystemProposal(amd).notes[""]?.contains { $0.contains("VT-d") } != true)
    }

    @Test func whatIsReserved() {
        func parameter(_ line: String) -> String? { ReservedMemory(commandLine: line)?.parameter }
        #expect(parameter("quiet memmap=80M$0x3a000000 ro\n") == "memmap=80M$0x3a000000")
        #expect(parameter("memmap=0x5000000$0x3a000000") == "memmap=80M$0x3a000000")
        #expect(parameter("memmap=1G$4G,16M$0x1000000") == "memmap=1G$0x100000000")
        #expect(parameter("memmap=4K$0x1000") == nil)
        #expect(parameter("memmap=80M@0x3a000000") == nil)
        #expect(parameter("memmap=80M$0xfffffffffffff000") == nil)
        #expect(parameter("memmap=99999999999999G$0") == nil)
    }

    @Test func damagedFiles() throws {
        let whole = try Self.capture("q35-amd")
        var generator = SeededGenerator(seed: 128)
        for round in 0..<300 {
            var capture = whole
            for name in capture.tables.keys {
                capture.tables[name] = Self.damaged(capture.tables[name] ?? [], round, &generator)
            }
            for index in capture.pciFunctions.indices {
                capture.pciFunctions[index].config = Self.damaged(capture.pciFunctions[index].config, round, &generator)
                let text = Self.damaged(Array(capture.pciFunctions[index].resource.utf8), round, &generator)
                capture.pciFunctions[index].resource = String(decoding: text, as: UTF8.self)
            }
            capture.iomem = String(decoding: Self.damaged(Array(capture.iomem.utf8), round, &generator), as: UTF8.self)
            capture.ioports = String(
                decoding: Self.damaged(Array(capture.ioports.utf8), round, &generator), as: UTF8.self)
            let proposal = SystemProposal(capture)
            _ = proposal.toml(from: "damaged")
        }
    }

    private static func damaged(
        _ bytes: [UInt8], _ round: Int, _ generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        if round.isMultiple(of: 3) { return Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) }
        var bytes = bytes
        for _ in 0..<(round % 20) {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        return bytes
    }
}
