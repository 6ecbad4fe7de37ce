// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

extension SystemCall {
    /// The names in a directory, without those that begin with a dot, in no order.
    ///
    /// - Throws: ``SystemCallError`` for `opendir` or `readdir`: a part of the names is no answer.
    package static func names(inDirectory path: String) throws(SystemCallError) -> [String] {
        var names: [String] = []
        try forEachName(inDirectory: path) { name in
            if name[0] != CChar(truncatingIfNeeded: UInt8(ascii: ".")) { names.append(String(cString: name)) }
        }
        return names
    }

    /// The names in a directory that are numbers, ascending; it makes no strings.
    ///
    /// - Throws: ``SystemCallError`` for `opendir` or `readdir`: a part of the numbers is no answer.
    package static func numbers(inDirectory path: String) throws(SystemCallError) -> [Int] {
        var numbers: [Int] = []
        try forEachName(inDirectory: path) { name in
            var end: UnsafeMutablePointer<CChar>?
            let number = strtol(name, &end, 10)
            if let end, end > name, end.pointee == 0, number >= 0 { numbers.append(number) }
        }
        numbers.sort()
        return numbers
    }

    /// The number of a directory, by which it is told from another that stands in its place later; nil when it cannot be
    /// read. Opened, not named: a program beneath umockdev sees the directory that it means.
    package static func inode(ofDirectory path: String) -> UInt64? {
        guard let directory = try? open(path, O_RDONLY | O_DIRECTORY),
            let status = try? status(of: directory.rawValue, named: path)
        else { return nil }
        return status.inode
    }

    private static func forEachName(
        inDirectory path: String, _ body: (UnsafePointer<CChar>) -> Void
    ) throws(SystemCallError) {
        guard let directory = opendir(path) else {
            throw SystemCallError(call: "opendir", subject: path, errno: Errno(rawValue: errno))
        }
        defer { closedir(directory) }
        try forEachName(in: directory, path, body)
    }

    static func forEachName(
        in directory: OpaquePointer, _ path: String, _ body: (UnsafePointer<CChar>) -> Void
    ) throws(SystemCallError) {
        while true {
            // the end and an error differ in this alone
            errno = 0
            guard let entry = readdir(directory) else { break }
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { body($0) }
            }
        }
        guard errno == 0 else {
            throw SystemCallError(call: "readdir", subject: path, errno: Errno(rawValue: errno))
        }
    }
}
