// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellMachine
import Testing

/// What a cell has works as its configuration says. The modes are Inmates/walls.S's.
@Suite struct WallTests {
    /// With the test device, 16 bytes of somebody's registers at 0x500010, and memory from above 4 GiB at 0x600000.
    private static func cell(_ name: String = "test", at physical: UInt64 = 0x1000_0000) -> CellDescriptor {
        var cell = TestMachine.cell(name, at: physical)
        cell.flags.insert(.testDevice)
        cell.memoryRegions += [
            MemoryRegion(
                physicalStart: 0x3000_0010, virtualStart: 0x50_0010, size: 0x10, flags: [.read, .write, .io, .io32]),
            MemoryRegion(
                physicalStart: 0x1_2000_0000, virtualStart: 0x60_0000, size: 0x20_0000,
                flags: [.read, .write, .rootShared]),
        ]
        return cell
    }

    @Test func memoryIsWhatTheConfigurationSays() async throws {
        let machine = try TestMachine()
        try machine.memory.write([4, 3, 2, 1], at: 0x3000_0010)
        try machine.memory.write([8, 7, 6, 5], at: 0x1_2000_0000)
        let cell = try machine.run("walls", in: WallTests.cell(), mode: 0)
        try await cell.events.serial("done\n")
        #expect(cell.events.serial == "walls\n66775544\n01020304\n05060708\ndone\n")
        #expect(try machine.memory.read(at: 0x3000_0014, count: 4) == [1, 0, 0xfe, 0xca])
        #expect(try machine.memory.read(at: 0x1_2000_0004, count: 4) == [2, 0, 0xfe, 0xca])
        // four of the test device, two of the registers
        #expect(cell.machine.exits()[1]?[.mmio] == 6)
    }

    @Test func twoCellsShareMemory() async throws {
        let machine = try TestMachine()
        let first = try machine.run("walls", in: WallTests.cell(), mode: 0)
        try await first.events.serial("done\n")
        try machine.memory.write(try machine.memory.read(at: 0x1_2000_0004, count: 4), at: 0x1_2000_0000)
        let second = try machine.run("walls", in: WallTests.cell("other", at: 0x1100_0000), slot: 15, mode: 0)
        try await second.events.serial("done\n")
        #expect(second.events.serial == "walls\n66775544\n00000000\ncafe0002\ndone\n")
    }

    @Test func registersOfAnotherWidthAreRefused() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("walls", in: WallTests.cell(), mode: 1)
        try await cell.events.wait(for: "the violation") { !$0.violations.isEmpty }
        #expect(cell.events.violations[0][0] == "FATAL: Invalid MMIO read, address: 500010, size: 2")
    }

    @Test func theKeyboardDoesNotResetTheMachine() async throws {
        let machine = try TestMachine()
        var descriptor = WallTests.cell()
        descriptor.ioPortRegions.append(IOPortRegion(base: 0x64, count: 1))
        let cell = try machine.run("walls", in: descriptor, mode: 2)
        try await cell.events.wait(for: "the violation") { !$0.violations.isEmpty }
        #expect(cell.events.serial == "walls\nstatus\n")
        #expect(cell.events.violations[0][0] == "FATAL: Invalid write to i8042 controller port")
    }

    /// What an inmate prints never holds up anything but the inmate.
    @Test func talkativeInmatesAreHeard() async throws {
        let machine = try TestMachine()
        let cell = try machine.run("walls", in: WallTests.cell(), mode: 3)
        try await cell.events.serial("\ndone\n")
        #expect(cell.events.serial.count { $0 == "y" } == 10_000)
        let printed = cell.events.printed.count
        let missed = cell.events.notes.compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
        #expect(printed + missed == 10_000)
        try cell.machine.park()
    }

    @Test func aCellThatNobodyHearsCanBeParked() async throws {
        let machine = try TestMachine()
        let descriptor = WallTests.cell()
        let held = Held()
        let cell = try CellMachine(cell: descriptor, slot: 0, settings: machine.settings) { _ in held.wait() }
        try machine.load("walls", into: descriptor, mode: 3)
        try cell.start()
        await held.reached()
        try cell.park()
        try machine.load("walls", into: descriptor, mode: 3)
        try cell.start()
        held.release()
        cell.terminate()
    }

    @Test func legacyDevicesTickWhenGranted() async throws {
        let machine = try TestMachine()
        let descriptor = TestMachine.cell()
        let events = Events()
        let cell = try CellMachine(
            cell: descriptor, slot: 0, legacyDevices: [.interruptControllers, .intervalTimer],
            settings: machine.settings, onEvent: { events.add($0) })
        try machine.load("walls", into: descriptor, mode: 4)
        try cell.start()
        try await events.serial("ticks\n")
        #expect(cell.exits()[1]?[.portIO] == 0)
    }

    @Test func regionOf2016() async throws {
        let machine = try TestMachine()
        machine.settings.layout = .of2016
        let descriptor = TestMachine.cell()
        let cell = try machine.run("idle", in: descriptor)
        try await cell.events.serial("idle\n")
        cell.machine.send(1)
        #expect(cell.machine.state == 0 && cell.machine.reply == 0)
    }
}
