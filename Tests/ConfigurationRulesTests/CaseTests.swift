// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
@testable import ConfigurationRules
import Foundation
import Testing

/// Files that people really wrote, or nearly, and that were once judged wrongly.
@Suite struct CaseTests {
    struct Case: CustomTestStringConvertible, Sendable {
        /// In `Cases`; nil: the shipped q35.
        var system: String?
        var cells: [String] = []
        /// What must be found, with where.
        var expected: [String]

        var testDescription: String { ([system ?? "q35"] + cells).joined(separator: " ") }
    }

    static let cases = [
        Case(cells: ["01-pci-config-ports"], expected: ["error JH1503 ports[1]"]),
        Case(cells: ["02-ports-beyond-64k"], expected: ["error JH1501 ports[1]"]),
        Case(system: "sys-link", cells: ["03-link-not-root-shared"], expected: ["error JH0511 memory[2]"]),
        Case(system: "sys-link", cells: ["04-private-ram-over-roots-link"], expected: ["error JH0511 memory[0]"]),
        Case(system: "sys-link", cells: ["05-link-other-bdf"], expected: ["warning JH1021 pci-device[0]"]),
        Case(
            system: "sys-link", cells: ["06-link-writes-the-others-section"],
            expected: ["error JH1020 memory[4]"]),
        Case(cells: ["07-nothing-loadable"], expected: ["warning JH0405 memory"]),
        Case(cells: ["08-capability-elsewhere-than-in-system"], expected: ["error JH1016 pci-capability[0]"]),
        Case(cells: ["09-capability-of-no-device"], expected: ["warning JH1017 pci-capability[0]"]),
        Case(cells: ["10-console-flag-without-meaning"], expected: ["warning JH0404 cell.console"]),
        Case(cells: ["11-ports-of-a-uart-but-no-console"], expected: ["note JH0403 ports[0]"]),
        Case(system: "12-gic-version", expected: ["error JH1105 platform.gic-version"]),
        Case(system: "13-gicv3-without-redistributors", expected: ["error JH1106 platform"]),
        Case(system: "14-gicv2-without-cpu-interface", expected: ["error JH1107 platform"]),
        Case(
            system: "15-virtual-pci-two-buses-and-pins-twice",
            expected: ["warning JH1108 platform.mmconfig-end-bus", "warning JH1109 interrupt-chip[1].pins"]),
        Case(system: "sys-arm", cells: ["16-vpci-pin-not-the-cells"], expected: ["warning JH1110 pci-device[0]"]),
        Case(system: "big-system", cells: ["guest1", "guest2"], expected: ["error JH0613 memory"]),
        Case(
            system: "root-ivshmem-in-mapped-window", cells: ["linux-link-peer"], expected: ["warning JH0705 memory[3]"]),
        Case(
            system: "root-ivshmem-two-iommus", cells: ["linux-link-peer"], expected: ["warning JH1204 pci-device[7]"]),
        Case(
            system: "root-without-memory",
            expected: ["error JH0706 memory", "error JH0707 root-cell.cpus"]),
        Case(
            cells: ["nonsense-device-and-ports"],
            expected: [
                "error JH0106 cell", "warning JH1502 ports[0]", "error JH1501 ports[1]", "error JH1018 pci-device[0]",
                "warning JH1019 pci-device[0]",
            ]),
    ]

