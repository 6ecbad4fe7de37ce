// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import Foundation
import SystemCalls
import SystemPackage
import Testing

@testable import CellMachine

@Suite struct ExecutionTests {
    @Test func aCellRunsAnswersAndEnds() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("hello", in: TestMachine.cell())
        try await cell.events.serial(" 00010608\n")
        #expect(cell.events.serial.hasPrefix("hello\n4f43484a 00010608"))
        try await cell.events.wait(for: "the virtual console") { $0.printed == "v\n" }
        // "Jail", "hous", "e", as the processor has them
        #expect(cell.events.serial.contains("\n6c69614a73756f6800000065\n"))
        #expect(cell.machine.state == 0)
        cell.machine.send(1)
        try await cell.events.serial("bye\n")
        #expect(cell.machine.reply == 3)
        let exits = try #require(cell.machine.exits()[1])
        #expect(exits[.hypercall] == 2)
        #expect(exits[.controlRegister] == 1)
    }
}

extension ExecutionTests {
    /// The state is in shared memory, what was printed before on its way through a socket.
    @Test func whatWasPrintedBeforeTheStateIsToldWithIt() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("hello", in: TestMachine.cell())
        try await cell.events.serial(" 00010608\n")
        cell.machine.send(1)
        let deadline = ContinuousClock.now + .seconds(20)
        // no pause: the next instruction after the state's is looked for
        while cell.machine.state != 2, ContinuousClock.now < deadline {}
        cell.machine.catchUp()
        #expect(cell.events.serial.hasSuffix("bye\n"))
    }

    @Test func aFailedCellStartsAgainAndAgain() async throws {
        let machine = try TestMachine()
        let descriptor = TestMachine.cell()
        let cell = try machine.run("misbehave", in: descriptor, mode: 8)
        let process = cell.machine.processID
        for round in 1...5 {
            try await cell.events.wait(for: "violation \(round)") { $0.violations.count == round }
            #expect(cell.machine.state == 3)
            try cell.machine.park()
            try machine.load("misbehave", into: descriptor, mode: 8)
            try cell.machine.start()
        }
        try await cell.events.wait(for: "the last violation") { $0.violations.count == 6 }
        #expect(cell.machine.processID == process)
        #expect(cell.machine.exits()[1]?[.management] == 6)
    }

    @Test func nothingExecutesAfterParking() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("hello", in: TestMachine.cell())
        try await cell.events.wait(for: "the virtual console") { $0.printed == "v\n" }
        try cell.machine.park()
        #expect(try cell.machine.emulator.control.execute("query-status").contains("\"status\": \"paused\""))
        cell.machine.send(1)
        #expect(cell.machine.reply == 0)
    }

    /// In real mode: prints a letter again and again. Two of them differ in one instruction.
    private func printer(of letter: UInt8) -> [UInt8] {
        // mov $0x3f8, %dx; 1: mov $letter, %al; out %al, %dx; mov $0x2000, %cx; 2: loop 2b; jmp 1b
        [0xba, 0xf8, 0x03, 0xb0, letter, 0xee, 0xb9, 0x00, 0x20, 0xe2, 0xfe, 0xeb, 0xf6]
    }

    @Test(arguments: [0x1000_0000, 0x1_0000_0000] as [UInt64])
    func theImageThatWasLoadedLastIsExecuted(physical: UInt64) async throws {
        let machine = try TestMachine()
        let events = Events()
        let cell = try CellMachine(
            cell: TestMachine.cell(at: physical), slot: 0, settings: machine.settings, onEvent: { events.add($0) })
        let process = cell.processID
        for round in 0..<40 {
            let letter = UInt8(ascii: round % 2 == 0 ? "a" : "b")
            // the one before is executing
            try cell.load(printer(of: letter), at: physical, into: machine.memory)
            events.clear()
            try cell.start()
            let text = String(decoding: [letter, letter, letter], as: UTF8.self)
            try await events.wait(for: "the letter of round \(round)") { $0.serial.hasSuffix(text) }
        }
        #expect(cell.processID == process)
    }

    @Test func anImageOfManyPagesReplacesWhatDiffers() throws {
        let machine = try TestMachine()
        var bytes = [UInt8](repeating: 7, count: 0x20_0000)
        try machine.memory.write(bytes, at: 0x1000_0000)
        #expect(try machine.memory.differences(from: bytes, at: 0x1000_0000).isEmpty)
        bytes[0x1234] = 8
        bytes[0x4567] = 8
        bytes[bytes.count - 1] = 8
        #expect(
            try machine.memory.differences(from: bytes, at: 0x1000_0000) == [0x1000..<0x5000, 0x1f_f000..<0x20_0000])
        #expect(throws: CellMachineError.self) { try machine.memory.differences(from: bytes, at: 0x7eff_ffff) }
    }

    @Test func emulatorThatIsGoneIsAnEvent() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("idle", in: TestMachine.cell())
        try await cell.events.serial("idle\n")
        let process = try #require(cell.machine.processID)
        kill(process, SIGKILL)
        try await cell.events.wait(for: "the end") { $0.end != nil }
        #expect(cell.machine.processID == nil)
        #expect(throws: CellMachineError.self) { try cell.machine.start() }
    }

    @Test func aMachineThatIsDroppedLeavesNoProcess() async throws {
        let machine = try TestMachine()
        var cell: RunningCell? = try machine.run("idle", in: TestMachine.cell())
        try await cell?.events.serial("idle\n")
        let process = try #require(cell?.machine.processID)
        cell = nil
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }
}

