// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import InmateImage

@Suite struct StartStubTests {
    private let place = ProgramStart.Place(
        resetAddress: 0xf_0000,
        memory: [
            CellRegion(name: "more", start: 0x80_0000, size: 0x10_0000),
            CellRegion(name: "ram", start: 0, size: 0x80_0000),
        ],
        communicationRegion: 0x90_0000)

    private func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }

    /// The bytes in the source are those that the assembler makes.
    @Test func theCodeIsItsSource() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let source = root.appendingPathComponent("inmates/start/start-stub.S")
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("stub-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let object = directory.appendingPathComponent("stub.o").path
        let flat = directory.appendingPathComponent("stub.bin").path
        let command =
            "tools=$(dirname \"$(realpath \"$(command -v swiftc)\")\") && "
            + "\"$tools/clang\" -target x86_64-unknown-none-elf -c '\(source.path)' -o '\(object)' && "
            + "\"$tools/llvm-objcopy\" -O binary -j .text '\(object)' '\(flat)'"
        #expect(system(command) == 0)
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: flat))) == StartStub.code)
    }

    @Test func itsFieldsAreFilledIn() throws {
        let start = ProgramStart(.protected32, stackPointer: 0xe_0000, wantsRegionOf2016: true)
        let pieces = try start.pieces(entry: 0x10_000c, machine: .i386, place: place)
        let stub = try #require(pieces.first)
        #expect(pieces.count == 1 && stub.address == 0xf_0000 && stub.contents.count == StartStub.code.count)
        #expect(word(stub.contents, 0x03) == 0xf_0000)
        #expect(word(stub.contents, 0x28) == 0xf_0080)
        #expect(word(stub.contents, 0x30) == 0xf_0060)
        #expect(word(stub.contents, 0x48) == 0xe_0000)
        #expect(word(stub.contents, 0x58) == 0x90_0000)
        #expect(word(stub.contents, 0x5c) == 0)
        #expect(word(stub.contents, 0x141) == 0x10_000c)
    }

    @Test func aMultibootProgramLearnsItsMemoryAndCommandLine() throws {
        let start = ProgramStart(.multiboot, commandLine: "--console=/dev/com1")
        let bytes = try #require(try start.pieces(entry: 0x10_000c, machine: .i386, place: place).first).contents
        #expect(word(bytes, 0x50) == 0x2bad_b002)
        let information = Int(word(bytes, 0x54)) - 0xf_0000
        #expect(word(bytes, information) == 0x245)
        #expect(word(bytes, information + 4) == 640 && word(bytes, information + 8) == 8 * 1024)
        func text(_ offset: Int) -> String {
            String(
                decoding: bytes[(Int(word(bytes, information + offset)) - 0xf_0000)...].prefix { $0 != 0 },
                as: UTF8.self)
        }
        #expect(text(16) == "--console=/dev/com1")
        #expect(text(64) == "jailhoused")
        let map = Int(word(bytes, information + 48)) - 0xf_0000
        #expect(word(bytes, information + 44) == 48)
        #expect(word(bytes, map) == 20 && word(bytes, map + 4) == 0 && word(bytes, map + 12) == 0x80_0000)
        #expect(word(bytes, map + 24 + 4) == 0x80_0000 && word(bytes, map + 24 + 20) == 1)
    }

    @Test func theMapForLongModeLeadsToEachAddress() throws {
        let start = ProgramStart(.long64)
        let bytes = try #require(try start.pieces(entry: 0x10_0000, machine: .x8664, place: place).first).contents
        let tables = Int(word(bytes, 0x5c))
        #expect(tables == 0xf_1000 && bytes.count == 0x7000)
        func entry(_ table: Int, _ index: Int) -> Int { Int(word(bytes, table - 0xf_0000 + index * 8)) }
        for address in [0, 0x10_0000, 0x3fff_ffff, 0x4000_0000, 0x8020_0000, 0xffff_ffff] {
            let directory = entry(entry(tables, 0) & ~0xfff, address >> 30) & ~0xfff
            #expect(entry(directory, address >> 21 & 511) == (address & ~0x1f_ffff | 0xe3))
        }
    }

    @Test func whatCannotBeIsSaid() {
        func refusal(_ start: ProgramStart, _ entry: UInt64 = 0x10_0000, _ machine: ELFFile.Machine? = nil) -> String? {
            #expect(throws: ImageError.self) { try start.pieces(entry: entry, machine: machine, place: place) }?.message
        }
        #expect(refusal(ProgramStart(.long64), 0x10_0000, .i386)?.contains("32-bit program") == true)
        #expect(refusal(ProgramStart(.multiboot), 0x10_0000, .x8664)?.contains("64-bit program") == true)
        #expect(refusal(ProgramStart(.long64), 1 << 32)?.contains("below 4 GiB") == true)
        var far = place
        far.resetAddress = 0xf_ff00
        #expect(throws: ImageError.self) { try ProgramStart(.multiboot).pieces(entry: 0, machine: nil, place: far) }
        far.resetAddress = .max - 15
        #expect(throws: ImageError.self) { try ProgramStart(.multiboot).pieces(entry: 0, machine: nil, place: far) }
        far.communicationRegion = nil
        far.resetAddress = 0
        #expect(throws: ImageError.self) {
            try ProgramStart(.protected32, wantsRegionOf2016: true).pieces(entry: 0, machine: nil, place: far)
        }
    }

    /// All processors of a cell begin at once: the others halt, unless the program is made for them.
    @Test func otherProcessorsAreParked() throws {
        let place = ProgramStart.Place(resetAddress: 0xf_0000, memory: [], communicationRegion: nil)
        var start = ProgramStart(.protected32)
        let parking = try #require(try start.pieces(entry: 0x10_000c, machine: .i386, place: place).first).contents
        #expect(word(parking, 0x14c) == 0)
        start.parksOtherProcessors = false
        let letting = try #require(try start.pieces(entry: 0x10_000c, machine: .i386, place: place).first).contents
        #expect(word(letting, 0x14c) == 0x8000_0000)
    }
}
