// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellDefinition
import Foundation
import InmateImage
import Testing

@testable import CellMachine

/// The project's inmates in the cells of `configs/cells`, 64- and 32-bit: what they check of themselves holds.
@Suite struct InmateTests {
    @Test(arguments: Width.allCases) func timerPasses(width: Width) async throws {
        let inmate = try RunningInmate("timer", width)
        try await inmate.passes("timer")
    }

    @Test(arguments: Width.allCases) func smpPasses(width: Width) async throws {
        let inmate = try RunningInmate("smp", width)
        try await inmate.passes("smp")
    }

    @Test(arguments: Width.allCases) func pciPasses(width: Width) async throws {
        let inmate = try RunningInmate("pci", width)
        try await inmate.passes("pci")
        #expect(inmate.output.contains("pci: 4 passed, 0 failed, 0 skipped"))
    }

    /// One prints through the virtual console, the other on COM1; one is 64-bit, the other 32-bit.
    @Test func networkPasses() async throws {
        let machine = try TestMachine()
        let cells = try [("network-a", Width.bits64), ("network-b", Width.bits32)].enumerated().map { slot, cell in
            try RunningInmate(cell.0, cell.1, in: machine, slot: slot)
        }
        for cell in cells { try await cell.passes("network") }
        #expect(cells[0].events.serial.isEmpty)
    }

    /// The link between them is in both definitions.
    @Test func heartbeatPasses() async throws {
        let machine = try TestMachine()
        let cells = [
            try RunningInmate("heartbeat-a", .bits32, in: machine),
            try RunningInmate("heartbeat-b", in: machine, slot: 1),
        ]
        for cell in cells {
            try await cell.passes("heartbeat")
            #expect(cell.output.contains("heartbeat: 4 passed, 0 failed, 0 skipped"))
        }
    }

    /// The region and the PM timer where RTEMS and older machines have them.
    @Test(arguments: Width.allCases) func findsRegionAndTimerElsewhere(width: Width) async throws {
        let inmate = try RunningInmate("timer-900000", width) { $0.pmTimerPort = 0x408 }
        try await inmate.passes("timer")
        #expect(inmate.output.contains("communication region at 00900000"))
        #expect(inmate.output.contains("PASS pm-timer: port 408"))
    }

    /// 64-bit programs reach what is above 4 GiB; the others say that they do not.
    @Test(arguments: Width.allCases) func reachesAConfigurationSpaceAbove4GiB(width: Width) async throws {
        let inmate = try RunningInmate("pci", width) { $0.configurationSpaceBase = 0x2_0000_0000 }
        try await inmate.passes("pci")
        let line = width == .bits64 ? "PASS mmconfig: 0 differences to ports, window at 200000000" : "SKIP mmconfig"
        #expect(inmate.output.contains(line))
    }

    @Test func startsProcessorsThroughTheWindow() async throws {
        let inmate = try RunningInmate("smp", commandLine: "xapic")
        try await inmate.passes("smp")
        #expect(inmate.machine.exits().values.contains { $0[.xapic, default: 0] > 0 })
        #expect(inmate.machine.exits().values.allSatisfy { $0[.x2APICCommand, default: 0] == 0 })
    }

    @Test(arguments: Width.allCases) func stubbornDeniesOnce(width: Width) async throws {
        let inmate = try RunningInmate("stubborn", width)
        try await inmate.prints("stubborn: running")
        inmate.machine.send(1)
        try await inmate.answers(2)
        #expect(inmate.machine.state == 0)
        try await inmate.prints("PASS stubborn")
        inmate.machine.send(1)
        try await inmate.answers(3)
        try await inmate.reaches(state: 2)
    }

    @Test(arguments: Width.allCases) func lockedUnlocks(width: Width) async throws {
        let inmate = try RunningInmate("locked", width, commandLine: "denials=2")
        try await inmate.prints("locked: for 2 requests")
        for _ in 1...2 {
            #expect(inmate.machine.state == 1)
            inmate.machine.send(1)
            try await inmate.answers(2)
        }
        try await inmate.prints("PASS locked")
        try await inmate.reaches(state: 0)
        inmate.machine.send(2)
        try await inmate.answers(4)
        inmate.machine.send(1)
        try await inmate.answers(3)
        try await inmate.reaches(state: 2)
    }

    /// A cell's RAM is dirty when it is loaded again: nothing of an earlier run may be taken for the command line.
    @Test func commandLineOfAnEarlierRunIsGone() async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=failed")
        try await inmate.reaches(state: 3)
        #expect(inmate.output == "misbehave: failed\n")
        try inmate.machine.park()
        try inmate.load(commandLine: nil)
        try inmate.machine.start()
        try await inmate.prints("no such mode")
    }
}

