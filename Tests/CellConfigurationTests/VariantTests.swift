// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration

/// Each layout of the format, from files that ``WrittenFile`` lays out.
@Suite struct VariantTests {
    private static let withOldLinks: Set<FormatVariant> = [.r10, .r11a, .r11b, .r11c, .r12a]

    private static func cell(_ variant: FormatVariant) -> [UInt8] {
        WrittenFile.cell(variant, oldLink: withOldLinks.contains(variant))
    }

    private static func system(_ variant: FormatVariant, arm: Bool = false) -> [UInt8] {
        WrittenFile.system(variant, arm: arm, oldLink: withOldLinks.contains(variant))
    }

    @Test(arguments: FormatVariant.allCases) func aCellIsReadInEachLayout(variant: FormatVariant) throws {
        let bytes = Self.cell(variant)
        let cell = try CellDescriptor(binary: bytes)
        // nothing in a cell's file tells the other layouts of a revision apart
        #expect(cell.format == (variant == .r12a ? .r12a : variant.revision.standard))
        #expect(cell.name == "probe")
        #expect(cell.architecture == .x86)
        #expect(cell.cpus.members == [1, 2])
        #expect(cell.isPassive)
        #expect(cell.vpciInterruptBase == 5)
        #expect(cell.cpuResetAddress == 0xf0000)
        #expect(cell.messageReplyTimeout == 1_000_000)
        #expect(cell.console == Console(kind: .uart8250, address: 0x3f8))
        #expect(cell.memoryRegions.map(\.physicalStart) == [0x3a00_0000, 0xfed0_0000])
        #expect(cell.interruptChips.map(\.pins) == [[4]])
        #expect(cell.ioPortRegions.map(\.base) == [0x60, 0x64, 0x3f8])
        #expect(cell.ioPortRegions.map(\.count) == [1, 1, 8])
        let device = try #require(cell.pciDevices.first)
        #expect(device.kind == .sharedMemory)
        #expect(device.firstSharedMemoryRegion == 1)
        let isOld = Self.withOldLinks.contains(variant)
        #expect(device.sharedMemoryProtocol == (isOld ? 0x100 : 1))
        #expect(device.sharedMemoryPeers == (isOld ? 0 : 3))
        // of the layouts that cannot be told apart, the release's meaning holds
        if ![.r12b, .r12c].contains(variant) {
            #expect(cell.memoryRegions[1].flags == [.read, .write, .io, .ioUnaligned])
        }
        #expect(try cell.binary() == bytes)
        #expect(try CellDescriptor(toml: cell.toml(), path: "x").binary() == bytes, "\(cell.toml())")
    }

