// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration

/// Where each field stands is written out here a second time, from the format, so that a slip in the
/// codec's list of fields cannot agree with itself.
@Suite struct BinaryCodecTests {
    static let rtems = CellDescriptor(
        name: "rtems", flags: [.passiveCommunicationRegion, .virtualConsoleActive], cpus: CPUSet([3]),
        memoryRegions: [
            MemoryRegion(
                physicalStart: 0x3a00_0000, virtualStart: 0, size: 0x80_0000,
                flags: [.read, .write, .execute, .loadable]
            ),
            MemoryRegion(virtualStart: 0x90_0000, size: 0x1000, flags: [.read, .write, .communicationRegion]),
        ],
        cacheRegions: [CacheRegion(start: 1, size: 2, kind: .data, flags: .rootShared, padding: 9)],
        interruptChips: [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: [4, 33])],
        ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8)],
        pciDevices: [
            PCIDevice(
                kind: .sharedMemory, iommu: 1, domain: 2, address: PCIAddress(rawValue: 0x0078),
                barMasks: [1, 2, 3, 4, 5, 6],
                firstCapability: 7, capabilityCount: 8, msiVectors: 9, msiFlags: .maskable, msixVectors: 10,
                msixRegionSize: 11, msixAddress: 12, firstSharedMemoryRegion: 13, sharedMemoryID: 14,
                sharedMemoryPeers: 15, sharedMemoryProtocol: 16
            )
        ],
        pciCapabilities: [PCICapability(id: 0x8001, start: 2, length: 3, flags: .write)], streamIDs: [0x7],
        vpciInterruptBase: 5, cpuResetAddress: 0xf0000, messageReplyTimeout: 6,
        console: Console(
            kind: .uart8250, address: 0x3f8, size: 1, flags: .registerDistance4, divider: 2, gateNumber: 3,
            clockRegister: 4
        ), id: 42
    )

    @Test func aCellsFieldsStandWhereTheFormatHasThem() throws {
        let bytes = try Self.rtems.binary()
        let expected: [(Int, Int, UInt64)] = [
            // offset, width, value
            (5, 1, 0), (6, 2, 14), (40, 4, 42), (44, 4, 0x8000_0001), (48, 4, 8), (52, 4, 2), (56, 4, 1), (60, 4, 1),
            (64, 4, 1), (68, 4, 1), (72, 4, 1), (76, 4, 1), (80, 4, 5), (84, 8, 0xf0000), (92, 8, 6),
            // console
            (100, 8, 0x3f8), (108, 4, 1), (112, 2, 2), (114, 2, 2), (116, 4, 2), (120, 4, 3), (124, 8, 4),
            // CPU set
            (132, 8, 0b1000),
            // memory
            (140, 8, 0x3a00_0000), (148, 8, 0), (156, 8, 0x80_0000), (164, 8, 0x47),
            (172, 8, 0), (180, 8, 0x90_0000), (188, 8, 0x1000), (196, 8, 0x23),
            // cache
            (204, 4, 1), (208, 4, 2), (212, 1, 2), (213, 1, 9), (214, 2, 1),
            // interrupt chip
            (216, 8, 0xfec0_0000), (224, 4, 0xff00), (228, 4, 0), (232, 4, 0x10), (236, 4, 0x2), (240, 8, 0),
            // ports
            (248, 2, 0x3f8), (250, 2, 8),
            // PCI device
            (252, 1, 3), (253, 1, 1), (254, 2, 2), (256, 2, 0x78), (258, 4, 1), (278, 4, 6), (282, 2, 7), (284, 2, 8),
            (286, 1, 9), (287, 1, 2), (288, 2, 10), (290, 2, 11), (292, 8, 12), (300, 4, 13), (304, 1, 14),
            (305, 1, 15),
            (306, 2, 16),
            // PCI capability, stream id
            (308, 2, 0x8001), (310, 2, 2), (312, 2, 3), (314, 2, 1), (316, 4, 7),
        ]
        #expect(bytes.count == 320)
        #expect(bytes.starts(with: Array("JHCLL".utf8)))
        #expect(Array(bytes[8..<40]) == Array("rtems".utf8) + Array(repeating: 0, count: 27))
        for (offset, width, value) in expected {
            #expect(number(in: bytes, at: offset, width) == value, "at \(offset)")
        }
        #expect(try CellDescriptor(binary: bytes) == Self.rtems)
    }

    @Test func aSystemsFieldsStandWhereTheFormatHasThem() throws {
        var amd = IOMMUUnit(kind: .amd, base: 0xfeb8_0000, size: 0x80000)
        amd.amd = IOMMUUnit.AMD(
            address: PCIAddress(rawValue: 2), baseCapability: 0x40, msiCapability: 0x64, features: 0x80)
        var pvu = IOMMUUnit(kind: .pvu)
        pvu.tlbBase = 0x1234_5678_9abc
        pvu.tlbSize = 0x100
        let system = SystemDescriptor(
            flags: .virtualDebugConsole, hypervisorMemory: MemoryRegion(physicalStart: 0x3b00_0000, size: 0x60_0000),
            debugConsole: Console(kind: .uart8250, address: 0x3f8),
            platform: Platform(
                mmconfigBase: 0xb000_0000, mmconfigEndBus: 0xff, virtualPCI: 1, pciDomain: 3, iommuUnits: [amd, pvu],
                specific: .x86(
                    X86Platform(
                        pmTimerPort: 0x608, apicMode: .x2APIC, vtdInterruptLimit: 256, tscKHz: 1, apicKHz: 2, padding: 9
                    )
                )
            ), rootCell: CellDescriptor(name: "root", cpus: CPUSet([0, 1, 2, 3]))
        )
        let bytes = try system.binary()
        let expected: [(Int, Int, UInt64)] = [
            (5, 1, 0), (6, 2, 14), (8, 4, 1), (12, 8, 0x3b00_0000), (28, 8, 0x60_0000), (44, 8, 0x3f8), (56, 2, 2),
            (76, 8, 0xb000_0000), (84, 1, 0xff), (85, 1, 1), (86, 2, 3),
            (88, 4, 1), (92, 8, 0xfeb8_0000), (100, 4, 0x80000), (104, 2, 2), (106, 1, 0x40), (107, 1, 0x64),
            (108, 4, 0x80),
            (116, 4, 4), (132, 8, 0x1234_5678_9abc), (140, 4, 0x100), (144, 4, 0), (284, 4, 0),
            (312, 2, 0x608), (314, 1, 2), (315, 1, 9), (316, 4, 256), (320, 4, 1), (324, 4, 2), (328, 8, 0),
            (356, 8, 0), (404, 4, 8), (488, 8, 0xf),
        ]
        #expect(bytes.count == 356 + 132 + 8)
        #expect(bytes.starts(with: Array("JHSYS".utf8)))
        for (offset, width, value) in expected {
            #expect(number(in: bytes, at: offset, width) == value, "at \(offset)")
        }
        #expect(try SystemDescriptor(binary: bytes) == system)
    }

    @Test func theArmPartStandsWhereTheFormatHasIt() throws {
        let part = ArmPlatform(
            maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 1, giccBase: 2, gichBase: 3, gicvBase: 4, gicrBase: 5,
            padding: 0x0102
        )
        let system = SystemDescriptor(
            architecture: .arm64, platform: Platform(specific: .arm(part)), rootCell: CellDescriptor(name: "root")
        )
        let bytes = try system.binary()
        #expect(bytes[5] == 2)
        #expect(bytes[312..<316] == [25, 3, 2, 1])
        #expect((0..<5).map { number(in: bytes, at: 316 + 8 * $0, 8) } == [1, 2, 3, 4, 5])
        #expect(try SystemDescriptor(binary: bytes).platform.specific == .arm(part))
    }

    @Test(arguments: 0..<8) func whateverIsWrittenIsReadAgain(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let file = generator.file()
            let bytes = try file.binary()
            #expect(try ConfigurationFile(binary: bytes) == file)
            switch file {
            case .cell: #expect(try CellDescriptor.encodedLength(header: Array(bytes.prefix(132))) == bytes.count)
            case .system: #expect(try SystemDescriptor.encodedLength(header: Array(bytes.prefix(488))) == bytes.count)
            }
        }
    }

    @Test func everyShorterFileIsRefused() throws {
        let bytes = try Self.rtems.binary()
        for count in bytes.indices {
            #expect(throws: ConfigurationError.self, "\(count) bytes") {
                try CellDescriptor(binary: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func surplusBytesAreCounted() throws {
        let bytes = try Self.rtems.binary()
        #expect(try CellDescriptor(binary: bytes + [1, 0, 0]).surplus == [1, 0, 0])
        let tail = [UInt8](repeating: 0, count: CellDescriptor.surplusLimit + 1)
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes + tail) }
        #expect(error?.code == .length)
        #expect(error?.message == "4097 bytes too many: the counts in the file need 320 bytes, it has 4417")
    }

    @Test(arguments: Array(stride(from: 48, through: 76, by: 4))) func anImpossibleCountIsAnError(offset: Int) throws {
        var bytes = try Self.rtems.binary()
        bytes.replaceSubrange(offset..<offset + 4, with: [0xff, 0xff, 0xff, 0xff])
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes) }
        #expect(error?.code == .length)
    }

    @Test func mutatedFilesNeverTrap() throws {
        var generator = SeededGenerator(seed: 99)
        for _ in 0..<500 {
            var bytes = try generator.file().binary()
            for _ in 0..<4 { bytes[Int(generator.next() % UInt64(min(bytes.count, 500)))] = generator.number() }
            if let file = try? ConfigurationFile(binary: bytes) { #expect(try file.binary() == bytes) }
        }
    }

    @Test(arguments: [
        (8, "JHCELL", "revision 8 (before release v0.9)"), (9, "JHCELL", "revision 9 (release v0.9)"),
        (99, "JHCLL\0", "revision 99;"),
    ]) func anotherRevisionIsNamed(number: UInt8, signature: String, name: String) throws {
        let bytes = Array(signature.utf8) + [number, 0] + Array(repeating: 0, count: 124)
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor.encodedLength(header: bytes) }
        #expect(error?.code == .revision)
        #expect(error?.message.contains(name) == true)
    }

    @Test func whatItIsNotIsSaid() throws {
        let cell = try Self.rtems.binary()
        let system = try SystemDescriptor(rootCell: CellDescriptor(name: "root")).binary()
        #expect(throws: ConfigurationError(.signature, "this is a system configuration, not a cell's")) {
            try CellDescriptor(binary: system)
        }
        #expect(throws: ConfigurationError(.signature, "this is a cell's configuration, not a system's")) {
            try SystemDescriptor(binary: cell)
        }
        #expect(throws: ConfigurationError(.signature, "the file is empty")) { try ConfigurationFile(binary: []) }
        #expect(throws: ConfigurationError.self) { try ConfigurationFile(binary: Array("#!/bin/sh".utf8)) }
        var other = cell
        other[5] = 3
        #expect(throws: ConfigurationError(.architecture, "architecture 3 is neither x86 (0), Arm (1) nor Arm64 (2)")) {
            try CellDescriptor(binary: other)
        }
    }

    @Test func whatTheFormatCannotSayIsRefusedNotCut() {
        #expect(throws: ConfigurationError.self) {
            try CellDescriptor(name: String(repeating: "x", count: 33)).binary()
        }
        #expect(throws: ConfigurationError.self) {
            try CellDescriptor(name: "x", pciDevices: [PCIDevice(barMasks: [0])]).binary()
        }
        #expect(throws: ConfigurationError.self) {
            try SystemDescriptor(architecture: .arm64, rootCell: CellDescriptor(name: "x")).binary()
        }
    }

    private func number(in bytes: [UInt8], at offset: Int, _ width: Int) -> UInt64 {
        bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
