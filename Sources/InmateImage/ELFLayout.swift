// SPDX-License-Identifier: Apache-2.0

/// The offsets of header fields, which differ between the two classes of ELF files.
struct ELFLayout {
    var headerSize: Int
    var addressSize: Int
    /// Of `e_phoff` and `e_phentsize`; `e_shoff` follows the former, `e_phnum` and the fields of the section headers
    /// the latter.
    var programHeadersOffset: Int
    var programHeaderSizeOffset: Int
    var programHeaderSize: Int
    /// Within a program header.
    var flags: Int
    var offset: Int
    var sectionHeaderSize: Int
    var symbolSize: Int
    /// Within a symbol: its value, and its type with the section's index behind.
    var symbolValue: Int
    var symbolInfo: Int

    static let elf32 = ELFLayout(
        headerSize: 52, addressSize: 4, programHeadersOffset: 28, programHeaderSizeOffset: 42, programHeaderSize: 32,
        flags: 24, offset: 4, sectionHeaderSize: 40, symbolSize: 16, symbolValue: 4, symbolInfo: 12
    )
    static let elf64 = ELFLayout(
        headerSize: 64, addressSize: 8, programHeadersOffset: 32, programHeaderSizeOffset: 54, programHeaderSize: 56,
        flags: 4, offset: 8, sectionHeaderSize: 64, symbolSize: 24, symbolValue: 8, symbolInfo: 4
    )

    var sectionHeadersOffset: Int { programHeadersOffset + addressSize }
    /// `e_shentsize`; `e_shnum` and `e_shstrndx` follow.
    var sectionHeaderSizeOffset: Int { programHeaderSizeOffset + 4 }
}

extension ELFLayout {
    init(_ format: ELFFile.Class) {
        self = format == .elf32 ? .elf32 : .elf64
    }

    func segment(_ index: Int, in image: [UInt8], at header: Int) -> ELFFile.Segment {
        // p_offset, p_vaddr, p_paddr, p_filesz and p_memsz follow each other in both classes
        func field(_ number: Int) -> UInt64 {
            image.number(at: header + offset + number * addressSize, addressSize)
        }
        return ELFFile.Segment(
            index: index, fileOffset: field(0), address: field(2), virtualAddress: field(1), fileSize: field(3),
            memorySize: field(4), flags: UInt32(truncatingIfNeeded: image.number(at: header + flags, 4))
        )
    }
}

extension [UInt8] {
    /// Little endian. The caller has checked that the bytes are there.
    func number(at offset: Int, _ width: Int) -> UInt64 {
        self[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
