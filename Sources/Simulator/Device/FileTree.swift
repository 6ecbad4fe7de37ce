// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage

/// Directories and files as a whole.
extension SystemCall {
    /// `mkdir(2)`; one that is there already is fine. Its mode does not depend on the umask.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemCallError) {
        do {
            try result(of: "mkdir", on: path) { mkdir(path, mode) }
        } catch  where error.errno == .fileExists {
            return
        }
        try result(of: "chmod", on: path) { chmod(path, mode) }
    }

    /// A new file; its mode does not depend on the umask.
    static func createFile(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemCallError) {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try result(of: "fchmod", on: path) { fchmod(descriptor.rawValue, mode) }
        try write(bytes, to: descriptor.rawValue)
    }

    /// The names in a directory, without `.` and `..`; none when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, or a directory with all that is in it; follows no links, and does what it can.
    static func removeTree(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            _ = unlink(path)
            return
        }
        for name in names(in: path) { removeTree("\(path)/\(name)") }
        _ = rmdir(path)
    }
}
