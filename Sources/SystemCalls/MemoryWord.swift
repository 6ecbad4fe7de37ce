// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

extension SystemCall {
    /// A 32-bit word of a file that can be mapped, as a device of memory is: `/dev/mem`, `/dev/uio0`.
    ///
    /// - Parameter offset: a multiple of 4, in bytes.
    /// - Throws: ``SystemCallError`` for `open` or `mmap`; for a file that ends before it, EFAULT.
    package static func word(ofMappedFile path: String, at offset: UInt64) throws(SystemCallError) -> UInt32 {
        var word: UInt32 = 0
        try withWord(ofMappedFile: path, at: offset, O_RDONLY, PROT_READ) { word = UInt32(littleEndian: $0.pointee) }
        return word
    }

    /// Writes such a word.
    ///
    /// - Throws: as ``word(ofMappedFile:at:)``.
    package static func set(
        _ word: UInt32, ofMappedFile path: String, at offset: UInt64
    ) throws(SystemCallError) {
        try withWord(ofMappedFile: path, at: offset, O_RDWR, PROT_READ | PROT_WRITE) { $0.pointee = word.littleEndian }
    }

    private static func withWord(
        ofMappedFile path: String, at offset: UInt64, _ flags: CInt, _ protection: CInt,
        _ body: (UnsafeMutablePointer<UInt32>) -> Void
    ) throws(SystemCallError) {
        let descriptor = try open(path, flags | O_SYNC)
        var status = stat()
        try result(of: "fstat", on: path) { fstat(descriptor.rawValue, &status) }
        // beyond its end, a page of a regular file is a bus error
        let isRegular = status.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG)
        let end = UInt64(clamping: status.st_size)
        guard !isRegular || end >= 4 && offset <= end - 4, let place = off_t(exactly: offset) else {
            throw SystemCallError(call: "mmap", subject: path, errno: .badAddress)
        }
        let page = off_t(sysconf(CInt(_SC_PAGESIZE)))
        let start = mmap(nil, Int(page), protection, MAP_SHARED, descriptor.rawValue, place / page * page)
        guard let start, start != MAP_FAILED else {
            throw SystemCallError(call: "mmap", subject: path, errno: Errno(rawValue: errno))
        }
        defer { munmap(start, Int(page)) }
        body((start + Int(place % page)).assumingMemoryBound(to: UInt32.self))
    }
}
