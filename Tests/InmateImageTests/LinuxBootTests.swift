// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite("Linux as a cell's program") struct LinuxBootTests {
    static func kernel(
        relocatable: Bool = true, initialSize: UInt64 = 0x40_0000, _ change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        TestKernel.bzImage(relocatable: relocatable, initialSize: initialSize, change)
    }

    private static let low = CellRegion(name: "low", start: 0, size: 0x10_0000)
    private static let high = CellRegion(name: "high", start: 0x20_0000, size: 0x380_0000)
    private static let region = CellRegion(name: "region", start: 0x10_0000, size: 0x1000)

    private func cell(_ memory: [CellRegion] = [low, high], region: CellRegion? = region) -> LinuxBoot.Cell {
        LinuxBoot.Cell(
            resetAddress: 0, memory: memory, loadable: memory, communicationRegion: region, serialPorts: 1,
            hasStandardIOAPIC: true)
    }

    private func boot(
        kernel: [UInt8] = kernel(), initrd: [UInt8]? = nil, _ commandLine: String = "", in cell: LinuxBoot.Cell? = nil
    ) throws -> LinuxBoot {
        try LinuxBoot(
            kernel: kernel, initrd: initrd, commandLine: commandLine, loader: [UInt8](repeating: 0x90, count: 0x200),
            in: cell ?? self.cell())
    }

    private func refusal(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func eachPartIsWhereTheOthersSay() throws {
        let boot = try boot(initrd: [UInt8](repeating: 7, count: 5000), "console=ttyS0")
        #expect(boot.parts.map(\.kind) == [.stub, .loader, .kernel, .initrd])
        let block = boot.parts[1].piece
        let bytes = block.contents
        let zeroPage = Int(bytes.number(at: LoaderField.zeroPage, 8) - block.address)
        let node = Int(bytes.number(at: LoaderField.setupData, 8) - block.address)
        #expect(bytes.number(at: LoaderField.region, 8) == 0x10_0000)
        #expect(bytes.number(at: LoaderField.entry, 8) == 0x100_0200)
        let kernel = boot.parts[2].piece
        #expect(kernel.address == 0x100_0000 && kernel.contents.count == 0x1000 && kernel.contents[0] == 0xe7)
        // the zero page, by Documentation/arch/x86/zero-page.rst
        func field(_ offset: Int, _ width: Int) -> UInt64 { bytes.number(at: zeroPage + offset, width) }
        #expect(field(0x202, 4) == 0x5372_6448 && field(0x210, 1) == 0xff && field(0x230, 4) == 0x20_0000)
        let initrd = boot.parts[3].piece
        #expect(field(0x218, 4) == initrd.address && field(0x21c, 4) == 5000)
        // the highest page of RAM from which on it fits
        #expect(initrd.address == 0x3a0_0000 - 0x2000)
        #expect(field(0x250, 8) == block.address + UInt64(node))
        let line = Int(field(0x228, 4) - block.address)
        #expect(String(decoding: bytes[line..<line + 13], as: UTF8.self) == "console=ttyS0" && bytes[line + 13] == 0)
        #expect(line + 14 == bytes.count)
        // the node
        #expect(bytes.number(at: node + 8, 4) == 6 && bytes.number(at: node + 12, 4) == 284)
        #expect(bytes.number(at: node + 16, 4) == 0x1_0002 && bytes[node + 40] == 1)
        #expect(bytes.number(at: node + 296, 4) == 1)
        // the stub enters the loader with all processors
        #expect(boot.parts[0].piece.contents.number(at: 0x40, 8) == block.address)
        #expect(boot.parts[0].piece.contents.number(at: 0x14c, 4) == 0x8000_0000)
    }

    @Test func theMemoryMapHasWhatLinuxMayUse() throws {
        let boot = try boot("quiet")
        let block = boot.parts[1].piece.address
        #expect(
            boot.memoryMap == [
                MemoryMapEntry(start: 0, size: block, kind: .ram),
                MemoryMapEntry(start: block, size: 0x1000, kind: .reserved),
                MemoryMapEntry(start: block + 0x1000, size: 0x10_0000 - block - 0x1000, kind: .ram),
                MemoryMapEntry(start: 0x10_0000, size: 0x1000, kind: .reserved),
                MemoryMapEntry(start: 0x20_0000, size: 0x380_0000, kind: .ram),
            ])
    }

    @Test func noTwoPartsLieOverEachOther() throws {
        for size in [0x1000, 0x37_f000, 0x240_0000] {
            let boot = try boot(initrd: [UInt8](repeating: 1, count: size), String(repeating: "x", count: 2000))
            let parts = boot.parts.map { part in
                let size = part.kind == .kernel ? 0x40_0000 : UInt64(part.piece.contents.count)
                return part.piece.address..<part.piece.address + size
            }.sorted { $0.lowerBound < $1.lowerBound }
            for (lower, upper) in zip(parts, parts.dropFirst()) { #expect(lower.upperBound <= upper.lowerBound) }
        }
    }

    @Test func aRelocatableKernelGoesWhereThereIsRoom() throws {
        let memory = [Self.low, CellRegion(name: "RAM", start: 0x1010_0000, size: 0x100_0000)]
        #expect(try boot(in: cell(memory)).parts[2].piece.address == 0x1020_0000)
        let fixed = refusal { try boot(kernel: Self.kernel(relocatable: false), in: cell(memory)) }
        #expect(fixed.contains("at 0x1000000, since it is not relocatable"))
    }

    /// Every mistake of a beginner has its sentence.
    @Test func mistakesAreNamed() throws {
        func kernel(_ change: (inout [UInt8]) -> Void) -> String {
            refusal { try boot(kernel: Self.kernel(relocatable: true, initialSize: 0x40_0000, change)) }
        }
        #expect(refusal { try boot(kernel: []) }.hasPrefix("the file is empty"))
        #expect(refusal { try boot(kernel: Array("#!/bin/sh\n".utf8)) }.hasPrefix("it is no bzImage"))
        #expect(
            kernel { $0.replaceSubrange(0..<4, with: [0x7f, 0x45, 0x4c, 0x46]) }.hasPrefix(
                "it is an ELF file, such as vmlinux"))
        #expect(
            kernel { $0.replaceSubrange(0x38..<0x3c, with: Array("ARMd".utf8)) }.hasPrefix("it is a kernel for Arm64"))
        #expect(kernel { $0.replaceSubrange(0..<2, with: [0x1f, 0x8b]) }.hasPrefix("it is compressed with gzip"))
        #expect(kernel { $0[0x236] = 0 }.hasPrefix("it is a 32-bit kernel"))
        #expect(kernel { $0.store(0x20b, at: 0x206, 2) }.hasPrefix("its boot protocol 2.11 has no 64-bit entry"))
        #expect(kernel { $0[0x211] = 0 }.hasPrefix("it is a zImage"))
        #expect(kernel { $0[0x1f1] = 200 }.hasPrefix("the file ends after"))
        // 0x1000 bytes behind two sectors
        #expect(kernel { $0.store(0x100, at: 0x1f4, 4) } == "accepted")
        #expect(
            kernel { $0.store(0x102, at: 0x1f4, 4) }.hasPrefix(
                "the file ends after 5120 bytes, and its header says 5152"))
        #expect(kernel { $0.store(0x1001, at: 0x24c, 4) }.hasPrefix("the file ends after 5120 bytes, and its packed"))
        #expect(kernel { $0.store(3, at: 0x230, 4) }.hasPrefix("its setup header says an alignment of 3"))
        #expect(kernel { $0[0x201] = 0xff }.hasPrefix("its setup header ends at"))
        #expect(
            refusal { try boot(String(repeating: "x", count: 2048)) }.hasPrefix(
                "the command line has 2048 bytes; this kernel takes 2047"))
        #expect(
            refusal { try boot(initrd: [UInt8](repeating: 0, count: 60 << 20)) }.hasPrefix(
                "the initrd has 62914560 bytes"))
        #expect(
            refusal { try boot(kernel: Self.kernel(initialSize: 0x400_0000)) }.hasPrefix(
                "the kernel needs 67108864 bytes"))
        #expect(refusal { try boot(in: cell([])) }.hasPrefix("the cell has no RAM for Linux"))
        let above = CellRegion(name: "region", start: 0xffff_f800, size: 0x1000)
        #expect(
            refusal { try boot(in: cell(region: above)) }.hasPrefix(
                "the communication region is at 0xfffff800, above 4 GiB"))
        var onlyLow = cell([Self.low])
        #expect(refusal { try boot(in: onlyLow) }.hasPrefix("the kernel needs"))
        onlyLow.withoutDMA = [Self.high]
        #expect(
            refusal { try boot(in: onlyLow) }.hasPrefix(
                "the region \"high\" at 0x200000 has room for the kernel, and no access \"dma\""))
        #expect(refusal { try boot(in: cell(region: nil)) }.hasPrefix("the cell has no communication region"))
    }

    /// Its own header has the memory that it needs, not the file's length; that of the EFI boot has both.
    @Test func aCutKernelForArm64IsNamed() throws {
        func kernel(ending end: UInt64) -> [UInt8] {
            TestKernel.arm64 { bytes in
                bytes.replaceSubrange(0..<2, with: Array("MZ".utf8))
                bytes.store(0x40, at: 60, 4)
                bytes.replaceSubrange(0x40..<0x44, with: [0x50, 0x45, 0, 0])
                bytes.store(2, at: 0x46, 2)
                bytes.store(0xa0, at: 0x54, 2)
                // of the second section, behind the header of 24 bytes and its own of 0xa0
                bytes.store(0x1000, at: 0x58 + 0xa0 + 40 + 16, 4)
                bytes.store(end - 0x1000, at: 0x58 + 0xa0 + 40 + 20, 4)
            }
        }
        #expect(try Arm64Kernel(kernel(ending: 0x2000)).imageSize == 0x40_0000)
        #expect(
            refusal { try Arm64Kernel(kernel(ending: 0x2001)) }.hasPrefix(
                "it ends after 8192 bytes, and its header says 8193"))
    }
}
