// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import CellMachine

/// What the Arm64 monitor decides, without a machine.
@Suite struct Arm64ValueTests {
    // MARK: the distributor

    /// 33, 47 and 144 are the cell's.
    private static func owned(_ word: UInt32) -> UInt32 {
        switch word {
        case 0: .max
        case 1: 1 << 1 | 1 << 15
        case 4: 1 << 16
        default: 0
        }
    }

    private func access(_ offset: UInt64, _ size: Int = 4, version: UInt32 = 3) -> DistributorAccess {
        DistributorAccess(offset: offset, size: size, version: version, owned: Arm64ValueTests.owned)
    }

    @Test func aCellReachesItsOwnInterrupts() {
        #expect(access(0x104) == .bits(mask: 0x8002))
        #expect(access(0x384) == .bits(mask: 0x8002))
        #expect(access(0x110) == .bits(mask: 1 << 16))
        #expect(access(0x108) == .bits(mask: 0))
        #expect(access(0x84) == .fields(mask: 0x8002))
        // a byte, two bits an interrupt; a byte is looked at by the first of its word
        #expect(access(0x420) == .fields(mask: 0xff00))
        #expect(access(0x421, 1) == .fields(mask: 0))
        #expect(access(0x490, 1) == .fields(mask: 0xff))
        #expect(access(0xc08) == .fields(mask: 0xc000_000c))
    }

    /// Those by which the hypervisor's CPUs call each other are nobody's.
    @Test func whatTheHypervisorNeedsIsKept() {
        #expect(access(0x100, version: 2) == .bits(mask: 0xfdff_fffc))
        #expect(access(0x400, version: 2) == .fields(mask: 0xffff_ffff))
    }

    @Test func whatIsNotAnInterruptsIsReadOnlyOrNothing() {
        #expect(access(0) == .readOnly)
        #expect(access(4) == .readOnly)
        #expect(access(0xffe8) == .readOnly)
        #expect(access(0xfe8, version: 2) == .readOnly)
        #expect(access(0xfe8) == .ignored)
        #expect(access(0x40) == .ignored)
        #expect(access(0xf00) == .ignored)
        #expect(access(0xf00, version: 2) == .softwareInterrupt)
        #expect(access(0x821, 1, version: 2) == .targets(first: 33))
        #expect(access(0x820) == .ignored)
    }

    @Test func routesOfOwnInterruptsOnly() {
        #expect(access(0x6000 + 8 * 144, 8) == .route(interrupt: 144))
        #expect(access(0x6000 + 8 * 144 + 4) == .ignored)
        #expect(access(0x6000 + 8 * 145, 8) == .ignored)
        #expect(access(0x6000 + 8 * 27, 8) == .ignored)
    }

    // MARK: the firmware

    private func call(_ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0)
        -> FirmwareCall
    {
        FirmwareCall(function, (first, second, third))
    }

