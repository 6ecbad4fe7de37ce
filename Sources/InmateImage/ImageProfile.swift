// SPDX-License-Identifier: Apache-2.0

/// What an image says about itself beyond what loading needs: how it begins, what it takes besides its own memory,
/// what it expects to find.
package struct ImageProfile: Hashable, Sendable {
    /// A part of the image in the cell's memory.
    package struct Part: Hashable, Sendable {
        package var start: UInt64
        /// In bytes; more than 0.
        package var size: UInt64
        /// Where its bytes are in the file.
        package var file: Range<Int>
        /// Whether it can have code: by its segment's flags, as far as the file has any.
        package var isExecutable: Bool

        package init(start: UInt64, size: UInt64, file: Range<Int>, isExecutable: Bool = true) {
            self.start = start
            self.size = size
            self.file = file
            self.isExecutable = isExecutable
        }

        package func contains(_ address: UInt64) -> Bool { address >= start && address - start < size }
        /// The address behind it; `UInt64.max` at most.
        package var end: UInt64 { start.addingReportingOverflow(size).overflow ? .max : start + size }
    }

    package let format: LoadPlan.Format
    /// Nil for a flat image.
    package let machine: ELFFile.Machine?
    /// Of a flat image with a multiboot header: what the header says, else the first byte behind it. Nil for another flat
    /// image.
    package let entry: UInt64?
    /// In the order of the file.
    package let parts: [Part]
    /// x86: whether it has the header by which a multiboot loader knows it. Such a program begins in 32-bit
    /// protected mode.
    package let isMultiboot: Bool
    /// Whether it has names at all. A flat image has none.
    package let hasSymbols: Bool
    package let rtems: RTEMSProgram?
    /// Where the program looks for the communication region, when its symbols say it.
    package let communicationRegion: UInt64?
    /// The same, when its first bytes say it as those of this project's own programs do.
    package let writtenRegion: UInt64?
    /// Whether it seems to be made with the library of Jailhouse's own inmates.
    package let isUpstreamInmate: Bool
    /// Whether it is a kernel of Linux, which needs more than to be loaded.
    package let isLinuxKernel: Bool
    /// Where the file's own headers are, which a linker may put into a part: no code.
    private let headers: [Range<Int>]
    /// Where a flat image is to be loaded, when its multiboot header says it.
    package let loadAddress: UInt64?

    /// Looks at an image, whether or not it fits a cell.
    ///
    /// - Parameters:
    ///   - image: the whole file.
    ///   - address: where a flat image goes.
    ///   - isRTEMS: whether it is one even if nothing in it shows it.
    /// - Throws: ``ImageError`` for a file that is empty, damaged or no program.
    package init(image: [UInt8], address: UInt64?, isRTEMS: Bool = false) throws(ImageError) {
        guard ELFFile.isELF(image) else {
            guard !image.isEmpty else {
                throw ImageError(.empty, "the file is empty", remedy: "build or copy it again")
            }
            format = .flat
            let header = MultibootHeader(image)
            machine = nil
            loadAddress = header?.loadAddress
            let start = address ?? header?.loadAddress ?? 0
            entry = header.map { $0.entry ?? start &+ UInt64($0.offset + MultibootHeader.size) }
            // only where it is loaded as it wants to be
            let bss = header?.loadAddress == start ? header?.bssEnd.map { $0 - start } : nil
            parts = [Part(start: start, size: max(UInt64(image.count), bss ?? 0), file: image.indices)]
            headers = []
            isLinuxKernel = Arm64Kernel.isKernel(image) || BzImage.isKernel(image)
            (isMultiboot, hasSymbols) = (header != nil, false)
            (rtems, communicationRegion, writtenRegion) = (nil, nil, ImageProfile.regionOfRuntime(image[...]))
            isUpstreamInmate = header == nil && ImageProfile.hasRegionSignature(image[...])
            return
        }
        let file = try ELFFile(image)
        let names = ELFSymbols(
            image, file.format,
            wanted: RTEMSProgram.wantedSymbols.union([ImageProfile.regionSymbol, ImageProfile.upstreamSymbol])
        )
        format = file.format == .elf32 ? .elf32 : .elf64
        machine = file.machine
        entry = file.entry
        let hasFlags = file.segments.contains { $0.flags & 1 != 0 }
        parts = file.segments.map {
            let start = Int($0.fileOffset)
            return Part(
                start: $0.address, size: $0.memorySize, file: start..<start + Int($0.fileSize),
                isExecutable: !hasFlags || $0.flags & 1 != 0)
        }
        headers = file.headers
        isLinuxKernel = false
        isMultiboot = file.machine == .i386 && MultibootHeader(image) != nil
        loadAddress = nil
        hasSymbols = names.hasTable
        let rtems = RTEMSProgram(names, machine: file.machine, isDeclared: isRTEMS)
        self.rtems = rtems
        isUpstreamInmate =
            names.symbols[ImageProfile.upstreamSymbol] != nil
            // stripped of its names, it has its bytes still
            || !names.hasTable && rtems == nil
                && parts.contains { ImageProfile.hasRegionSignature(image[$0.file]) }
        let linked = names.symbols[ImageProfile.regionSymbol].flatMap { $0.isAbsolute ? $0.value : nil }
        let written =
            names.hasTable ? nil : parts.lazy.compactMap { ImageProfile.regionOfRuntime(image[$0.file]) }.first
        communicationRegion = linked ?? rtems?.communicationRegion
        writtenRegion = written
    }

    /// Whether its entry is code for 32-bit protected mode, which a cell's processor is not in when it begins.
    package var beginsInProtectedMode: Bool {
        isMultiboot && format == .flat || machine == .i386 && (isMultiboot || rtems != nil)
    }

    /// The address behind its last byte.
    package var end: UInt64 { parts.map(\.end).max() ?? 0 }

    /// The part that is at this address.
    package func part(at address: UInt64) -> Part? { parts.first { $0.contains(address) } }

    /// The part with 16-bit start code, where one knows the program's entry and is not the program itself.
    ///
    /// - Parameter image: the file that this is the profile of.
    package func startCode(in image: [UInt8], for entry: UInt64) -> Part? {
        parts.first { $0.isExecutable && !$0.contains(entry) && mentions(entry, in: $0, of: image) }
    }

    /// Whether the address is somewhere in the part's first 64 KiB, the reach of real mode, and not in the file's headers.
    package func mentions(_ address: UInt64, in part: Part, of image: [UInt8]) -> Bool {
        guard image.indices.contains(part.file.lowerBound), part.file.upperBound <= image.count else { return false }
        let wanted = (0..<4).map { UInt8(truncatingIfNeeded: address >> (8 * UInt64($0))) }
        let code = image[part.file].prefix(1 << 16)
        return code.indices.dropLast(3).contains { index in
            code[index..<index + 4].elementsEqual(wanted) && !headers.contains { $0.contains(index) }
        }
    }

    /// Programs that are linked for one place of the region have it as an absolute symbol of this name, as those in
    /// `inmates/` do.
    static let regionSymbol = "communication_region"

    /// The function that a program with the library of Jailhouse's own inmates defines.
    private static let upstreamSymbol = "inmate_main"

    /// Whether the signature of the communication region is in it, which that library compares.
    /// `inmates/runtime/x86/start.S` has the address behind its first instructions: cli, cld, and a jump.
    private static func regionOfRuntime(_ code: ArraySlice<UInt8>) -> UInt64? {
        guard code.starts(with: [0xfa, 0xfc, 0xeb, 0x08, 0, 0, 0, 0]), code.count > 12 else { return nil }
        let bytes = code.dropFirst(8).prefix(4)
        let address = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return address > 0 && address & 0xfff == 0 ? address : nil
    }

    private static func hasRegionSignature(_ image: ArraySlice<UInt8>) -> Bool {
        let signature = Array("JHCOMM".utf8)
        return image.indices.dropLast(signature.count - 1).contains {
            image[$0] == signature[0] && image[$0..<$0 + signature.count].elementsEqual(signature)
        }
    }
}