    @Test(arguments: cases) func isFound(_ one: Case) throws {
        let findings = try Self.findings(one).map { "\($0.severity) \($0.rule ?? "") \($0.location)" }
        for expected in one.expected { #expect(findings.contains(expected), "\(findings.joined(separator: ", "))") }
    }

    @Test func twoGuestsEachFit() throws {
        for guest in ["guest1", "guest2"] {
            let findings = try Self.findings(Case(system: "big-system", cells: [guest], expected: []))
            #expect(!findings.contains { ["JH0512", "JH0613"].contains($0.rule) })
            // nor is its communication region, the only one that lies in a 4 KiB gap, found to be wrong
            #expect(!findings.contains { $0.location == "memory[1]" })
        }
    }

    /// One mistake, one finding: it names the other places.
    @Test func oneFindingForOneFault() throws {
        let writes = try Self.findings(Case(cells: ["06-link-writes-the-others-section"], expected: []))
            .filter { $0.rule == "JH1020" }
        #expect(
            writes.map(\.message) == [
                "the device 00:0e.0 is peer 1, but may write the output section of peer 0 (memory[4]), and may not "
                    + "write the output section of peer 1, its own (memory[5])"
            ])
        let shared = try Self.findings(Case(system: "sys-link", cells: ["03-link-not-root-shared"], expected: []))
            .filter { $0.rule == "JH0511" }
        #expect(shared.count == 1)
        #expect(shared.first?.message.hasSuffix("; nor are memory[3], memory[4], memory[5]") == true)
    }

