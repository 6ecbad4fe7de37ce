// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration

@Suite struct RevisionTests {
    private static let system = SystemDescriptor(
        platform: Platform(specific: .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: 256))),
        rootCell: CellDescriptor(name: "root", ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8)])
    )
    private static let armSystem = SystemDescriptor(
        architecture: .arm,
        platform: Platform(specific: .arm(ArmPlatform(gicVersion: 2, gicdBase: 0x1c8_1000, giccBase: 0x1c8_2000))),
        rootCell: CellDescriptor(name: "root")
    )

    @Test func revision13HasALongerSignatureAndNoArchitecture() throws {
        for (file, signature) in [
            (ConfigurationFile.cell(BinaryCodecTests.rtems), "JHCELL"), (.system(Self.system), "JHSYST"),
        ] {
            let old = try file.binary(revision: .revision13)
            #expect(Array(old.prefix(8)) == Array(signature.utf8) + [13, 0])
            #expect(Array(old.dropFirst(8)) == Array(try file.binary().dropFirst(8)))
        }
    }

    @Test(arguments: 0..<8) func itIsReadAndWrittenAgain(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed + 77)
        for _ in 0..<40 {
            let file = generator.file()
            let bytes = try file.binary(revision: .revision13)
            for assumed in [nil, Architecture.x86, .arm, .arm64] {
                let again = try ConfigurationFile(binary: bytes, assuming: assumed)
                #expect(try again.binary() == bytes)
                #expect(try ConfigurationFile(toml: again.toml(), path: "x").binary() == bytes)
            }
            let length =
                switch file {
                case .cell: try CellDescriptor.encodedLength(header: bytes)
                case .system: try SystemDescriptor.encodedLength(header: bytes)
                }
            #expect(length == bytes.count)
        }
    }

    @Test func theSourceRemembersIt() throws {
        let toml = try CellDescriptor(binary: BinaryCodecTests.rtems.binary(revision: .revision13)).toml()
        #expect(toml.contains("\nrevision = 13 "))
        #expect(!BinaryCodecTests.rtems.toml().contains("revision"))
        let error = #expect(throws: ConfigurationError.self) {
            try CellDescriptor(toml: toml.replacing("revision = 13 ", with: "revision = 9 "), path: "x")
        }
        #expect(error?.keyPath == "cell.revision")
        #expect(error?.message.hasPrefix("revision 9 (release v0.9) cannot be written, only 10 to 14") == true)
    }

    @Test func theArchitectureIsSeenFromTheContents() throws {
        func seen(_ system: SystemDescriptor) throws -> Architecture {
            try SystemDescriptor(binary: system.binary(revision: .revision13)).architecture
        }
        func seen(_ cell: CellDescriptor) throws -> Architecture {
            try CellDescriptor(binary: cell.binary(revision: .revision13)).architecture
        }
        #expect(try seen(Self.system) == .x86)
        #expect(try seen(Self.armSystem) == .arm)
        var gicV3 = Self.armSystem
        gicV3.platform.specific = .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x5180_0000, gicrBase: 0x5188_0000))
        #expect(try seen(gicV3) == .arm64)
        #expect(try seen(BinaryCodecTests.rtems) == .x86)
        #expect(try seen(CellDescriptor(name: "x")) == .x86)
        #expect(try seen(CellDescriptor(name: "x", flags: .aarch32)) == .arm64)
        let gic = InterruptChip(address: 0x1c8_1000, id: 0, pinBase: 32, pins: [33])
        // it may be either Arm
        #expect(try seen(CellDescriptor(name: "x", architecture: .arm, interruptChips: [gic])) == .arm64)
        let uart = Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: .mmio)
        #expect(try seen(CellDescriptor(name: "x", architecture: .arm64, console: uart)) == .arm64)
        let high = MemoryRegion(physicalStart: 0x8_0000_0000, size: 0x1000)
        #expect(
            try seen(CellDescriptor(name: "x", architecture: .arm64, memoryRegions: [high], interruptChips: [gic]))
                == .arm64)
    }

    @Test func mixedHeadersAreRefused() throws {
        var bytes = try BinaryCodecTests.rtems.binary()
        bytes[6] = 13
        #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes) }
        bytes = try BinaryCodecTests.rtems.binary(revision: .revision13)
        bytes[6] = 14
        #expect(throws: ConfigurationError(.architecture, "architecture 76 is neither x86 (0), Arm (1) nor Arm64 (2)"))
        {
            try CellDescriptor(binary: bytes)
        }
    }
}