    @Test(arguments: FormatVariant.allCases, [false, true]) func aSystemIsReadInEachLayout(
        variant: FormatVariant, arm: Bool
    ) throws {
        let bytes = Self.system(variant, arm: arm)
        let system = try SystemDescriptor(binary: bytes)
        #expect(system.format == (variant == .r12c ? .r12d : variant))
        #expect(system.architecture == (arm ? .arm64 : .x86))
        #expect(system.hypervisorMemory.physicalStart == 0x3b00_0000)
        #expect(system.platform.mmconfigBase == 0xb000_0000)
        #expect(system.platform.reserved.isEmpty)
        #expect(system.rootCell.name == "root")
        #expect(system.rootCell.cpus.members == [1, 2])
        #expect(system.rootCellHeader.isEmpty)
        let units = system.platform.iommuUnits
        switch system.platform.specific {
        case .arm(let part):
            #expect(part.maintenanceInterrupt == 25)
            #expect(part.gicVersion == 3)
            #expect(part.gicdBase == 0x800_0000)
            #expect(part.gicrBase == 0x80a_0000)
            #expect(units.map(\.kind) == ([.r10, .r11a, .r11b].contains(variant) ? [] : [.smmuV3]))
        case .x86(let part):
            #expect(
                part
                    == X86Platform(
                        pmTimerPort: 0x608, apicMode: .x2APIC, vtdInterruptLimit: 256, tscKHz: 2_400_000,
                        apicKHz: 62_500))
            #expect(units.map(\.kind) == [.amd, .intel])
            #expect(units.map(\.base) == [0xfeb8_0000, 0xfed9_0000])
            #expect(units.map(\.size) == [0x1000, 0x1000])
            #expect(
                units[0].amd
                    == IOMMUUnit.AMD(
                        address: PCIAddress(rawValue: 2), baseCapability: 0x40, msiCapability: 0x54,
                        features: 0x8004_8824))
        }
        #expect(try system.binary() == bytes)
        let again = try SystemDescriptor(toml: system.toml(), path: "x")
        #expect(again.format == system.format)
        #expect(try again.binary() == bytes, "\(system.toml())")
        #expect(try SystemDescriptor.encodedLength(file: bytes) == bytes.count)
        let header = Array(bytes.prefix(SystemDescriptor.fixedSize))
        #expect(try SystemDescriptor.encodedLength(header: header, as: variant) == bytes.count)
    }

    /// The device of v0.11 is another one, so that only what has none is converted.
    @Test func conversionsGiveWhatTheOtherLayoutHas() throws {
        for from in FormatVariant.allCases {
            for to in FormatVariant.allCases where from != to {
                let sameLinks = Self.withOldLinks.contains(from) == Self.withOldLinks.contains(to)
                // these cannot be told from the release's layout, in which the bit means another thing
                let isMisread = [.r12b, .r12c].contains(from)
                let cell = try CellDescriptor(binary: Self.cell(from))
                if sameLinks && cell.format != to {
                    if !isMisread {
                        let expected = WrittenFile.cell(to, oldLink: Self.withOldLinks.contains(to))
                        #expect(try cell.binary(as: to) == expected, "cell \(from) to \(to)")
                    }
                } else if !sameLinks {
                    #expect(throws: ConfigurationError.self) { try cell.binary(as: to) }
                }
                let system = try SystemDescriptor(binary: Self.system(from))
                guard sameLinks, system.format != to, !isMisread || from == .r12b else { continue }
                #expect(try system.binary(as: to) == Self.system(to), "system \(from) to \(to)")
            }
        }
    }

    @Test(arguments: 0..<6) func whateverALayoutCanHaveComesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed + 900)
        var written = 0
        for _ in 0..<40 {
            let file = generator.file()
            for variant in FormatVariant.allCases {
                guard let bytes = try? file.binary(as: variant) else { continue }
                written += 1
                for assumed in [nil, Architecture.x86, .arm64] {
                    let again = try ConfigurationFile(binary: bytes, assuming: assumed)
                    #expect(try again.binary() == bytes)
                    #expect(try ConfigurationFile(toml: again.toml(), path: "x").binary() == bytes)
                }
            }
        }
        #expect(written > 120)
    }

    @Test func whatALayoutCannotHaveIsNamed() throws {
        func message(_ cell: CellDescriptor, _ revision: FormatRevision) -> String? {
            do throws(ConfigurationError) {
                _ = try cell.binary(revision: revision)
                return nil
            } catch {
                #expect(error.code == .inexpressible)
                return error.message
            }
        }
        var cell = CellDescriptor(name: "x", architecture: .arm64, streamIDs: [1])
        #expect(message(cell, .revision11) == "revision 11 cannot have stream ids")
        #expect(message(cell, .revision12) == nil)
        let colored = MemoryRegion(physicalStart: 0x1000, size: 1, flags: MemoryRegion.Flags(rawValue: 0x201))
        cell = CellDescriptor(name: "x", memoryRegions: [colored])
        #expect(
            message(cell, .revision13)
                == "revision 13 cannot have memory with the flag 0x200 (memory at 0x1000): there it is a fork's")
        cell = CellDescriptor(name: "x", flags: .aarch32)
        #expect(
            message(cell, .revision12)?.hasPrefix("revision 12 cannot have a cell that starts in 32-bit mode") == true)
        #expect(message(cell, .revision13) == nil)
        cell = CellDescriptor(name: "x", memoryRegions: [MemoryRegion(size: 0x1000, flags: .noHugePages)])
        #expect(message(cell, .revision10)?.contains("without huge pages") == true)
        #expect(message(cell, .revision12) == nil)
        cell = CellDescriptor(name: "x", pciDevices: [PCIDevice(kind: .sharedMemory)])
        #expect(message(cell, .revision10)?.contains("ivshmem device 00:00.0") == true)
        cell = CellDescriptor(name: "x", ioPortRegions: [IOPortRegion(base: 0xffff, count: 2)])
        #expect(message(cell, .revision10) == "revision 10 cannot have ports beyond 0xffff (0xffff)")
        cell = CellDescriptor(name: "x", console: Console(kind: Console.Kind(rawValue: 10), address: 1))
        #expect(message(cell, .revision12)?.contains("SCIF") == true)
        #expect(message(cell, .revision13) == nil)
    }

    /// Of the flags that later layouts have, none is given to a file of an earlier one.
    @Test(arguments: [FormatVariant.r10, .r11b]) func bitsWithoutAMeaningAreKept(variant: FormatVariant) throws {
        var cell = CellDescriptor(
            name: "x", architecture: .arm64, cpus: CPUSet([1]),
            memoryRegions: [MemoryRegion(physicalStart: 0x1000, virtualStart: 0x1000, size: 0x1000, flags: [.read])],
            revision: variant.revision)
        cell.format = variant
        let plain = try cell.binary()
        var bytes = plain
        let region = variant.cellSize + 8
        bytes[region + 25] = 0x80  // bit 15
        bytes[44] |= 4
        let read = try CellDescriptor(binary: bytes, assuming: .arm64)
        #expect(read.memoryRegions[0].flags == [.read] && read.memoryRegions[0].meaninglessBits == 0x8000)
        #expect(read.flags == cell.flags && read.meaninglessFlags == 4)
        #expect(try read.binary() == bytes)
        let toml = read.toml()
        #expect(toml.contains("other-access = 0x8000\n") && toml.contains("other-flags = 0x4\n"), "\(toml)")
        let again = try CellDescriptor(toml: toml, path: "x")
        #expect(again.memoryRegions[0].meaninglessBits == 0x8000 && again.meaninglessFlags == 4)
        #expect(try again.binary() == bytes)
        let flag = #expect(throws: ConfigurationError.self) { try read.binary(as: .r14) }
        #expect(
            flag?.message.hasPrefix(
                "revision 14 cannot have memory with the bit 0x8000 (memory at 0x1000), which means")
                == true, "\(flag?.message ?? "")")
        bytes = plain
        bytes[44] |= 4
        let other = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes).binary(as: .r14) }
        #expect(other?.message.contains("the cell's flag 0x4, which means nothing") == true, "\(other?.message ?? "")")
        // and what it cannot have is not written into it
        var late = cell
        late.memoryRegions[0].flags.insert(.noHugePages)
        let error = #expect(throws: ConfigurationError.self) { try late.binary() }
        #expect(error?.message.contains("without huge pages (memory at 0x1000)") == true)
        let text = toml.replacing("revision = \(variant.revision.rawValue)", with: "revision = 14")
            .replacing("variant = \"\(variant.rawValue)\"\n", with: "")
        #expect(try CellDescriptor(toml: text, path: "x").memoryRegions[0].flags == [.read, .ioUnaligned])
    }

    /// Whatever bits a file has, they come back: of regions, of a cell, of the hypervisor's memory.
    @Test(arguments: FormatVariant.allCases) func anyBitsComeBack(variant: FormatVariant) throws {
        var generator = SeededGenerator(seed: 77)
        for round in 0..<24 {
            var (cell, system) = (Self.cell(variant), Self.system(variant))
            for byte in 0..<8 where round % 3 != 2 || byte == 1 {
                cell[variant.cellSize + 8 + 24 + byte] = .random(in: 0...255, using: &generator)
                system[36 + byte] = .random(in: 0...255, using: &generator)
            }
            for byte in 0..<4 { cell[44 + byte] = .random(in: 0...255, using: &generator) }
            for bytes in [cell, system] {
                // a fork's, or another layout's
                guard let file = try? ConfigurationFile(binary: bytes) else { continue }
                #expect(try file.binary() == bytes)
                #expect(try ConfigurationFile(toml: file.toml(), path: "x").binary() == bytes, "\(file.toml())")
            }
        }
    }

    @Test func allPortsAreTwoRegions() throws {
        var bytes = WrittenFile.cell(.r10, oldLink: true)
        let bitmap = bytes.count - 56 - 0x2000
        for index in bitmap..<bitmap + 0x2000 { bytes[index] = 0 }
        let cell = try CellDescriptor(binary: bytes)
        #expect(cell.ioPortRegions.map { Int($0.base) + Int($0.count) } == [0xffff, 0x10000])
        #expect(try cell.binary() == bytes)
        #expect(try CellDescriptor(toml: cell.toml(), path: "x").binary() == bytes)
    }

    @Test func aBitmapLongerThanThereArePortsIsRefused() throws {
        var bytes = WrittenFile.cell(.r10, oldLink: true)
        bytes[65] = 0x21
        bytes += [UInt8](repeating: 0xff, count: 0x100)
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes) }
        #expect(error?.message.contains("the bitmap of I/O ports has 8448 bytes") == true)
    }

    /// Upstream's own emtrion boards have a device that they do not count.
    @Test(arguments: FormatVariant.allCases) func surplusBytesAreKept(variant: FormatVariant) throws {
        let surplus = [1] + [UInt8](repeating: 0, count: 55)
        for bytes in [
            Self.cell(variant) + surplus, Self.system(variant) + surplus, Self.system(variant, arm: true) + surplus,
        ] {
            let file = try ConfigurationFile(binary: bytes)
            switch file {
            case .cell(let cell): #expect(cell.surplus == surplus)
            case .system(let system): #expect(system.rootCell.surplus == surplus)
            }
            #expect(try file.binary() == bytes)
            #expect(try ConfigurationFile(toml: file.toml(), path: "x").binary() == bytes)
        }
    }
}