@Suite struct SeveralCPUTests {
    @Test func cpusAreStartedAndInterrupted() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("smp", in: TestMachine.cell(cpus: [1, 2, 3]), mode: 0)
        try await cell.events.serial("interrupted\n")
        #expect(cell.events.serial == "00000001\n00000002\n00000003\nall\ninterrupted\n")
        #expect(cell.events.notes == ["CPU 2 received SIPI, vector 1", "CPU 3 received SIPI, vector 1"])
        // INIT and startup may come at once
        #expect(cell.machine.exits()[3]?[.management] ?? 0 >= 2)
        #expect(cell.machine.exits()[1]?[.x2APICCommand] == 3)
        #expect(cell.machine.exits()[1]?[.xapic] == 3)
    }

    @Test func aCellHasFailedWhenAllItsCPUsHave() async throws {
        let machine = try TestMachine()
        let descriptor = TestMachine.cell(cpus: [1, 2, 3])
        let cell = try machine.run("smp", in: descriptor, mode: 1)
        try await cell.events.wait(for: "two violations") { $0.violations.count == 2 }
        #expect(cell.machine.state == 0)
        try machine.memory.write([1], at: 0x1000_9004)
        try await cell.events.wait(for: "the third violation") { $0.violations.count == 3 }
        #expect(cell.machine.state == 3)
    }
}

/// What QEMU says when it does not start.
@Suite struct EmulatorTests {
    private func failure(_ change: (inout CellMachineSettings, inout [SimulatedDevice]) -> Void) throws
        -> CellMachineError?
    {
        let machine = try TestMachine()
        var devices = [SimulatedDevice(address: PCIAddress(rawValue: 0xd8), model: "ich9-intel-hda")]
        change(&machine.settings, &devices)
        var cell = TestMachine.cell()
        cell.pciDevices = [PCIDevice(address: PCIAddress(rawValue: 0xd8))]
        do throws(CellMachineError) {
            _ = try CellMachine(cell: cell, slot: 0, devices: devices, settings: machine.settings, onEvent: { _ in })
            return nil
        } catch {
            return error
        }
    }

    @Test func itsReasonIsTheErrors() throws {
        #expect(try failure { _, _ in } == nil)
        let missing = try #require(try failure { settings, _ in settings.emulator = "/nonexistent/qemu" })
        #expect(missing.code == .emulator)
        #expect(missing.cause?.errno == .noSuchFileOrDirectory)
        let unknown = try #require(try failure { _, devices in devices[0].model = "perpetuum-mobile" })
        #expect(unknown.message.contains("'perpetuum-mobile' is not a valid device model name"))
        let monitor = try #require(try failure { settings, _ in settings.monitor = "/nonexistent" })
        #expect(monitor.code == .program)
    }
}