/// The header by which a multiboot loader knows a program: magic, flags and a checksum that makes their sum zero, in the
/// first 8 KiB (Multiboot Specification 0.6.96, section 3.1).
struct MultibootHeader: Hashable {
    static let size = 12

    /// In the file.
    var offset: Int
    /// Where the file's first byte goes, and the entry, when the header has addresses.
    var loadAddress: UInt64?
    var entry: UInt64?
    /// Behind the program's BSS; nil: the header does not say it, or there is none.
    var bssEnd: UInt64?

    /// Nil when there is none.
    init?(_ image: [UInt8]) {
        let end = min(image.count, 8192) - (MultibootHeader.size - 1)
        let found = stride(from: 0, to: max(end, 0), by: 4).first { offset in
            image.number(at: offset, 4) == 0x1bad_b002
                && (0..<3).reduce(UInt64(0)) { $0 + image.number(at: offset + $1 * 4, 4) } & 0xffff_ffff == 0
        }
        guard let found else { return nil }
        offset = found
        let hasAddresses = image.number(at: found + 4, 4) & 0x1_0000 != 0
        guard hasAddresses, image.count >= found + 32 else { return }
        let header = image.number(at: found + 12, 4)
        guard header >= UInt64(found) else { return }
        loadAddress = header - UInt64(found)
        entry = image.number(at: found + 28, 4)
        let clearedEnd = image.number(at: found + 24, 4)
        if clearedEnd > header { bssEnd = clearedEnd }
    }
}
