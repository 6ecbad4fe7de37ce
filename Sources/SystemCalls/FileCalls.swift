// SPDX-License-Identifier: Apache-2.0

package import Glibc
import SystemPackage

extension SystemCall {
    /// `open(2)` with `O_CLOEXEC`.
    package static func open(
        _ path: String, _ flags: CInt, mode: mode_t = 0
    ) throws(SystemCallError) -> OwnedDescriptor {
        let number = try result(of: "open", on: path) { Glibc.open(path, flags | O_CLOEXEC, mode) }
        return OwnedDescriptor(adopting: number)
    }

    /// The absolute path without links (`realpath(3)`); nil when there is no such file, or it may not be reached.
    package static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// `O_PATH`, which Swift's Glibc does not have; the same on x86 and Arm (include/uapi/asm-generic/fcntl.h).
    package static let pathOnly: CInt = 0o1000_0000

    /// `openat(2)` with `O_CLOEXEC`: an entry of an open directory.
    package static func open(
        _ name: String, in directory: CInt, _ flags: CInt
    ) throws(SystemCallError) -> OwnedDescriptor {
        let number = try result(of: "openat", on: name) { openat(directory, name, flags | O_CLOEXEC) }
        return OwnedDescriptor(adopting: number)
    }

    /// `read(2)`; 0 is the end.
    package static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemCallError) -> Int {
        try result(of: "read") { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// A new directory, open to its owner only. Whoever makes it removes it.
    ///
    /// - Parameter prefix: its path, without the characters that make it unique.
    package static func makeTemporaryDirectory(_ prefix: String) throws(SystemCallError) -> String {
        var path = Array("\(prefix)XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else {
            throw SystemCallError(call: "mkdtemp", subject: prefix, errno: Errno(rawValue: errno))
        }
        return String(decoding: path.dropLast().map(UInt8.init(truncatingIfNeeded:)), as: UTF8.self)
    }

    /// `pread(2)`; 0 is the end.
    package static func read(
        _ descriptor: CInt, at offset: off_t, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemCallError) -> Int {
        try result(of: "pread") { Glibc.pread(descriptor, buffer.baseAddress, buffer.count, offset) }
    }

    /// `write(2)` again and again until all of `bytes` is written.
    package static func write(_ bytes: [UInt8], to descriptor: CInt) throws(SystemCallError) {
        var written = 0
        while written < bytes.count {
            written += try result(of: "write") {
                bytes.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
                }
            }
        }
    }

    /// The whole of an open file from its beginning.
    ///
    /// - Parameter limit: the most bytes that are read; a longer file is EFBIG.
    package static func contents(
        of descriptor: CInt, named name: String, limit: Int
    ) throws(SystemCallError) -> [UInt8] {
        var information = stat()
        try result(of: "fstat", on: name) { fstat(descriptor, &information) }
        let expected = max(0, Int(information.st_size))
        guard expected <= limit else { throw SystemCallError(call: "read", subject: name, errno: .fileTooLarge) }
        var bytes = [UInt8](repeating: 0, count: expected)
        var filled = 0
        while true {
            if filled == bytes.count {
                // sysfs and pipes do not tell their size; others may have grown
                guard filled < limit else {
                    throw SystemCallError(call: "read", subject: name, errno: .fileTooLarge)
                }
                bytes.append(contentsOf: repeatElement(0, count: min(max(256, filled / 8), limit - filled)))
            }
            let got = try result(of: "read", on: name) {
                bytes.withUnsafeMutableBytes {
                    Glibc.read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled)
                }
            }
            if got == 0 { break }
            filled += got
            if filled == expected && expected > 4096 { break }
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// The whole of a file.
    ///
    /// - Parameter limit: the most bytes that are read; a longer file is EFBIG. Default 1 GiB.
    package static func contents(
        ofFile path: String, limit: Int = 1 << 30
    ) throws(SystemCallError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        return try contents(of: descriptor.rawValue, named: path, limit: limit)
    }

    /// Replaces a file atomically: a reader sees the old contents or the new, never a part.
    ///
    /// The bytes go to a file beside it, reach the disk, and are renamed; on failure the old file stays as it
    /// was and the new one is removed.
    package static func replaceFile(
        _ path: String, with bytes: [UInt8], mode: mode_t = 0o644
    ) throws(SystemCallError) {
        let temporary = path + ".new"
        do {
            let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            try write(bytes, to: descriptor.rawValue)
            try result(of: "fsync", on: temporary) { fsync(descriptor.rawValue) }
            try result(of: "rename", on: path) { rename(temporary, path) }
        } catch {
            _ = unlink(temporary)
            throw SystemCallError(call: error.call, subject: path, errno: error.errno)
        }
    }
}

extension SystemCall {
    /// `pwrite(2)`, until all of it is written.
    package static func write(
        _ bytes: ArraySlice<UInt8>, to descriptor: CInt, at offset: UInt64
    ) throws(SystemCallError) {
        var done = 0
        while done < bytes.count {
            done += try result(of: "pwrite") {
                bytes.withUnsafeBytes { buffer in
                    pwrite(
                        descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done,
                        off_t(offset) + off_t(done))
                }
            }
        }
    }
}
