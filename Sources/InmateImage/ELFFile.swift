// SPDX-License-Identifier: Apache-2.0

/// The headers of an ELF executable, as far as loading needs them.
package struct ELFFile: Hashable, Sendable {
    /// 32-bit or 64-bit headers.
    package enum Class: UInt8, Hashable, Sendable {
        case elf32 = 1
        case elf64 = 2
    }

    /// The kind of processor: `e_machine`.
    package struct Machine: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        package static let i386 = Machine(rawValue: 3)
        package static let arm = Machine(rawValue: 40)
        package static let x8664 = Machine(rawValue: 62)
        package static let aarch64 = Machine(rawValue: 183)

        /// As people call it, with its article: `an AArch64`.
        package var description: String {
            switch rawValue {
            case 2, 18, 43: "a SPARC"
            case 3: "an i386"
            case 8: "a MIPS"
            case 20, 21: "a PowerPC"
            case 22: "an s390"
            case 40: "a 32-bit Arm"
            case 62: "an x86-64"
            case 183: "an AArch64"
            case 243: "a RISC-V"
            case 258: "a LoongArch"
            default: "a \"machine \(rawValue)\""
            }
        }
    }

    /// A `PT_LOAD` program header.
    package struct Segment: Hashable, Sendable {
        /// The number of its program header, from 0, as `readelf -l` counts.
        package var index: Int
        package var fileOffset: UInt64
        /// `p_paddr`, which is where it is loaded.
        package var address: UInt64
        package var virtualAddress: UInt64
        package var fileSize: UInt64
        /// At least ``fileSize``; the rest is to be zero.
        package var memorySize: UInt64
        /// `p_flags`: 1 execute, 2 write, 4 read.
        package var flags: UInt32
    }

    package let format: Class
    package let machine: Machine
    package let entry: UInt64
    /// Those of more than no bytes, in the order of the file.
    package let segments: [Segment]
    /// Where in the file its header and its program headers are.
    let headers: [Range<Int>]

    /// Whether a file begins as every ELF file does.
    package static func isELF(_ image: [UInt8]) -> Bool {
        image.starts(with: [0x7f, 0x45, 0x4c, 0x46])
    }

    /// - Throws: ``ImageError`` `truncated`, `damaged`, `notExecutable`, `noSegments`.
    package init(_ image: [UInt8]) throws(ImageError) {
        guard image.count >= 20, ELFFile.isELF(image) else { throw .truncatedHeader }
        guard let format = Class(rawValue: image[4]) else {
            throw ImageError(.damaged, "its ELF class is \(image[4])", remedy: "build or copy it again")
        }
        guard image[5] == 1 else {
            throw ImageError(.machine, "it is a big-endian executable", remedy: "build it for the cell's processor")
        }
        let layout = ELFLayout(format)
        guard image.count >= layout.headerSize else { throw .truncatedHeader }
        self.format = format
        machine = Machine(rawValue: UInt16(image.number(at: 18, 2)))
        entry = image.number(at: 24, layout.addressSize)
        segments = try ELFFile.segments(of: image, layout)
        // that they are within the file was checked with the segments
        let table = Int(image.number(at: layout.programHeadersOffset, layout.addressSize))
        let size = Int(image.number(at: layout.programHeaderSizeOffset, 2))
        let count = Int(image.number(at: layout.programHeaderSizeOffset + 2, 2))
        headers = [0..<layout.headerSize, table..<table + size * count]
    }

    private static func segments(of image: [UInt8], _ layout: ELFLayout) throws(ImageError) -> [Segment] {
        try checkType(image.number(at: 16, 2))
        let offset = image.number(at: layout.programHeadersOffset, layout.addressSize)
        let entrySize = Int(image.number(at: layout.programHeaderSizeOffset, 2))
        let count = Int(image.number(at: layout.programHeaderSizeOffset + 2, 2))
        guard count == 0 || entrySize >= layout.programHeaderSize else {
            throw ImageError(
                .damaged, "its program headers have \(entrySize) bytes each", remedy: "build or copy it again"
            )
        }
        guard offset <= UInt64(image.count), count * entrySize <= image.count - Int(offset) else {
            throw ImageError(
                .truncated, "the file ends after \(image.count) bytes, before its program headers do",
                remedy: "copy it again"
            )
        }
        var segments: [Segment] = []
        for index in 0..<count {
            let header = Int(offset) + index * entrySize
            switch image.number(at: header, 4) {
            case 1:
                var segment = layout.segment(index, in: image, at: header)
                // linkers let one without bytes lie behind the file's end
                if segment.fileSize == 0 { segment.fileOffset = 0 }
                try check(segment, fileSize: image.count)
                if segment.memorySize > 0 { segments.append(segment) }
            case 3:
                throw ImageError(
                    .notExecutable, "it needs a dynamic linker, which a cell does not have",
                    remedy: "link it with -static"
                )
            default: continue
            }
        }
        guard !segments.isEmpty else {
            throw ImageError(.noSegments, "it is an ELF file without anything to load", remedy: "link it as a program")
        }
        return segments
    }

    private static func checkType(_ type: UInt64) throws(ImageError) {
        switch type {
        case 2, 3: return
        case 1:
            throw ImageError(.notExecutable, "it is an object file, not a program", remedy: "link it first")
        case 4:
            throw ImageError(.notExecutable, "it is a core dump, not a program", remedy: "give the program's file")
        default:
            throw ImageError(.notExecutable, "it is an ELF file of type \(type), no program", remedy: "link it as one")
        }
    }

    private static func check(_ segment: Segment, fileSize: Int) throws(ImageError) {
        guard segment.memorySize >= segment.fileSize else {
            throw ImageError(
                .damaged, "segment \(segment.index) has more bytes in the file than in memory",
                remedy: "build or copy it again"
            )
        }
        guard segment.fileOffset <= UInt64(fileSize), segment.fileSize <= UInt64(fileSize) - segment.fileOffset else {
            throw ImageError(
                .truncated, "the file ends after \(fileSize) bytes, before its segment \(segment.index) does",
                remedy: "copy it again"
            )
        }
        guard !segment.address.addingReportingOverflow(max(segment.memorySize, 1) - 1).overflow else {
            throw ImageError(
                .damaged, "segment \(segment.index) ends beyond the last address", remedy: "build or copy it again"
            )
        }
    }
}

extension ImageError {
    fileprivate static var truncatedHeader: ImageError {
        ImageError(.truncated, "the file ends within its ELF header", remedy: "copy it again")
    }
}
