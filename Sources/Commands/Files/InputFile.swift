// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// A file that was named on the command line; `-` is standard input.
struct InputFile {
    /// The largest that is read, 64 MiB.
    static let limit = 64 << 20
    /// What `-` is called in messages.
    static let standardInput = "standard input"

    /// As the user named it; for messages.
    let path: String
    let contents: [UInt8]

    init(_ path: String) throws {
        do throws(SystemCallError) {
            if path == "-" {
                self.path = Self.standardInput
                contents = try SystemCall.contents(of: STDIN_FILENO, named: self.path, limit: Self.limit)
            } else {
                self.path = path
                contents = try Self.read(path)
            }
        } catch {
            throw CommandFailure(.failed, "cannot read \(path == "-" ? Self.standardInput : path): \(error.errno)")
        }
    }

    /// For files that a file names.
    static func read(_ path: String) throws(SystemCallError) -> [UInt8] {
        try SystemCall.contents(ofFile: path, limit: limit)
    }
}

/// Where a result goes: a file, or standard output without one.
struct OutputFile {
    let path: String?

    init(_ path: String?) {
        self.path = path == "-" ? nil : path
    }

    /// - Throws: ``CommandFailure`` before anything is done if bytes that are no text would go to a terminal.
    func refuseTerminal() throws {
        if path == nil && isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(
                .wrongUsage, "the result is no text and standard output is a terminal; give a file with -o")
        }
    }

    /// A file that stands there is replaced in one step, or stays as it was; a device, a pipe or a link is written
    /// to.
    func write(_ bytes: [UInt8], to screen: Screen) throws {
        guard let path else { return try screen.write(bytes) }
        do throws(SystemCallError) {
            if Self.isReplaceable(path) {
                try SystemCall.replaceFile(path, with: bytes)
            } else {
                let descriptor = try SystemCall.open(path, O_WRONLY | O_TRUNC)
                try SystemCall.write(bytes, to: descriptor.rawValue)
            }
        } catch {
            throw CommandFailure(.failed, "cannot write \(path): \(error.errno)")
        }
    }

    private static func isReplaceable(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) != 0 || information.st_mode & S_IFMT == S_IFREG
    }
}
