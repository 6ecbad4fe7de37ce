// SPDX-License-Identifier: Apache-2.0

import Foundation
import InmateImage

/// A PC in QEMU whose memory is a file, in which the test plays the hypervisor's part.
///
/// It stands in for a cell: one processor, COM1, a PM timer, a communication region at 0x900000.
final class BareMachine {
    /// How the processor gets to the image.
    enum Start: Hashable {
        /// The image's multiboot header, as an RTEMS image is started on a PC.
        case bootLoader
        /// The reset address 0xf0000 in real mode with that CS base, as in a cell.
        case resetAddress
        /// The same at 0x80000, with these at their addresses instead of an image's file.
        case loaded([LoadPiece])

        static let resetAddressOfLoaded: UInt64 = 0x8_0000
    }

    static let communicationRegion: UInt64 = 0x900000
    static let pmTimerPort: UInt16 = 0x608
    private static let memorySize: UInt64 = 1 << 30

    private let directory = try? TemporaryDirectory()
    private let memory: FileHandle
    private let serial: URL
    private let qemu: Program

    /// - Parameter contents: memory that is not zero when the machine starts.
    init(image: URL?, start: Start, contents: [UInt64: [UInt8]]) throws {
        guard let directory = directory?.url else { throw CocoaError(.fileWriteUnknown) }
        let memoryFile = directory.appending(path: "memory")
        let firmware = directory.appending(path: "firmware")
        serial = directory.appending(path: "serial")
        try Data().write(to: memoryFile)
        try Data().write(to: serial)
        var contents = contents
        var resetSegment: UInt16 = 0xf000
        if case .loaded(let pieces) = start {
            for piece in pieces { contents[piece.address] = piece.contents }
            resetSegment = UInt16(Start.resetAddressOfLoaded >> 4)
        }
        try Data(Self.firmware(jumpingTo: resetSegment)).write(to: firmware)
        memory = try FileHandle(forUpdating: memoryFile)
        try memory.truncate(atOffset: Self.memorySize)
        for (address, bytes) in contents {
            try memory.seek(toOffset: address)
            try memory.write(contentsOf: Data(bytes))
        }
        let file = image?.path ?? ""
        let startArguments =
            switch start {
            case .bootLoader: ["-kernel", file]
            case .resetAddress: ["-bios", firmware.path, "-device", "loader,file=\(file)"]
            case .loaded: ["-bios", firmware.path]
            }
        // `timeout`, so that it does not outlive a test that was killed
        qemu = try Program(
            [
                "timeout", "--signal=KILL", "60", "qemu-system-x86_64", "-machine", "q35,memory-backend=memory",
                "-accel", "tcg", "-m", "1G", "-nodefaults", "-display", "none", "-serial", "file:\(serial.path)",
                "-object", "memory-backend-file,id=memory,size=1G,share=on,mem-path=\(memoryFile.path)",
            ] + startArguments
        )
    }

    deinit { qemu.stop() }

    /// What came out of COM1 until now.
    var console: String { (try? String(contentsOf: serial, encoding: .utf8)) ?? "" }

    /// What QEMU had to say.
    var complaints: String { qemu.errors }

    func word(at offset: UInt64) throws -> UInt32 {
        try memory.seek(toOffset: Self.communicationRegion + offset)
        let bytes = try memory.read(upToCount: 4) ?? Data()
        return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    func store(_ value: UInt32, at offset: UInt64) throws {
        try memory.seek(toOffset: Self.communicationRegion + offset)
        try memory.write(contentsOf: Data(littleEndian(value)))
    }

    /// The communication region as the hypervisor fills it before a start.
    static func communicationRegion(revision: UInt16 = 2) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: 4096)
        page.replaceSubrange(0..<8, with: Array("JHCOMM".utf8) + littleEndian(revision))
        page.replaceSubrange(64..<68, with: littleEndian(pmTimerPort) + littleEndian(UInt16(1)))
        return page
    }

    /// 64 KiB that end at 1 MiB: switches the PM timer on, then jumps to the segment's begin. That is the state in
    /// which a cell with that reset address begins; QEMU lays the image's stub, if it has one at 0xf0000, over the
    /// beginning.
    private static func firmware(jumpingTo segment: UInt16) -> [UInt8] {
        func write(_ value: UInt32, toPort port: UInt16) -> [UInt8] {
            // mov dx, port; mov eax, value; out dx, eax
            [0xba] + littleEndian(port) + [0x66, 0xb8] + littleEndian(value) + [0x66, 0xef]
        }
        func configure(_ register: UInt32, _ value: UInt32) -> [UInt8] {
            // PCI device 00:1f.0, the ICH9's ISA bridge
            write(0x8000_f800 | register, toPort: 0xcf8) + write(value, toPort: 0xcfc)
        }
        let code = configure(0x40, 0x601) + configure(0x44, 0x80) + [0xea, 0x00, 0x00] + littleEndian(segment)
        var contents = [UInt8](repeating: 0, count: 0x10000)
        contents.replaceSubrange(0xff00..<0xff00 + code.count, with: code)
        // jmp 0xff00
        contents.replaceSubrange(0xfff0..<0xfff3, with: [0xe9] + littleEndian(Int16(0xff00 - 0xfff3)))
        return contents
    }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
