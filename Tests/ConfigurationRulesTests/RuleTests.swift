// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration
@testable import ConfigurationRules

@Suite struct RuleTests {
    /// Nothing to say of it, alone or in ``system``.
    static let sound = CellDescriptor(
        name: "rtems", cpus: CPUSet([3]),
        memoryRegions: [
            MemoryRegion(
                name: "ram", physicalStart: 0x3a00_0000, virtualStart: 0, size: 0x80_0000,
                flags: [.read, .write, .execute, .loadable]
            ),
            MemoryRegion(virtualStart: 0x90_0000, size: 0x1000, flags: [.read, .write, .communicationRegion]),
            MemoryRegion(
                name: "registers", physicalStart: 0xfe00_0010, virtualStart: 0xfe00_0010, size: 0x10,
                flags: [.read, .write, .io, .io32]
            ),
            MemoryRegion(
                name: "shared", physicalStart: 0x3b00_0000, virtualStart: 0x3b00_0000, size: 0x1000,
                flags: [.read, .rootShared]),
        ], ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8)], cpuResetAddress: 0xf0000, messageReplyTimeout: 1,
        console: Console(kind: .uart8250, address: 0x3f8)
    )

    static let system = SystemDescriptor(
        flags: .virtualDebugConsole, hypervisorMemory: MemoryRegion(physicalStart: 0x3e80_0000, size: 0x80_0000),
        platform: Platform(specific: .x86(X86Platform(pmTimerPort: 0x608))),
        rootCell: CellDescriptor(
            name: "linux", cpus: CPUSet(0..<4),
            memoryRegions: [
                identity(0, 0x3a00_0000), identity(0x3a00_0000, 0x400_0000), identity(0x3e00_0000, 0x80_0000),
                identity(0xfe00_0000, 0x1000),
            ],
            interruptChips: [InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: Array(0..<24))]
        )
    )

    private static func identity(_ start: UInt64, _ size: UInt64) -> MemoryRegion {
        MemoryRegion(physicalStart: start, virtualStart: start, size: size, flags: [.read, .write, .execute])
    }

    @Test func ofSoundConfigurationsNothingIsSaid() {
        #expect(Self.sound.findings().isEmpty)
        #expect(Self.system.findings().isEmpty)
        #expect(Self.system.findings(ofCell: Self.sound).isEmpty)
    }

    typealias Change = @Sendable (inout CellDescriptor) -> Void

    static let brokenCells: [(rule: String, location: String, change: Change)] = [
        ("JH0101", "cell.name", { $0.name = "" }),
        ("JH0102", "cell.name", { $0.name = String(repeating: "x", count: 32) }),
        ("JH0103", "cell.cpus", { $0.cpus = CPUSet([]) }),
        ("JH0104", "cell.cpus", { $0.cpus = CPUSet([0, 3]) }),
        ("JH0105", "cell.cpu-set-bytes", { $0.cpus = CPUSet([3], byteCount: 4104) }),
        ("JH0201", "memory[3]", { $0.memoryRegions[3].size = 0 }),
        ("JH0201", "memory[3]", { $0.memoryRegions[3] = MemoryRegion() }),
        ("JH0202", "memory[0]", { $0.memoryRegions[0].physicalStart = .max - 0x1f_ffff }),
        (
            "JH0202", "memory[0]",
            {
                $0.memoryRegions[0].size = .max - 0xfff; $0.memoryRegions.removeSubrange(1...3);
                $0.flags = .passiveCommunicationRegion
            }
        ),
        ("JH0203", "memory[0]", { $0.memoryRegions[0].physicalStart += 0x800 }),
        ("JH0204", "memory[2]", { $0.memoryRegions[2].flags = [.read, .write, .io] }),
        ("JH0204", "memory[0]", { $0.memoryRegions[0].size += 1 }),
        (
            "JH0205", "memory[3]",
            {
                $0.memoryRegions[3] = $0.memoryRegions[0]; $0.memoryRegions[3].virtualStart = 0x7f_f000
                $0.memoryRegions[3].physicalStart = 0x3b00_0000
                $0.memoryRegions[3].size = 0x1000
            }
        ),
        (
            "JH0301", "memory[3]",
            {
                $0.memoryRegions[3] = $0.memoryRegions[1]; $0.memoryRegions[3].virtualStart = 0xa0_0000
            }
        ),
        ("JH0302", "cell", { $0.memoryRegions.remove(at: 1) }),
        ("JH0303", "memory[1]", { $0.memoryRegions[1].size = 0x2000 }),
        (
            "JH0304", "memory[1]",
            {
                $0.memoryRegions[0].size = 0xa0_0000; $0.memoryRegions.swapAt(0, 1)
            }
        ),
        ("JH0305", "memory[1]", { $0.memoryRegions[1].flags.remove(.write) }),
        (
            "JH0305", "memory[1]",
            {
                $0.memoryRegions[1].flags.remove(.write); $0.flags = .passiveCommunicationRegion;
                $0.messageReplyTimeout = 0
            }
        ),
        ("JH0401", "cell.reset-address", { $0.cpuResetAddress = 0x80_0000 }),
        ("JH0401", "cell.reset-address", { $0.memoryRegions[0].flags.remove(.execute) }),
        ("JH0402", "cell.console", { $0.ioPortRegions = [] }),
        (
            "JH0402", "cell.console",
            {
                $0.ioPortRegions = []
                $0.console = Console(kind: .uart8250, address: 0xfe00_1010, flags: .mmio)
            }
        ),
        (
            "JH0402", "cell.console",
            {
                $0.ioPortRegions = []
                $0.console = Console(kind: .uart8250, address: 0xfe00_0010, flags: .mmio)
                $0.memoryRegions[2].flags.remove(.write)
            }
        ),
    ]

    @Test(arguments: brokenCells.indices) func eachRuleSeesWhatBreaksItAndNoOtherDoes(index: Int) {
        let (rule, location, change) = Self.brokenCells[index]
        var cell = Self.sound
        change(&cell)
        let findings = cell.findings()
        #expect(findings.map(\.rule) == [rule])
        #expect(findings.first?.location == location)
        for finding in findings {
            #expect(!finding.message.isEmpty && !finding.consequence.isEmpty && !finding.remedy.isEmpty)
        }
    }

    static let misplacedCells: [(rule: String, change: Change)] = [
        ("JH0501", { $0.architecture = .arm64 }), ("JH0502", { $0.cpus = CPUSet([3, 7]) }),
        ("JH0503", { $0.name = "linux" }),
        ("JH0504", { $0.memoryRegions[0].physicalStart = 0x4000_0000 }),
        ("JH0505", { $0.memoryRegions[2].physicalStart = 0xfe00_1010 }),
        ("JH0506", { $0.memoryRegions[0].physicalStart = 0x3e7f_f000 }),
    ]

    @Test(arguments: misplacedCells.indices) func aCellIsComparedWithItsSystem(index: Int) {
        var cell = Self.sound
        Self.misplacedCells[index].change(&cell)
        #expect(Self.system.findings(ofCell: cell).map(\.rule) == [Self.misplacedCells[index].rule])
    }

    @Test func bothAddressesStandInTheMessage() {
        var cell = Self.sound
        cell.memoryRegions[0].physicalStart = 0x3e7f_f000
        #expect(
            Self.system.findings(ofCell: cell).first?.message
                == "the region \"ram\" (physical 0x3e7ff000–0x3effefff) lies over the hypervisor's memory "
                + "(0x3e800000–0x3effffff)"
        )
        cell.memoryRegions[0].size = 0x90_1000
        #expect(
            cell.findings().first { $0.rule == "JH0304" }?.message
                == "the region \"communication region\" (0x900000–0x900fff) lies over \"ram\" (memory[0], 0x0–0x900fff)"
        )
    }

    @Test func aGuessedArchitectureIsTheSystems() throws {
        var system = Self.system
        system.architecture = .arm64
        system.platform.specific = .arm(ArmPlatform())
        var plain = Self.sound
        (plain.ioPortRegions, plain.interruptChips, plain.console) = ([], [], Console())
        var cell = try CellDescriptor(binary: plain.binary(revision: .revision13))
        #expect(cell.isArchitectureGuessed)
        #expect(!system.findings(ofCell: cell).map(\.rule).contains("JH0501"))
        // what it has is a PC's
        var pc = Self.sound
        pc.ioPortRegions = [IOPortRegion(name: "COM1", base: 0x3f8, count: 8)]
        pc = try CellDescriptor(binary: pc.binary(revision: .revision13))
        let guess = try #require(system.findings(ofCell: pc).first { $0.rule == "JH0501" })
        #expect(guess.severity == .warning && guess.message.hasSuffix("for x86, the system for arm64, as it seems"))
        #expect(!Self.system.findings(ofCell: pc).map(\.rule).contains("JH0501"))
        // and the other way round
        var arm = plain
        arm.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33])]
        arm = try CellDescriptor(binary: arm.binary(revision: .revision13), assuming: .x86)
        let other = try #require(Self.system.findings(ofCell: arm).first { $0.rule == "JH0501" })
        #expect(other.message.hasSuffix("for arm64, the system for x86, as it seems"))
        cell = try CellDescriptor(binary: Self.sound.binary(revision: .revision13), assuming: .x86)
        #expect(system.findings(ofCell: cell).map(\.rule).contains("JH0501"))
    }

    /// What only one architecture has is an error of a cell that is known to be of it.
    @Test func aGuessedArchitectureOfTheCell() throws {
        var cell = Self.sound
        cell.cpus = CPUSet([0])
        #expect(cell.findings().first { $0.rule == "JH0104" }?.severity == .error)
        cell.isArchitectureGuessed = true
        #expect(cell.findings().first { $0.rule == "JH0104" }?.severity == .warning)
        cell.architecture = .arm64
        cell.interruptChips = [InterruptChip(address: 1, id: 0, pinBase: 33)]
        #expect(cell.findings().first { $0.rule == "JH1101" }?.severity == .warning)
    }

    /// A guess is never an error: of the system, neither.
    @Test func aGuessedArchitectureOfTheSystem() {
        var system = Self.system
        system.architecture = .arm
        system.platform.specific = .arm(ArmPlatform())
        system.rootCell.isArchitectureGuessed = true
        var cell = Self.sound
        cell.architecture = .arm64
        #expect(!system.findings(ofCell: cell).map(\.rule).contains("JH0501"))
        cell.architecture = .x86
        #expect(system.findings(ofCell: cell).first { $0.rule == "JH0501" }?.severity == .warning)
    }

    @Test func bytesThatNothingCounts() throws {
        let bytes = try Self.sound.binary() + [1] + [UInt8](repeating: 0, count: 55)
        let cell = try CellDescriptor(binary: bytes)
        #expect(try cell.binary() == bytes)
        #expect(try CellDescriptor(toml: cell.toml(), path: "x").binary() == bytes)
        #expect(try cell.withoutSurplus.binary() == Self.sound.binary())
        let finding = try #require(cell.findings().first)
        #expect(finding.rule == "JH0107" && finding.severity == .warning)
        #expect(finding.message == "56 bytes follow the last list, as many as a PCI device has")
    }

    @Test func aRegionMayLieInSeveralOfTheRootCells() {
        var cell = Self.sound
        cell.memoryRegions[0].physicalStart = 0x39c0_0000
        #expect(Self.system.findings(ofCell: cell).isEmpty)
    }

    @Test func theSystemItselfIsLookedAt() {
        var system = Self.system
        system.flags = []
        system.hypervisorMemory.size = 0
        #expect(system.findings().map(\.rule) == ["JH0701", "JH0703"])
        system = Self.system
        system.rootCell.memoryRegions[2].size = 0x80_1000
        #expect(system.findings().map(\.rule) == ["JH0702"])
        system = Self.system
        system.rootCell.cpus = CPUSet([])
        system.rootCell.memoryRegions.append(Self.identity(0x1000, 0x1000))
        #expect(system.findings().map(\.rule) == ["JH0103", "JH0206"])
    }

    @Test func cellsAreComparedWithEachOther() {
        var other = Self.sound
        other.name = "other"
        func rules(_ cells: CellDescriptor...) -> [String] {
            CellGroup(cells.enumerated().map { .init(path: "\($0.offset).toml", cell: $0.element) }).findings()
                .compactMap(\.rule)
        }
        // one CPU, one memory: the two are alternatives
        #expect(rules(Self.sound, other) == ["JH0602"])
        other.cpus = CPUSet([2])
        #expect(rules(Self.sound, other) == ["JH0603", "JH0606", "JH0607"])
        other.memoryRegions[2].flags.insert(.rootShared)
        #expect(rules(Self.sound, other) == ["JH0603", "JH0606", "JH0607"])
        other.ioPortRegions = []
        var sharing = Self.sound
        sharing.memoryRegions[2].flags.insert(.rootShared)
        other.memoryRegions[0].physicalStart = 0x3a80_0000
        #expect(rules(sharing, other).isEmpty)
        other.name = "rtems"
        #expect(rules(sharing, other) == ["JH0601"])
    }

    @Test(arguments: 0..<4) func rulesTrapOnNothing(seed: UInt64) {
        var generator = SeededGenerator(seed: seed + 2000)
        for _ in 0..<100 {
            let architecture = Architecture.allCases[Int(generator.next() % 3)]
            let system = generator.system(architecture)
            let cell = generator.cell(architecture)
            _ = system.findings() + cell.findings() + system.findings(ofCell: cell)
            _ = CellGroup([.init(path: "a", cell: cell), .init(path: "b", cell: generator.cell(architecture))])
                .findings()
        }
    }

    @Test func whatIsSharedByManyHidesNothing() {
        let members = (0..<100).map { number in
            var cell = Self.sound
            cell.name = "cell-\(number)"
            cell.cpus = CPUSet([number])
            cell.ioPortRegions = []
            // all drive one device; two have the same memory besides
            cell.memoryRegions[0].physicalStart = UInt64(number == 99 ? 98 : number) << 23
            return CellGroup.Member(path: "\(number).toml", cell: cell)
        }
        let findings = CellGroup(members).findings()
        #expect(findings.filter { $0.rule == "JH0603" }.map(\.path) == ["99.toml"])
        #expect(findings.filter { $0.rule == "JH0606" }.count == Neighbours.limit)
    }

    @Test func aThousandCellsAreComparedQuickly() {
        let members = (0..<1000).map { number in
            var cell = Self.sound
            cell.name = "cell-\(number)"
            cell.cpus = CPUSet([number])
            cell.memoryRegions = [cell.memoryRegions[0]]
            cell.ioPortRegions = []
            cell.memoryRegions[0].physicalStart = UInt64(number) << 23
            return CellGroup.Member(path: "\(number).toml", cell: cell)
        }
        let duration = ContinuousClock().measure { #expect(CellGroup(members).findings().isEmpty) }
        #expect(duration < .seconds(5))  // a fraction of one when optimised
    }
}
