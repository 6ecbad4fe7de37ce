// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// A part of a file in memory, shared with all other mappings, for the lifetime of this value.
package final class MappedFile: Sendable {
    /// Other threads and processes write to the same memory: its users must order their accesses.
    package nonisolated(unsafe) let start: UnsafeMutableRawPointer
    /// In bytes.
    package let size: Int

    /// Maps what an open file has from `offset` on; the descriptor may be closed afterwards.
    ///
    /// - Parameters:
    ///   - descriptor: opened for reading and writing.
    ///   - path: of the file, for the error.
    ///   - offset: in bytes, a multiple of the page size.
    ///   - size: in bytes, more than 0; what is beyond the file's end must not be touched.
    /// - Throws: ``SystemCallError`` for `mmap`.
    package init(_ descriptor: CInt, named path: String, offset: Int = 0, size: Int) throws(SystemCallError) {
        // a sparse file may be larger than all memory: no swap space is reserved for it
        let flags = MAP_SHARED | MAP_NORESERVE
        let start = mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, off_t(offset))
        guard let start, start != MAP_FAILED else {
            throw SystemCallError(call: "mmap", subject: path, errno: Errno(rawValue: errno))
        }
        self.start = start
        self.size = size
    }

    deinit {
        munmap(start, size)
    }
}
