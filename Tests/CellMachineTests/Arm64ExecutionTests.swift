// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import InmateImage
import JailhouseInterface
import Testing

@testable import CellMachine

/// Cells for Arm64: the project's inmates in the machine of upstream's qemu-arm64, and what they may not do.
@Suite struct Arm64ExecutionTests {
    /// As upstream's inmate-demo: 64 KiB of RAM at 0, the communication region, the shared UART.
    static func cell(_ name: String = "test", cpus: [Int] = [1], at physical: UInt64 = 0x7000_0000) -> CellDescriptor {
        CellDescriptor(
            name: name, architecture: .arm64, flags: [.virtualConsolePermitted, .passiveCommunicationRegion],
            cpus: CPUSet(cpus),
            memoryRegions: [
                MemoryRegion(physicalStart: physical, size: 0x1_0000, flags: [.read, .write, .execute, .loadable]),
                MemoryRegion(
                    virtualStart: 0x8000_0000, size: 0x1000, flags: [.read, .write, .communicationRegion]),
                MemoryRegion(
                    physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x1000,
                    flags: [.read, .write, .io, .rootShared]),
                MemoryRegion(physicalStart: physical + 0x1_0000, virtualStart: 0x20_0000, size: 0x1000, flags: [.read]),
                MemoryRegion(
                    physicalStart: 0x901_0000, virtualStart: 0x30_0000, size: 0x20, flags: [.read, .io, .io32]),
            ],
            interruptChips: [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 144])],
            console: Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: [.mmio]))
    }

    static func system(gic: UInt8, cpus: Int = 4) -> SystemDescriptor {
        var platform = Arm64Model.virtualMachine
        platform.gicVersion = gic
        if gic == 2 {
            (platform.giccBase, platform.gichBase, platform.gicvBase) = (0x801_0000, 0x803_0000, 0x804_0000)
            platform.gicrBase = 0
        }
        return SystemDescriptor(
            architecture: .arm64,
            platform: Platform(
                mmconfigBase: Arm64Model.virtualConfigurationSpace, virtualPCI: 1, specific: .arm(platform)),
            rootCell: CellDescriptor(name: "root", architecture: .arm64, cpus: CPUSet(Array(0..<cpus))))
    }

    @Test func aCellRunsAnswersAndEnds() async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run("inmates/hello-arm64", in: Arm64ExecutionTests.cell())
        try await cell.events.serial("hello: from processor 1, GICv3\n")
        #expect(cell.machine.state == 0)
        cell.machine.send(1)
        try await cell.events.serial("asked to shut down\n")
        try await cell.events.wait(for: "the state") { _ in cell.machine.state == 2 }
        #expect(cell.machine.reply == 3)
    }

    @Test(arguments: [2, 3] as [UInt8]) func timerPasses(gic: UInt8) async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/timer-arm64", in: Arm64ExecutionTests.cell(), commandLine: "console=virtual",
            system: Arm64ExecutionTests.system(gic: gic))
        try await cell.events.serial("timer: 6 passed, 0 failed, 0 skipped")
        try await cell.events.wait(for: "the state") { _ in cell.machine.state == 2 }
        cell.machine.catchUp()
        #expect(cell.events.printed == cell.events.serial)
        let exits = try #require(cell.machine.exits()[1])
        #expect(exits[.virtualInterrupt] == 20)
        #expect(exits[.hypercall] ?? 0 > 100)
        #expect(exits[.mmio] ?? 0 > 0)
        #expect(exits[.management] == 1)
    }

    @Test(arguments: [2, 3] as [UInt8]) func smpPasses(gic: UInt8) async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/smp-arm64", in: Arm64ExecutionTests.cell(cpus: [1, 2, 3]),
            system: Arm64ExecutionTests.system(gic: gic))
        try await cell.events.serial("smp: 4 passed, 0 failed, 0 skipped")
        #expect(cell.events.serial.contains("processor 2: affinity 3\n"))
        let exits = cell.machine.exits()
        #expect(exits[3]?[.virtualSGI] == 1)
        #expect(exits[1]?[.psci] ?? 0 > 4)
    }

    @Test func aFailedCellStartsAgainAndAgain() async throws {
        let machine = try TestMachine(.arm64)
        let descriptor = Arm64ExecutionTests.cell()
        let cell = try machine.run("inmates/misbehave-arm64", in: descriptor, commandLine: "mode=memory-write")
        let process = cell.machine.processID
        for round in 1...5 {
            try await cell.events.wait(for: "violation \(round)") { $0.violations.count == round }
            #expect(cell.machine.state == 3)
            try cell.machine.park()
            try cell.machine.load(
                try Inmates.image("inmates/misbehave-arm64"), at: 0x7000_0000, into: machine.memory)
            try cell.machine.load(Array("mode=memory-write".utf8) + [0], at: 0x7000_1000, into: machine.memory)
            try cell.machine.start()
        }
        try await cell.events.wait(for: "the last violation") { $0.violations.count == 6 }
        #expect(cell.machine.processID == process)
        #expect(cell.machine.exits()[1]?[.management] == 6)
    }

    @Test func theImageThatWasLoadedLastIsExecuted() async throws {
        let machine = try TestMachine(.arm64)
        let descriptor = Arm64ExecutionTests.cell()
        let cell = try machine.run("inmates/hello-arm64", in: descriptor)
        try await cell.events.serial("hello: from processor 1")
        for round in 0..<6 {
            let (image, text) = round % 2 == 0 ? ("stubborn", "stubborn: running") : ("hello", "hello: from processor")
            cell.events.clear()
            try cell.machine.load(try Inmates.image("inmates/\(image)-arm64"), at: 0x7000_0000, into: machine.memory)
            try cell.machine.start()
            try await cell.events.serial(text)
        }
    }

    /// On their boards these accesses are no exits.
    @Test(arguments: [2, 4, 5, 6, 7, 8, 9, 10] as [UInt16]) func everySerialPortPrints(kind: UInt16) async throws {
        let machine = try TestMachine(.arm64)
        var descriptor = Arm64ExecutionTests.cell()
        descriptor.console = Console(
            kind: Console.Kind(rawValue: kind), address: 0xfe20_1000, size: 0x1000, flags: [.mmio, .registerDistance4])
        descriptor.memoryRegions[2].physicalStart = 0xfe20_1000
        descriptor.memoryRegions[2].virtualStart = 0xfe20_1000
        let cell = try machine.run("inmates/hello-arm64", in: descriptor)
        try await cell.events.serial("hello: from processor 1, GICv3\n")
        #expect(cell.machine.exits()[1]?[.mmio] ?? 0 < 10)
    }

    /// As a Raspberry Pi 4 has it: each access is looked at, and counted.
    @Test func aSerialPortOfLessThanAPagePrints() async throws {
        let machine = try TestMachine(.arm64)
        var descriptor = Arm64ExecutionTests.cell()
        descriptor.console = Console(
            kind: .uart8250, address: 0xfe21_5040, size: 0x40, flags: [.mmio, .registerDistance4])
        descriptor.memoryRegions[2] = MemoryRegion(
            physicalStart: 0xfe21_5040, virtualStart: 0xfe21_5040, size: 0x40, flags: [.read, .write, .io, .io8])
        var cell = try machine.run("inmates/hello-arm64", in: descriptor)
        try await cell.events.serial("hello: from processor 1, GICv3\n")
        #expect(cell.machine.exits()[1]?[.mmio] ?? 0 > 60)
        // without that width
        descriptor.memoryRegions[2].flags = [.read, .write, .io, .io32]
        cell = try machine.run("inmates/hello-arm64", in: descriptor, slot: 1)
        try await cell.events.wait(for: "a violation") { !$0.violations.isEmpty }
        #expect(cell.events.violations[0][0] == "FATAL: Invalid MMIO read, address: fe215054, size: 1")
    }

    static let deaths: [(String, [String])] = [
        ("memory-write", ["Unhandled data write at 0x20000000(4)", "unhandled trap 24"]),
        ("memory-read", ["Unhandled data read at 0x20000000(4)", "unhandled trap 24"]),
        ("memory-fetch", ["FATAL: instruction abort at 0x20000000", "forbidden access 20"]),
        ("read-only-write", ["Unhandled data write at 0x200000(4)", "unhandled trap 24"]),
        ("pair-read", ["Unhandled data read at 0x20000000(1)", "unhandled trap 24"]),
        ("exclusive-read", ["Unhandled data read at 0x20000000(1)", "unhandled trap 24"]),
        ("hvc-number", ["forbidden access 16"]),
        ("smc-owner", ["unhandled trap 17"]),
        ("smc-arch", ["Unhandled SMC arch trap 80000002", "unhandled trap 17"]),
        ("actlr", ["unhandled trap 18"]),
        ("sgi0r", ["unhandled trap 18"]),
        ("foreign-route", ["Attempt to route IRQ33 outside of cell", "forbidden access 24"]),
        ("memory-read size=8", ["Unhandled data read at 0x20000000(8)", "unhandled trap 24"]),
        ("memory-write size=1", ["Unhandled data write at 0x20000000(1)", "unhandled trap 24"]),
        ("user-write", ["Unhandled data write at 0x20000000(4)", "unhandled trap 24"]),
        ("stack-outside", ["Unhandled data write at 0x1ffffff0(1)", "unhandled trap 24"]),
        ("half-line", ["Unhandled data write at 0x20000000(4)", "unhandled trap 24"]),
        ("pair-write", ["Unhandled data write at 0x20000000(1)", "unhandled trap 24"]),
        ("indexed-read", ["Unhandled data read at 0x20000000(1)", "unhandled trap 24"]),
        ("block-zero", ["Unhandled data write at 0x20000000(1)", "unhandled trap 24"]),
        ("part-write", ["FATAL: Invalid MMIO write, address: 9010004, size: 4", "forbidden access 24"]),
        ("part-width", ["FATAL: Invalid MMIO read, address: 9010004, size: 1", "forbidden access 24"]),
        ("part-behind", ["Unhandled data read at 0x300020(4)", "unhandled trap 24"]),
        ("part-across", ["Unhandled data read at 0x30001c(8)", "unhandled trap 24"]),
        ("smc-workaround", ["forbidden access 17"]),
        ("smc-mitigation", ["Unhandled SMC arch trap 80008000", "unhandled trap 17"]),
        ("smc-zero", ["Unhandled SMC arch trap 0", "unhandled trap 17"]),
        ("any-route", ["Attempt to route IRQ33 outside of cell", "forbidden access 24"]),
        ("actlr-write", ["unhandled trap 18"]),
        ("asgi1r", ["unhandled trap 18"]),
        ("foreign-frame", ["Unhandled data read at 0x8120008(8)", "unhandled trap 24"]),
        (
            "mmconfig-write",
            ["FATAL: Invalid PCI MMCONFIG write, device 00:1f.0, reg: 0x4, size: 4", "forbidden access 24"]
        ),
        (
            "mmconfig-wide",
            ["FATAL: Invalid PCI MMCONFIG write, device 00:1f.0, reg: 0x0, size: 8", "forbidden access 24"]
        ),
        (
            "pci-protected",
            ["FATAL: Invalid PCI MMCONFIG write, device 00:00.0, reg: 0x8, size: 4", "forbidden access 24"]
        ),
        (
            "pci-beyond",
            ["FATAL: Invalid PCI MMCONFIG write, device 00:00.0, reg: 0x80, size: 4", "forbidden access 24"]
        ),
        ("vector-table", ["FATAL: Invalid PCI MSI-X table/PBA access, device 00:00.0", "forbidden access 24"]),
        ("foreign-message", ["forbidden access 24"]),
    ]

    private static let linkModes = ["pci-", "vector-table", "foreign-message"]

    /// The hypervisor's lines, as they were seen on the real one.
    @Test(arguments: deaths) func whatACellMayNotDoEndsIt(mode: String, lines: [String]) async throws {
        let machine = try TestMachine(.arm64)
        let isLinked = Arm64ExecutionTests.linkModes.contains { mode.hasPrefix($0) }
        let descriptor =
            isLinked ? Arm64LinkTests.cell("test", end: 0, vectors: 1) : Arm64ExecutionTests.cell()
        let cell = try machine.run(
            "inmates/misbehave-arm64", in: descriptor, commandLine: "mode=\(mode)",
            system: Arm64ExecutionTests.system(gic: 3))
        try await cell.events.wait(for: "a violation") { !$0.violations.isEmpty }
        let violation = try #require(cell.events.violations.first)
        let verdict = try #require(lines.last).split(separator: " ")
        let expected =
            lines.dropLast() + [
                "", "FATAL: \(verdict[0]) \(verdict[1]) (exception class 0x\(verdict[2]))",
                "Cell state before exception:",
            ]
        #expect(Array(violation.prefix(expected.count)) == Array(expected))
        #expect(violation.suffix(2) == ["", "Parking CPU 1 (Cell: \"test\")"])
        #expect(violation.count == expected.count + 14)
        let level = mode.hasPrefix("user") ? 0 : 1
        #expect(violation.contains { $0.hasPrefix(" pc: 00000000") && $0.hasSuffix("     EL\(level)") })
        #expect(cell.machine.state == 3)
    }

    @Test(arguments: [
        ("hypercall", "result -1"), ("system-off", "result -1"), ("system-reset", "result -1"),
        ("foreign-interrupt", "interrupt 34: ignored"), ("smc-immediate", "result 10001"),
        ("mmconfig-read", "read ffffffff"), ("part-read", "read 0"),
        ("region-end", "read 0"),
    ])
    func whatIsRefusedIsSurvived(mode: String, text: String) async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/misbehave-arm64", in: Arm64ExecutionTests.cell(), commandLine: "mode=\(mode)")
        try await cell.events.serial("\(text)\n")
        try await cell.events.serial("misbehave: survived\n")
    }

    /// A program at 0x4000 that prints one character by a hypercall, and the stub at 0.
    @Test func aStubGoesOnAtTheEntry() async throws {
        let machine = try TestMachine(.arm64)
        let cell = Arm64ExecutionTests.cell()
        let ram = cell.memoryRegions[0].physicalStart
        // mov x0, 8; mov x1, 'j'; hvc 0x4a48; b .
        let program: [UInt32] = [0xd280_0100, 0xd280_0d41, 0xd409_4902, 0x1400_0000]
        try machine.memory.write(program.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }, at: ram + 0x4000)
        let place = ProgramStart.Place(resetAddress: 0, memory: [], communicationRegion: nil)
        for piece in try ProgramStart(.jump).pieces(entry: 0x4000, machine: .aarch64, place: place) {
            try machine.memory.write(piece.contents, at: ram + piece.address)
        }
        let events = Events(of: cell.name)
        let running = try CellMachine(
            cell: cell, system: nil, slot: 0, settings: machine.settings, onEvent: { events.add($0) })
        try running.start()
        try await events.wait(for: "the character") { $0.printed == "j" }
    }

    @Test func whatACellMayAskIsAnswered() async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/misbehave-arm64", in: Arm64ExecutionTests.cell(), commandLine: "mode=hypercall")
        try await cell.events.serial("misbehave: survived\n")
        for line in [
            "cells 3, of more -22", "pages 1000, used 211", "processor 0 -1, 99 -22", "statistic 9: -22",
        ] {
            #expect(cell.events.serial.contains("\(line)\n"), "\(line)")
        }
        #expect(!cell.events.serial.contains("statistic 8: -"))
        // they are told while it runs, and a restart does not forget them
        var more = TestMachine.numbers
        more.cells = 4
        try machine.memory.tell(more)
        try cell.machine.park()
        try machine.load("inmates/misbehave-arm64", into: Arm64ExecutionTests.cell())
        let ram = Arm64ExecutionTests.cell().memoryRegions[0].physicalStart
        try machine.memory.write(Array("mode=hypercall".utf8) + [0], at: ram + 0x1000)
        try cell.machine.start()
        try await cell.events.serial("cells 4, of more -22\n")
    }
}

