// SPDX-License-Identifier: Apache-2.0

/// A Linux kernel for x86 as a boot loader gets it: its setup header (Documentation/arch/x86/boot.rst, "The real-mode kernel
/// header").
package struct BzImage: Hashable, Sendable {
    private enum Offset {
        static let setupSectors = 0x1f1
        static let systemSize = 0x1f4
        static let bootFlag = 0x1fe
        static let jump = 0x201
        static let signature = 0x202
        static let version = 0x206
        static let release = 0x20e
        static let loadFlags = 0x211
        static let initrdMaximum = 0x22c
        static let alignment = 0x230
        static let isRelocatable = 0x234
        static let extendedLoadFlags = 0x236
        static let commandLineSize = 0x238
        static let payload = 0x248
        static let payloadSize = 0x24c
        static let preferredAddress = 0x258
        static let initialSize = 0x260
        static let end = 0x264
    }

    /// The oldest protocol that tells of a 64-bit entry: 2.12, of Linux 3.8.
    static let oldestVersion: UInt16 = 0x20c
    /// From the protected-mode part's beginning to its 64-bit entry.
    static let entryOffset: UInt64 = 0x200

    /// Of the boot protocol, such as 0x20f for 2.15.
    package let version: UInt16
    /// Where the protected-mode part begins in the file.
    package let kernelOffset: Int
    /// The highest address that the initrd's last byte may have.
    package let initrdMaximum: UInt64
    /// In bytes; a power of two.
    package let alignment: UInt64
    package let isRelocatable: Bool
    /// In bytes, without the NUL at its end.
    package let commandLineSize: Int
    package let preferredAddress: UInt64
    /// The memory that the kernel needs from its address on until it can read the memory map, in bytes.
    package let initialSize: UInt64
    /// As `uname -r` prints it, such as `6.1.0-28-amd64`; empty when the kernel does not say it.
    package let release: String
    /// The compressed kernel, in the file.
    private let payload: Range<Int>
    /// The header's bytes from 0x1f1 on, as they are copied to the zero page.
    let header: ArraySlice<UInt8>

    /// Whether it begins as one, whatever it is for.
    static func isKernel(_ image: [UInt8]) -> Bool {
        image.count >= Offset.signature + 4 && image.number(at: Offset.bootFlag, 2) == 0xaa55
            && image[Offset.signature..<Offset.signature + 4].elementsEqual("HdrS".utf8)
    }

    /// - Throws: ``ImageError`` for a file that is no kernel for a 64-bit x86 cell.
    package init(_ image: [UInt8]) throws(ImageError) {
        if let other = Self.otherKind(of: image) { throw other }
        guard image.count >= Offset.end, Self.isKernel(image) else {
            throw ImageError(
                .notExecutable, "it is no bzImage: it has no setup header of a Linux kernel",
                remedy: "give the kernel's bzImage, for example /boot/vmlinuz-…")
        }
        version = UInt16(image.number(at: Offset.version, 2))
        guard version >= Self.oldestVersion else {
            throw ImageError(
                .notExecutable, "its boot protocol \(Self.text(version)) has no 64-bit entry; 2.12 and later have",
                remedy: "use Linux 3.8 or later; a guest of Jailhouse needs 4.16")
        }
        guard image.number(at: Offset.extendedLoadFlags, 2) & 1 != 0 else {
            throw ImageError(
                .machine, "it is a 32-bit kernel", remedy: "build a 64-bit one (CONFIG_X86_64)")
        }
        guard image[Offset.loadFlags] & 1 != 0 else {
            throw ImageError(
                .notExecutable, "it is a zImage, which is loaded below 1 MiB", remedy: "build the target bzImage")
        }
        let sectors = image[Offset.setupSectors]
        kernelOffset = (Int(sectors == 0 ? 4 : sectors) + 1) * 512
        guard image.count > kernelOffset + Int(Self.entryOffset) else {
            throw ImageError(
                .truncated, "the file ends after \(image.count) bytes, within its setup", remedy: "copy it again")
        }
        // in paragraphs, of which the last one need not be whole
        let expected = kernelOffset + 16 * Int(image.number(at: Offset.systemSize, 4))
        guard image.count > expected - 16 else {
            throw ImageError(
                .truncated, "the file ends after \(image.count) bytes, and its header says \(expected)",
                remedy: "copy it again")
        }
        let headerEnd = Offset.jump + 1 + Int(image[Offset.jump])
        guard headerEnd >= Offset.end, headerEnd <= 0x290 else {
            throw ImageError(
                .damaged, "its setup header ends at 0x\(String(headerEnd, radix: 16))", remedy: "copy it again")
        }
        header = image[Offset.setupSectors..<headerEnd]
        initrdMaximum = image.number(at: Offset.initrdMaximum, 4)
        alignment = image.number(at: Offset.alignment, 4)
        isRelocatable = image[Offset.isRelocatable] != 0
        commandLineSize = Int(image.number(at: Offset.commandLineSize, 4))
        preferredAddress = image.number(at: Offset.preferredAddress, 8)
        initialSize = image.number(at: Offset.initialSize, 4)
        release = Self.release(in: image)
        let start = kernelOffset + Int(image.number(at: Offset.payload, 4))
        payload = start..<start + Int(image.number(at: Offset.payloadSize, 4))
        guard payload.upperBound <= image.count else {
            throw ImageError(
                .truncated,
                "the file ends after \(image.count) bytes, and its packed kernel after \(payload.upperBound)",
                remedy: "copy it again")
        }
        guard alignment.nonzeroBitCount == 1, initialSize >= UInt64(image.count - kernelOffset) else {
            throw ImageError(
                .damaged, "its setup header says an alignment of \(alignment) and \(initialSize) bytes of memory",
                remedy: "build or copy it again")
        }
    }

    /// What a file is that somebody may take for a bzImage.
    private static func otherKind(of image: [UInt8]) -> ImageError? {
        guard !image.isEmpty else { return ImageError(.empty, "the file is empty", remedy: "build or copy it again") }
        if ELFFile.isELF(image) {
            return ImageError(
                .notExecutable, "it is an ELF file, such as vmlinux",
                remedy: "give the bzImage that the same build makes (arch/x86/boot/bzImage)")
        }
        if Arm64Kernel.isKernel(image) {
            return ImageError(.machine, "it is a kernel for Arm64", remedy: "give one for x86")
        }
        if image.starts(with: [0x1f, 0x8b]) {
            return ImageError(
                .notExecutable, "it is compressed with gzip; a bzImage is not, as a whole",
                remedy: "give the bzImage: a packed kernel is unpacked with gunzip, and an initrd is no kernel")
        }
        return nil
    }

    /// The first word of what the setup has at an offset from 0x200.
    private static func release(in image: [UInt8]) -> String {
        let offset = Int(image.number(at: Offset.release, 2))
        guard offset > 0, offset + 0x200 < image.count else { return "" }
        let text = image[(offset + 0x200)...].prefix(128).prefix { $0 != 0 }
        return String(decoding: text.prefix { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
    }

    /// Whether the header names a compressed kernel.
    package var hasPayload: Bool { !payload.isEmpty }

    /// The compressed kernel; nil where the header names none.
    func payload(in image: [UInt8]) -> ArraySlice<UInt8>? {
        payload.isEmpty || payload.upperBound > image.count ? nil : image[payload]
    }

    private static func text(_ version: UInt16) -> String { "\(version >> 8).\(version & 0xff)" }
}