/// Each way of dying that the hypervisor prevents or reports, or the cell tells itself.
@Suite struct MisbehaviorTests {
    /// The mode, and the last line of the report's reason.
    private static let parked: [(String, String)] = [
        ("port-read", "FATAL: Invalid PIO read, port: 70 size: 1"),
        ("port-write", "FATAL: Invalid PIO write, port: 70 size: 1"),
        ("memory-read", "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 4"),
        ("memory-write", "FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4"),
        ("memory-fetch", "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0"),
        ("read-only-write", "FATAL: Invalid MMIO/RAM write, addr: 0x0000000000200000 size: 4"),
        ("data-fetch", "FATAL: Invalid MMIO/RAM read, addr: 0x0000000000210000 size: 0"),
        ("msr-read", "FATAL: Unhandled MSR read: 40000000"),
        ("msr-write", "FATAL: Unhandled MSR write: 200"),
        // an entry into the cell that the processor refuses
        ("efer", "FATAL: "), ("cr0-paging", "FATAL: "),
        ("triple-fault", "FATAL: Unexpected #VMEXIT, exitcode 7f"),
        ("stack-overflow", "FATAL: Unexpected #VMEXIT, exitcode 7f"),
        ("pci-write", "FATAL: Invalid PCI config write, device 00:1f.0, reg: 0x4, size: 4"),
        ("mmconfig-write", "FATAL: Invalid PCI MMCONFIG write, device 00:1f.0, reg: 0x4, size: 4"),
        ("ioapic-id", "FATAL: Invalid IOAPIC write, reg: 10, index: 0"),
        ("apic-shorthand", "FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=84470"),
        ("apic-delivery", "FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=4200"),
        ("apic-reserved", "FATAL: Trying to set reserved APIC bits (reg 08, value ffffffff)"),
    ]

    @Test(arguments: parked) func aCPUThatReachesOutIsParked(mode: String, reason: String) async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=\(mode)")
        try await inmate.events.wait(for: "the violation by \(mode): \(inmate.output)") { !$0.violations.isEmpty }
        let lines = inmate.events.violations[0]
        #expect(lines.contains { $0.hasPrefix(reason) }, "\(lines)")
        #expect(
            lines.last == "Parking CPU 2 (Cell: \"misbehave\")" || lines.last == "Parking CPU 3 (Cell: \"misbehave\")")
        #expect(inmate.output == "misbehave: \(mode)\n")
        // one of two CPUs
        #expect(inmate.machine.state == 0)
    }

    @Test(arguments: ["pci-read", "mmconfig-read", "foreign-interrupt", "hypercall", "dma", "ioapic-pin"])
    func whatIsIgnoredIsSurvived(mode: String) async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=\(mode)")
        try await inmate.prints("misbehave: survived\n")
        try await inmate.reaches(state: 2)
        #expect(inmate.events.violations.isEmpty)
        if mode.hasSuffix("-read") { #expect(inmate.output.contains("read ffffffff")) }
        if mode == "dma" { #expect(inmate.output.contains("the device says that it sent it")) }
        if mode == "hypercall" {
            let answers = "result -1\ncells 3, of more -22\npages 1000, used 211\nprocessor 0 -1, 99 -22\n"
            #expect(inmate.output.contains(answers))
        }
    }

    private static let told: [(String, UInt32)] = [
        ("failed", 3), ("unknown-state", 0x1234), ("abi-mismatch", 4), ("shut-down", 2), ("undefined-instruction", 3),
        ("overflow", 3), ("general-protection", 3), ("page-fault", 3),
    ]

    @Test(arguments: told, Width.allCases) func aCellTellsItsEnd(end: (mode: String, state: UInt32), width: Width)
        async throws
    {
        let inmate = try RunningInmate("misbehave", width, commandLine: "mode=\(end.mode)")
        try await inmate.reaches(state: end.state)
        #expect(inmate.events.violations.isEmpty)
        // its state may be seen before the last of its characters
        try await inmate.prints("misbehave: \(end.mode)\n")
    }

    @Test func oneCPUOfTwoDies() async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=one-processor")
        try await inmate.events.wait(for: "the violation") { !$0.violations.isEmpty }
        try await inmate.prints("the first processor goes on")
        #expect(inmate.machine.state == 0)
        inmate.machine.send(1)
        try await inmate.answers(3)
    }

    @Test(arguments: ["hang", "halt", "ignore"]) func whoDoesNotAnswerRuns(mode: String) async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=\(mode)")
        try await inmate.prints("misbehave: \(mode)\n")
        inmate.machine.send(1)
        // what shows that it has executed long enough for an answer since
        switch mode {
        case "ignore":
            let line = "misbehave: \(inmate.output.split(separator: "\n").count) s\n"
            try await inmate.prints(line)
        case "hang":
            let process = try #require(inmate.machine.processID)
            let begin = try Bench.ticks(of: process)
            try await inmate.events.wait(for: "100 ms of its CPU") { _ in
                (try? Bench.ticks(of: process)).map { $0 - begin >= sysconf(Int32(_SC_CLK_TCK)) / 10 } ?? false
            }
        // it waits for interrupts that never come: the processor is the only one that could answer
        default: try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try inmate.machine.emulator.control.execute("query-status").contains("\"status\": \"running\""))
        #expect(inmate.machine.reply == 0)
        #expect(inmate.machine.state == 0)
    }

    @Test func printsWithoutEnd() async throws {
        let inmate = try RunningInmate("misbehave", commandLine: "mode=print")
        try await inmate.prints("misbehave: line 1000\n")
    }
}