/// What an Arm64 program does to itself, and cells of which a part dies.
@Suite struct Arm64EndTests {
    @Test(arguments: [
        "undefined-instruction", "overflow", "user-hvc", "el2-register", "floating-point", "device-fetch",
    ])
    func anExceptionIsThePrograms(mode: String) async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/misbehave-arm64", in: Arm64ExecutionTests.cell(), commandLine: "mode=\(mode)")
        try await cell.events.wait(for: "the state") { _ in cell.machine.state == 3 }
        #expect(cell.events.violations.isEmpty)
        #expect(cell.events.serial.contains("exception "))
    }

    @Test(
        arguments: [
            ("one-processor", [2], 0), ("first-processor", [1], 0), ("start-nowhere", [2], 0),
            ("all-processors", [1, 2], 3),
        ] as [(String, [Int], UInt32)])
    func aCellFailsWithItsLastCPU(mode: String, parked: [Int], state: UInt32) async throws {
        let machine = try TestMachine(.arm64)
        let cell = try machine.run(
            "inmates/misbehave-arm64", in: Arm64ExecutionTests.cell(cpus: [1, 2]), commandLine: "mode=\(mode)")
        try await cell.events.wait(for: "violations") { $0.violations.count == parked.count }
        let lines = cell.events.violations.compactMap(\.last).sorted()
        #expect(lines == parked.map { "Parking CPU \($0) (Cell: \"test\")" })
        #expect(cell.machine.state == state)
        if mode == "start-nowhere" {
            #expect(cell.events.violations.first?.first == "FATAL: instruction abort at 0x60000000")
        }
    }
}

