// SPDX-License-Identifier: Apache-2.0

/// A Linux kernel for Arm64, unpacked (Documentation/arch/arm64/booting.rst).
package struct Arm64Kernel: Hashable, Sendable {
    private enum Offset {
        static let textOffset = 8
        static let imageSize = 16
        static let flags = 24
        static let magic = 0x38
        static let end = 0x40
    }

    private enum Flag {
        static let isBigEndian: UInt64 = 1
        static let mayBeAnywhere: UInt64 = 8
    }

    /// The address that the kernel is loaded to is so far above a multiple of this.
    static let alignment: UInt64 = 0x20_0000
    /// The most bytes that a packed one unpacks to: the daemon holds them in memory. Large ones of distributions have 60 MiB.
    package static let mostBytes = 128 << 20

    /// As it is loaded.
    package let contents: [UInt8]
    /// From a multiple of ``alignment``, in bytes.
    package let textOffset: UInt64
    /// The memory that it needs from there on, in bytes.
    package let imageSize: UInt64
    /// Otherwise it does not use memory below itself (Linux before 4.6).
    package let mayBeAnywhere: Bool

    static func isKernel(_ image: [UInt8]) -> Bool {
        image.count >= Offset.end && image[Offset.magic..<Offset.magic + 4].elementsEqual("ARM\u{64}".utf8)
    }

    /// - Parameter file: an `Image`, also packed by gzip or zstd, as a whole or within the EFI boot's `vmlinuz`.
    package init(_ file: [UInt8]) throws(ImageError) {
        let image = try Self.unpacked(file)
        guard Self.isKernel(image) else { throw Self.otherKind(of: image) }
        let flags = image.number(at: Offset.flags, 8)
        guard flags & Flag.isBigEndian == 0 else {
            throw ImageError(
                .machine, "it is a big-endian kernel; the hypervisor speaks little-endian",
                remedy: "build it without CONFIG_CPU_BIG_ENDIAN")
        }
        if let end = Self.executableEnd(of: image), end > image.count {
            throw ImageError(
                .truncated, "it ends after \(image.count) bytes, and its header says \(end)", remedy: "copy it again")
        }
        let size = image.number(at: Offset.imageSize, 8)
        textOffset = image.number(at: Offset.textOffset, 8)
        // kernels before 3.17 do not say it
        imageSize = max(size, UInt64(image.count))
        mayBeAnywhere = flags & Flag.mayBeAnywhere != 0
        guard textOffset < Self.alignment, imageSize <= 1 << 32 else {
            throw ImageError(
                .damaged, "its header says a text offset of \(hexadecimal(textOffset)) and \(size) bytes of memory",
                remedy: "build or copy it again")
        }
        contents = image
    }

    /// Where the file of a kernel with an EFI header (PE) ends at least; nil without one: then the header has only the memory
    /// that the kernel needs.
    private static func executableEnd(of image: [UInt8]) -> Int? {
        guard image.starts(with: Array("MZ".utf8)) else { return nil }
        let header = Int(image.number(at: 60, 4))
        guard header <= image.count - 24, image[header..<header + 4].elementsEqual([0x50, 0x45, 0, 0]) else {
            return nil
        }
        let sections = header + 24 + Int(image.number(at: header + 20, 2))
        let count = Int(image.number(at: header + 6, 2))
        guard sections + 40 * count <= image.count else { return sections + 40 * count }
        return (0..<count).map { index in
            let section = sections + 40 * index
            return Int(image.number(at: section + 16, 4)) + Int(image.number(at: section + 20, 4))
        }.max()
    }

    private static func unpacked(_ file: [UInt8]) throws(ImageError) -> [UInt8] {
        guard !file.isEmpty else { throw ImageError(.empty, "the file is empty", remedy: "build or copy it again") }
        var packed = file[...]
        // the EFI boot's image has where the packed kernel is (drivers/firmware/efi/libstub/zboot-header.S)
        if file.count >= 64, file.starts(with: Array("MZ".utf8)), file[4..<8].elementsEqual("zimg".utf8) {
            let start = Int(file.number(at: 8, 4))
            let size = Int(file.number(at: 12, 4))
            guard start <= file.count, size <= file.count - start else {
                throw ImageError(
                    .truncated, "it is packed for the EFI boot, and ends before the packed kernel does",
                    remedy: "build or copy it again")
            }
            let name = String(decoding: file[24..<56].prefix { $0 != 0 }, as: UTF8.self)
            guard ["gzip", "zstd", "zstd22"].contains(name) else {
                throw ImageError(
                    .notExecutable,
                    "it is packed with \(name) for the EFI boot, which is not unpacked here; gzip and zstd are",
                    remedy: Self.remedy)
            }
            packed = file[start..<start + size]
        }
        if Zstandard.isPacked(packed) { return try unpackedByZstandard(packed) }
        guard Gzip.isGzip(packed) else { return file }
        do {
            return try Gzip.unpack(packed, limit: mostBytes)
        } catch {
            throw ImageError(
                error == .truncated ? .truncated : .damaged, "it is packed with gzip, and \(error.rawValue)",
                remedy: "build or copy it again")
        }
    }

    private static func unpackedByZstandard(_ packed: ArraySlice<UInt8>) throws(ImageError) -> [UInt8] {
        do {
            return try Zstandard.unpack(packed, limit: mostBytes)
        } catch {
            let copy = "build or copy it again"
            throw switch error {
            case .noLibrary:
                ImageError(
                    .notExecutable, "it is packed with zstd, and libzstd.so.1 is not installed",
                    remedy: "install it (apt install libzstd1), or \(remedy)")
            case .truncated: ImageError(.truncated, "it is packed with zstd, and ends too early", remedy: copy)
            case .damaged: ImageError(.damaged, "it is packed with zstd, and damaged", remedy: copy)
            case .tooLarge:
                ImageError(.damaged, "it is packed with zstd, and larger than \(mostBytes >> 20) MiB", remedy: copy)
            }
        }
    }

    private static let remedy = "give the Image that the same build makes (arch/arm64/boot/Image), or its Image.gz"

    /// Forms that nothing here unpacks, and what does.
    private static let packings: [(magic: [UInt8], name: String, command: String)] = [
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz", "xz -d"), ([0x02, 0x21, 0x4c, 0x18], "lz4", "lz4 -d"),
        ([0x04, 0x22, 0x4d, 0x18], "lz4", "lz4 -d"), ([0x42, 0x5a, 0x68], "bzip2", "bzip2 -d"),
        ([0x5d, 0, 0], "lzma", "xz -d --format=lzma"), ([0x89, 0x4c, 0x5a, 0x4f], "lzo", "lzop -d"),
    ]
    private static let others: [(magic: [UInt8], what: String)] = [
        ([0x27, 0x05, 0x19, 0x56], "it is an image for U-Boot (uImage)"),
        ([0xd0, 0x0d, 0xfe, 0xed], "it is a FIT image for U-Boot, or a device tree"),
    ]

    private static func otherKind(of image: [UInt8]) -> ImageError {
        if image.count > 0x206, image[0x202..<0x206].elementsEqual("HdrS".utf8) {
            return ImageError(.machine, "it is a kernel for x86", remedy: "give one for Arm64")
        }
        if ELFFile.isELF(image) {
            return ImageError(.notExecutable, "it is an ELF file, such as vmlinux", remedy: remedy)
        }
        if let packing = packings.first(where: { image.starts(with: $0.magic) }) {
            return ImageError(
                .notExecutable, "it is packed with \(packing.name), which is not unpacked here; gzip and zstd are",
                remedy: "unpack it (\(packing.command)), or \(remedy)")
        }
        if let other = others.first(where: { image.starts(with: $0.magic) }) {
            return ImageError(.notExecutable, other.what, remedy: remedy)
        }
        if image.count > 0x28, image.number(at: 0x24, 4) == 0x016f_2818 {
            return ImageError(.machine, "it is a kernel for 32-bit Arm", remedy: "give one for Arm64")
        }
        return ImageError(.notExecutable, "it is no kernel for Arm64: it has no header of an Image", remedy: remedy)
    }
}