    /// A list that the system lacks, a device without its capabilities, a pair of cells: one finding each.
    @Test func onePerList() throws {
        var system = RuleTests.system
        var cell = RuleTests.sound
        let registers = (0..<4).map { number in
            MemoryRegion(
                name: "registers \(number)", physicalStart: 0xfd00_0000 + UInt64(number) << 12,
                virtualStart: 0xfd00_0000 + UInt64(number) << 12, size: 0x1000, flags: [.read, .write, .io])
        }
        cell.memoryRegions += registers
        cell.pciCapabilities = (0..<6).map { PCICapability(id: UInt16($0), start: UInt16(0x40 + $0 * 8), length: 8) }
        let unknown = system.findings(ofCell: cell).filter { $0.rule == "JH0505" }
        #expect(unknown.count == 1)
        #expect(
            unknown.first?.message
                == "the region \"registers 0\" (physical 0xfd000000–0xfd000fff) is not within the root cell's regions; "
                + "likewise memory[5], memory[6], memory[7]")
        #expect(unknown.first?.others == ["memory[5]", "memory[6]", "memory[7]"])
        let capabilities = cell.findings().filter { $0.rule == "JH1017" }
        #expect(capabilities.count == 1 && capabilities.first?.location == "pci-capability[0]")
        #expect(
            capabilities.first?.message.hasSuffix(
                "likewise pci-capability[1], pci-capability[2], "
                    + "pci-capability[3], pci-capability[4], pci-capability[5]") == true)
        // the device's own numbers are the fault
        cell.pciDevices = [PCIDevice(address: PCIAddress(rawValue: 0x10), firstCapability: 5, capabilityCount: 6)]
        #expect(cell.findings().map(\.rule).filter { ["JH1001", "JH1017"].contains($0) } == ["JH1001"])

        // one region over several devices, and several regions over one
        let window = MemoryRegion(
            name: "window", physicalStart: 0xfec0_0000, virtualStart: 0xfec0_0000, size: 0x30_0000,
            flags: [.read, .write])
        system.rootCell.memoryRegions += [window, window]
        system.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0)]
        let shared = system.findings().filter { $0.rule == "JH0704" }
        #expect(shared.count == 1)
        #expect(
            shared.first?.message.hasSuffix(
                "the local APIC (0xfee00000–0xfee00fff), the IOAPIC (0xfec00000–0xfec00fff); likewise memory[5]")
                == true,
            "\(shared)")

        var (one, other) = (RuleTests.sound, RuleTests.sound)
        (one.streamIDs, other.streamIDs) = ([1, 2], [2, 1])
        (other.name, other.cpus) = ("other", CPUSet([2]))
        one.memoryRegions += registers
        other.memoryRegions += registers
        let mutual = CellGroup([.init(path: "a", cell: one), .init(path: "b", cell: other)]).findings()
        #expect(mutual.map(\.rule) == ["JH0603", "JH0606", "JH0607", "JH0608"])
        #expect(mutual.last?.message == "a has the stream ids 0x2, 0x1, which are the same as 0x2, 0x1")
    }

    /// Boards that work leave out CPUs that are offline, or that the hypervisor cannot use; none leaves out CPU 0.
    @Test func missingCPUs() {
        func severities(_ cpus: [Int]) -> [Finding.Severity] {
            SystemDescriptor(rootCell: CellDescriptor(name: "linux", cpus: CPUSet(cpus))).findings()
                .filter { $0.rule == "JH0707" }.map(\.severity)
        }
        #expect(severities([0, 3, 4, 5]) == [.warning])
        #expect(severities([3]) == [.error])
        #expect(severities([0, 1]) == [])
    }

    /// What surely does not fit is an error; what is near the estimate's limit is a warning.
    @Test func pagePool() throws {
        func severity(_ size: String) throws -> Finding.Severity? {
            let source = try Self.text("big-system").replacing("size = \"6 MiB\"", with: "size = \"\(size)\"")
            let system = try SystemDescriptor(toml: source, path: "system.toml")
            let members = try ["guest1", "guest2"].map {
                CellGroup.Member(path: $0, cell: try CellDescriptor(toml: Self.text($0), path: $0))
            }
            return CellGroup(members, in: system).findings().first { $0.rule == "JH0613" }?.severity
        }
        #expect(try severity("6 MiB") == .error)
        #expect(try severity("7000 KiB") == .warning)
        #expect(try severity("8 MiB") == nil)
    }

    /// Seen: the hypervisor itself has 30 of 1024 pages on an Arm64 board with 4 CPUs, and 561 of 1536 on a PC with 6.
    @Test(arguments: [(Architecture.arm64, 4, 4, 800...960), (.x86, 6, 6, 700...930), (.x86, 6, 20, 650...930)])
    func whatTheHypervisorItselfTakes(architecture: Architecture, mebibytes: UInt64, cpus: Int, free: ClosedRange<Int>)
    {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<cpus)))
        system.architecture = architecture
        if architecture == .arm64 { system.platform.specific = .arm(ArmPlatform()) }
        system.hypervisorMemory.size = mebibytes << 20
        #expect(free.contains(PagePool(of: system).free), "\(PagePool(of: system).free)")
    }

    /// Pins read from a device tree are 32 too low; Linux's lists tell.
    @Test func interruptsOfADeviceTree() throws {
        let cell = try CellDescriptor(toml: Self.text("arm-linux2"), path: "arm-linux2.toml")
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.interrupts = RunningMachine.interrupts(in: " 97:  0  0  GICv2 185 Level  e6e68000.serial\n")
        let member = CellGroup.Member(path: "arm-linux2.toml", cell: cell)
        let finding = try #require(machine.findings(system: nil, cells: [member]).first { $0.rule == "JH1309" })
        #expect(finding.location == "memory[3]")
        #expect(finding.message.contains("has the interrupt 185; among the cell's pins is 153"))

        machine.interrupts = []
        machine.devices = [
            RunningMachine.TreeDevice(name: "serial@e6e68000", address: 0xe6e6_8000, pins: [185])
        ]
        #expect(machine.findings(system: nil, cells: [member]).contains { $0.rule == "JH1309" })
    }

    private static func text(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases")
        return try String(contentsOf: folder.appending(path: name + ".toml"), encoding: .utf8)
    }

    private static func findings(_ one: Case) throws -> [Finding] {
        let q35 = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "configs/systems/q35.toml")
        let source = try one.system.map(text) ?? String(contentsOf: q35, encoding: .utf8)
        let system = try SystemDescriptor(toml: source, path: "system.toml")
        let members = try one.cells.map {
            CellGroup.Member(path: $0, cell: try CellDescriptor(toml: text($0), path: $0))
        }
        return (one.cells.isEmpty ? system.findings() : [])
            + (["root-ivshmem-in-mapped-window", "root-ivshmem-two-iommus"].contains(one.system ?? "")
                ? system.findings() : [])
            + members.flatMap { $0.cell.findings() + system.findings(ofCell: $0.cell) }
            + CellGroup(members, in: system).findings()
    }
}
