// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// What `fstat(2)` says of a file.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink
        /// A device, a pipe, a socket.
        case other
    }

    /// One state of a file's contents: another file, or other contents, make another version. Two changes within one
    /// tick of the kernel's clock (at most 10 ms) that leave the size as it was are not told apart.
    package struct Version: Hashable, Sendable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        /// Nanoseconds since 1970.
        let modified: Int
        let changed: Int

        package func isOfSameFile(as other: Version) -> Bool { device == other.device && inode == other.inode }
    }

    package let kind: Kind
    /// User and group id.
    package let owner: UInt32
    package let group: UInt32
    /// Permissions with set-id bits and the sticky bit: the low 12 bits of `st_mode`.
    package let mode: UInt32
    package let version: Version
    package var inode: UInt64 { UInt64(version.inode) }
    /// When the file's contents, owner, mode or name changed last (`st_mtime`, `st_ctime`, the later one), in µs since 1970.
    package var lastChange: Int { max(version.modified, version.changed) / 1000 }
    /// In bytes.
    package var size: Int { Int(version.size) }

    init(_ information: stat) {
        kind =
            switch information.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        owner = information.st_uid
        group = information.st_gid
        mode = information.st_mode & 0o7777
        version = Version(
            device: information.st_dev, inode: information.st_ino, size: information.st_size,
            modified: Self.nanoseconds(information.st_mtim), changed: Self.nanoseconds(information.st_ctim))
    }

    private static func nanoseconds(_ time: timespec) -> Int {
        time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
    }
}

extension SystemCall {
    /// `fstat(2)`.
    package static func status(of descriptor: CInt, named name: String) throws(SystemCallError) -> FileStatus {
        var information = stat()
        try result(of: "fstat", on: name) { fstat(descriptor, &information) }
        return FileStatus(information)
    }

    /// The number of links (`st_nlink`) of an open file; nil when it cannot be read.
    package static func linkCount(of descriptor: CInt) -> Int? {
        var information = stat()
        return fstat(descriptor, &information) == 0 ? Int(information.st_nlink) : nil
    }

    /// `stat(2)`.
    package static func status(ofFile path: String) throws(SystemCallError) -> FileStatus {
        var information = stat()
        try result(of: "stat", on: path) { stat(path, &information) }
        return FileStatus(information)
    }

    /// The target of a symbolic link.
    ///
    /// - Parameter descriptor: of the link itself, opened with `O_PATH` and `O_NOFOLLOW`.
    package static func target(ofLink descriptor: CInt, named name: String) throws(SystemCallError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try result(of: "readlinkat", on: name) { readlinkat(descriptor, "", &buffer, buffer.count) }
        return String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    /// The directory of an open file, all links followed; nil if `/proc` does not show it.
    package static func directory(of descriptor: CInt) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `readlink(2)`.
    package static func target(ofLink path: String) throws(SystemCallError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try result(of: "readlink", on: path) { readlink(path, &buffer, buffer.count) }
        return String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
}
