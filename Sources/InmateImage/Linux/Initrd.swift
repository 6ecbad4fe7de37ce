// SPDX-License-Identifier: Apache-2.0

/// What Linux unpacks into its root file system at its beginning (Documentation/driver-api/early-userspace/buffer-format.rst).
package enum Initrd {
    /// Of cpio as Linux reads it, and of what it may be packed with (lib/decompress.c).
    private static let known: [[UInt8]] = [
        Array("070701".utf8), Array("070702".utf8), [0x1f, 0x8b], [0x1f, 0x9e], [0x42, 0x5a, 0x68], [0x5d, 0, 0],
        [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], [0x89, 0x4c, 0x5a], [0x02, 0x21, 0x4c, 0x18], [0x28, 0xb5, 0x2f, 0xfd],
    ]
    private static let others: [(magic: [UInt8], what: String, remedy: String?)] = [
        (Array("070707".utf8), "it is a cpio archive of an older form, which Linux does not unpack", nil),
        ([0xc7, 0x71], "it is a cpio archive of an older form, which Linux does not unpack", nil),
        (
            [0x27, 0x05, 0x19, 0x56], "it is an image for U-Boot (uInitrd)",
            "leave out its header of 64 bytes: tail -c +65 uInitrd > initrd.img"
        ),
        (
            [0x04, 0x22, 0x4d, 0x18], "it is packed with lz4 in a form that Linux does not unpack",
            "pack it with lz4 -l, or with gzip or zstd"
        ),
        (Array("\u{7f}ELF".utf8), "it is an ELF file, no archive", nil),
        (Array("hsqs".utf8), "it is a squashfs, which is a root file system on a disk", nil),
    ]

    /// What keeps Linux from unpacking it; nil: nothing that its beginning shows.
    package static func problem(of contents: [UInt8]) -> (message: String, remedy: String?)? {
        guard !contents.isEmpty else { return ("the file is empty", "build or copy it again") }
        // zeros between archives are passed over, and before the first one
        guard let start = contents.firstIndex(where: { $0 != 0 }) else {
            return ("it has nothing but zeros", "build or copy it again")
        }
        let rest = contents[start...]
        if start % 4 == 0, known.contains(where: { rest.starts(with: $0) }) { return nil }
        if let other = others.first(where: { rest.starts(with: $0.magic) }) { return (other.what, other.remedy) }
        return ("it is no cpio archive, nor packed in a way that Linux knows", nil)
    }
}