/// Links through shared memory between two cells for Arm64: the project's heartbeat.
@Suite struct Arm64LinkTests {
    /// Interrupts 144 on; a message is the number of the same interrupt.
    static func cell(_ name: String, end: UInt8, vectors: UInt16) -> CellDescriptor {
        var cell = Arm64ExecutionTests.cell(name, cpus: [1 + Int(end)], at: 0x7000_0000 + UInt64(end) << 20)
        cell.memoryRegions.removeLast(2)
        let link = SharedMemoryLink(
            address: PCIAddress(rawValue: 0), peerID: end, msixVectors: vectors, physicalStart: 0x7100_0000,
            outputSize: 0x2000)
        cell.pciDevices = [link.device(firstRegion: UInt32(cell.memoryRegions.count))]
        cell.memoryRegions += link.regions ?? []
        cell.vpciInterruptBase = 112
        return cell
    }

    /// By pin, by message, and one by either.
    @Test(arguments: [(2, [0, 0]), (3, [0, 0]), (3, [1, 1]), (3, [0, 1])] as [(UInt8, [UInt16])])
    func twoCellsHearEachOther(gic: UInt8, vectors: [UInt16]) async throws {
        let machine = try TestMachine(.arm64)
        let cells = try [0, 1].map { end in
            try machine.run(
                "inmates/heartbeat-arm64",
                in: Arm64LinkTests.cell("end \(end)", end: UInt8(end), vectors: vectors[end]), slot: end * 3,
                system: Arm64ExecutionTests.system(gic: gic))
        }
        for (end, cell) in cells.enumerated() {
            try await cell.events.wait(for: "the end", 60) { $0.serial.contains("skipped") || !$0.violations.isEmpty }
            // on a busy machine two rings may arrive as one
            #expect(cell.events.serial.contains("PASS agreement"), "\(cell.events.serial) \(cell.events.violations)")
            #expect(!cell.events.serial.contains("doorbell: 0 rings"))
            let exits = try #require(cell.machine.exits()[1 + end])
            // what wakes the monitor is none of the cell's
            #expect((1...30).contains(exits[.virtualInterrupt] ?? 0), "\(exits)")
        }
    }

    @Test func anEndThatGoesIsSeen() async throws {
        let machine = try TestMachine(.arm64)
        let cells = try [0, 1].map { end in
            try machine.run(
                "inmates/heartbeat-arm64", in: Arm64LinkTests.cell("end \(end)", end: UInt8(end), vectors: 0),
                slot: end, commandLine: "forever")
        }
        for cell in cells { try await cell.events.serial("heartbeat: 10,") }
        #expect(try machine.memory.read(at: 0x7100_0000, count: 8) == [1, 0, 0, 0, 1, 0, 0, 0])
        let before = cells[1].machine.exits()[2]?[.virtualInterrupt] ?? 0
        cells[0].machine.terminate()
        #expect(try machine.memory.read(at: 0x7100_0000, count: 8) == [0, 0, 0, 0, 1, 0, 0, 0])
        try await cells[1].events.wait(for: "an interrupt") { _ in
            cells[1].machine.exits()[2]?[.virtualInterrupt] ?? 0 > before
        }
    }
}