enum Width: String, CaseIterable {
    case bits64 = ""
    case bits32 = "-32"
}

/// An inmate in the cell that its definition describes.
final class RunningInmate {
    let machine: CellMachine
    let events = Events(of: "misbehave")
    private let testMachine: TestMachine
    private let definition: CellDefinition
    private let width: Width
    private let image: [UInt8]?

    private static let project = URL(filePath: TestMachine.root).deletingLastPathComponent().deletingLastPathComponent()
    /// Of the machine in systems/q35.toml.
    private static let devices = [UInt16(0x10), 0x18].map {
        SimulatedDevice(address: PCIAddress(rawValue: $0), model: "e1000e", network: "cable")
    }
    private static let installed = "/usr/lib/jailhoused/inmates/"

    /// - Parameters:
    ///   - commandLine: instead of the definition's.
    ///   - image: instead of the project's.
    ///   - shared: a machine that has other cells, too, or is not for x86.
    ///   - system: of a machine that is not the usual one.
    init(
        _ name: String, _ width: Width = .bits64, commandLine: String? = nil, image: [UInt8]? = nil,
        in shared: TestMachine? = nil, system: SystemDescriptor? = nil,
        slot: Int = 0, settings change: (inout CellMachineSettings) -> Void = { _ in }
    ) throws {
        testMachine = try shared ?? TestMachine()
        self.width = width
        self.image = image
        let file = Self.project.appending(path: "configs/cells/\(name).toml")
        definition = try CellDefinition(
            toml: String(contentsOf: file, encoding: .utf8), path: file.path, readFile: { _ in [] })
        var settings = testMachine.settings
        change(&settings)
        machine = try CellMachine(
            cell: definition.descriptor, system: system, slot: slot,
            devices: definition.descriptor.architecture == .x86 ? Self.devices : [], settings: settings,
            onEvent: { [events] in events.add($0) })
        if let commandLine { try load(commandLine: commandLine) } else { try load() }
        try machine.start()
    }

    /// As the daemon would.
    func load() throws {
        for piece in try definition.loadPlan(readFile: read) { try write(piece) }
    }

    /// With another command line than the definition's, or none.
    func load(commandLine: String?) throws {
        for piece in try definition.loadPlan(readFile: read) where piece.address != 0x1000 { try write(piece) }
        guard let commandLine else { return }
        try write(LoadPiece(address: 0x1000, contents: Array(commandLine.utf8) + [0]))
    }

    private func read(_ path: String) throws -> [UInt8] {
        if let image { return image }
        let file = path.replacing(Self.installed, with: "").replacing(".exe", with: width.rawValue + ".exe")
        return Array(try Data(contentsOf: Self.project.appending(path: "inmates/build/\(file)")))
    }

    private func write(_ piece: LoadPiece) throws {
        let region = try #require(
            definition.descriptor.memoryRegions.first {
                piece.address >= $0.virtualStart && piece.address - $0.virtualStart < $0.size
            })
        try testMachine.memory.write(piece.contents, at: region.physicalStart + piece.address - region.virtualStart)
    }

    /// On COM1 or the virtual console.
    var output: String { events.serial + events.printed }

    func prints(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await events.wait(for: text, 60, sourceLocation: sourceLocation) {
            ($0.serial + $0.printed).contains(text)
        }
    }

    func reaches(state: UInt32, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let machine = machine
        try await events.wait(for: "state \(state), not \(machine.state)", 60, sourceLocation: sourceLocation) { _ in
            machine.state == state
        }
    }

    func answers(_ reply: UInt32, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let machine = machine
        try await events.wait(for: "reply \(reply)", 60, sourceLocation: sourceLocation) { _ in machine.reply == reply }
    }

    /// It has checked itself, and ends well.
    func passes(_ program: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await prints(" passed, ", sourceLocation: sourceLocation)
        let text = output
        try await events.wait(for: "the end", sourceLocation: sourceLocation) { [machine] _ in machine.state >= 2 }
        #expect(machine.state == 2, "\(text)", sourceLocation: sourceLocation)
        #expect(!text.contains("FAIL"), "\(text)", sourceLocation: sourceLocation)
        #expect(text.contains("\(program): "), "\(text)", sourceLocation: sourceLocation)
        #expect(events.violations.isEmpty, sourceLocation: sourceLocation)
    }
}