    @Test func answersOfTheFirmware() {
        #expect(call(0x8400_0000) == .answer(0x1_0001))
        #expect(call(0x8000_0000) == .answer(0x1_0001))
        #expect(call(0x8000_0001, 0x8000_0001) == .answer(0))
        #expect(call(0x8000_0001, 0x8000_8000) == .answer(-1))
        #expect(call(0x8000_8000) == .unknownArchitectureCall)
        #expect(call(0x8000_7fff) == .missingWorkaround)
        #expect(call(0x8200_0000) == .answer(-1))
        #expect(call(0x8400_000a, 0xc400_0003) == .answer(0))
        #expect(call(0x8400_000a, 0x8400_0008) == .answer(-1))
        // a cell cannot switch the machine off
        for function in [0x8400_0008, 0x8400_0009, 0xc400_0020] as [UInt64] { #expect(call(function) == .answer(-1)) }
        for function in [0x8300_0000, 0xb200_0001, 0x8500_0000] as [UInt64] { #expect(call(function) == .foreign) }
    }

    @Test func the32BitFormCutsItsArguments() {
        let wide: UInt64 = 0x12_3456_789a
        #expect(call(0xc400_0003, 2, wide, wide) == .on(affinity: 2, entry: wide, context: wide))
        #expect(call(0x8400_0003, 2, wide, wide) == .on(affinity: 2, entry: 0x3456_789a, context: 0x3456_789a))
        #expect(call(0xc400_0004, 0x100) == .information(affinity: 0x100))
        #expect(call(0xc400_0001) == .suspend)
        #expect(call(0x8400_0002) == .off)
    }

    @Test func affinities() {
        #expect(Affinity.of(15, gicVersion: 3) == 15)
        #expect(Affinity.of(17, gicVersion: 3) == 0x101)
        #expect(Affinity.of(9, gicVersion: 2) == 0x101)
    }

    // MARK: accesses

    /// Syndromes as they were seen on the real hypervisor.
    @Test func dataAccesses() throws {
        let write = try #require(DataAccess(ExceptionSyndrome(rawValue: 0x9381_0046)))
        #expect((write.size, write.isWrite, write.register) == (4, true, 1))
        #expect(write.stored(0x1_2345_6789) == 0x2345_6789)
        let read = try #require(DataAccess(ExceptionSyndrome(rawValue: 0x93c1_0006)))
        #expect((read.size, read.isWrite) == (8, false))
        #expect(DataAccess(ExceptionSyndrome(rawValue: 0x9200_0006)) == nil)
        #expect(DataAccess.isWrite(ExceptionSyndrome(rawValue: 0x9200_0046)))
        // LDRSB: extended to all of the register; LDRB: as the device gave it
        let signed = try #require(DataAccess(ExceptionSyndrome(rawValue: 0x9321_0006)))
        #expect(signed.result(of: 0x80) == 0xffff_ffff_ffff_ff80)
        let byte = try #require(DataAccess(ExceptionSyndrome(rawValue: 0x9301_0006)))
        #expect(byte.result(of: 0x2000) == 0x2000)
    }

    @Test func interruptsBetweenCPUs() {
        let toOne = SoftwareInterrupt(registerValue: 5 << 24 | 0b100)
        #expect(toOne.number == 5)
        #expect(toOne.reaches(2, affinity: 2, from: 1))
        #expect(!toOne.reaches(1, affinity: 1, from: 1))
        #expect(!toOne.reaches(18, affinity: 0x102, from: 1))
        let others = SoftwareInterrupt(registerValue: 1 << 40 | 3 << 24)
        #expect(others.reaches(2, affinity: 2, from: 1) && !others.reaches(1, affinity: 1, from: 1))
        let masked = SoftwareInterrupt(distributorValue: 0b110 << 16 | 7)
        #expect(masked.reaches(1, affinity: 1, from: 0) && !masked.reaches(0, affinity: 0, from: 0))
        #expect(SoftwareInterrupt(distributorValue: 2 << 24).target == .itself)
    }

    @Test func regionsThatAreNotWholePages() {
        // reads and writes of 32 bits, at a mini-UART's place
        let region = CheckedRegion(begin: 0x30_0000, place: 0xfe21_5040, size: 0x40, flags: 0x4_0003)
        #expect(region.permits(0x30_0004, 4, isWrite: true))
        #expect(!region.permits(0x30_0004, 1, isWrite: false))
        #expect(!region.permits(0x30_0002, 4, isWrite: false))
        #expect(region.contains(0x30_003c, 4))
        #expect(!region.contains(0x30_003c, 8))
        #expect(!region.contains(0x30_0040, 1))
    }

    @Test func serialPortsThatQEMUHasNot() {
        var near = SerialPortModel(kind: .uart8250, distance: 1)
        #expect(near.read(5) == 0x60)
        #expect(near.write(0x41, at: 0) == 0x41)
        // the divisor is no character
        #expect(near.write(0x83, at: 3) == nil)
        #expect(near.write(1, at: 0) == nil)
        #expect(near.write(0x03, at: 3) == nil)
        #expect(near.write(0x42, at: 0) == 0x42)
        var far = SerialPortModel(kind: .uart8250, distance: 4)
        #expect(far.read(0x14) == 0x60)
        #expect(far.write(0x41, at: 1) == nil)
        var lpuart = SerialPortModel(kind: .lpuart, distance: 1)
        #expect(lpuart.read(0x14) == 0xc0_0000)
        #expect(lpuart.write(0x41, at: 0x1c) == 0x41)
    }

    // MARK: the tables

    @Test func stage2IsTheConfigurations() throws {
        var cell = Arm64ExecutionTests.cell()
        cell.memoryRegions.append(
            MemoryRegion(physicalStart: 0xfe00_0000, virtualStart: 0xfe00_0000, size: 0x1000, flags: [.read, .io]))
        let settings = CellMachineSettings(
            firmware: "", monitor: "", directory: "", memoryFile: "",
            memorySize: MachineLayout.armFileSize(memoryEnd: 4 << 30))
        let model = try Arm64Model(cell, nil, slot: 0, settings: settings)
        let tables = try Stage2(model).tables(communicationRegion: 0x9_0000_0000, at: 0x8_0000_0000, pageLimit: 64)
        #expect(tables.entry(for: 0)?.target == 0xb000_0000)
        #expect(tables.entry(for: 0x8000_0000)?.target == 0x9_0000_0000)
        #expect(tables.entry(for: 0x900_0000)?.target == 0x900_0000)
        #expect(tables.entry(for: 0x900_0000).map { $0.entry & 0x3f == 0x7 } == true)  // a device
        #expect(tables.entry(for: 0x20_0000).map { $0.entry & 0xc0 == 0x40 } == true)  // read only
        #expect(tables.entry(for: 0xfe00_0000)?.target == 1 << 43 | 0xfe00_0000)
        #expect(tables.entry(for: 0x800_0000) == nil)
        #expect(tables.entry(for: 0x1_0000) == nil)
    }

    @Test func largePagesAreBlocks() throws {
        var tables = PageTables(.stage2, at: 0x8_0000_0000, pageLimit: 8)
        try tables.map(0, to: 0x4000_0000, size: 0x40_0000, flags: 0x7c1)
        #expect(tables.entry(for: 0x20_1000).map { $0.entry & 3 == 1 } == true)
        try tables.map(0x20_0000, to: 0x5000_0000, size: 0x1000, flags: 0x7c1)
        #expect(tables.entry(for: 0x20_0000)?.target == 0x5000_0000)
        #expect(tables.entry(for: 0x20_0000).map { $0.entry & 3 == 3 } == true)
        #expect(tables.entry(for: 0x20_1000)?.target == 0x4020_1000)
        #expect(tables.entry(for: 0x20_1000).map { $0.entry & 3 == 3 } == true)
    }

    @Test func theMachinesMemory() {
        let size = MachineLayout.armFileSize(memoryEnd: 4 << 30)
        let layout = MachineLayout.arm64
        #expect(layout.fileOffset(of: 0x7000_0000, count: 1, size: size) == 0x7000_0000)
        #expect(layout.machineAddress(of: 0x7000_0000, count: 1, size: size) == 0xb000_0000)
        #expect(layout.fileOffset(of: (4 << 30) - 1, count: 1, size: size) != nil)
        #expect(layout.fileOffset(of: 4 << 30, count: 1, size: size) == nil)
        #expect(layout.fileOffset(of: 0x1f_ffff, count: 1, size: size) == nil)
    }

    // MARK: links

    @Test func byWhichInterruptALinkRings() {
        var signal = LinkSignal(vectors: 0, command: 0, vectorControl: 0, pin: 146)
        #expect(signal.interrupt(message: 33, isMasked: true) == 146)
        signal.command = 1 << 10
        #expect(signal.interrupt(message: 33, isMasked: false) == nil)
        signal = LinkSignal(vectors: 2, command: 6, vectorControl: 0x8000, pin: 146)
        #expect(signal.interrupt(message: 33, isMasked: false) == 33)
        #expect(signal.interrupt(message: 33, isMasked: true) == nil)
        signal.vectorControl = 0xc000
        #expect(signal.interrupt(message: 33, isMasked: false) == nil)
        signal.vectorControl = 0x8000
        signal.command = 2
        #expect(signal.interrupt(message: 33, isMasked: false) == nil)
        #expect(LinkSignal.isMessage(33, Arm64ValueTests.owned))
        #expect(!LinkSignal.isMessage(34, Arm64ValueTests.owned))
        #expect(!LinkSignal.isMessage(27, Arm64ValueTests.owned))
        #expect(!LinkSignal.isMessage(5000, Arm64ValueTests.owned))
    }
}
