// SPDX-License-Identifier: Apache-2.0

import Glibc
import InmateImage
import SystemCalls
import SystemPackage

/// A file that was named on the command line; `-` is standard input.
struct InputFile {
    /// The largest text or configuration that is read, 64 MiB.
    static let limit = 64 << 20
    /// The largest image, as the daemon loads it: 1 GiB.
    static let imageLimit = Int(LoadPlan.sizeLimit)
    /// What `-` is called in messages.
    static let standardInput = "standard input"

    /// As the user named it; for messages.
    let path: String
    let contents: [UInt8]

    /// - Parameter limit: in bytes.
    init(_ path: String, limit: Int = limit) throws {
        do throws(SystemCallError) {
            if path == "-" {
                self.path = Self.standardInput
                contents = try SystemCall.contents(of: STDIN_FILENO, named: self.path, limit: limit)
            } else {
                self.path = path
                contents = try SystemCall.contents(ofFile: path, limit: limit)
            }
        } catch  where error.errno == .fileTooLarge {
            throw CommandFailure(
                .failed, "cannot read \(path == "-" ? Self.standardInput : path): it has more than \(limit >> 20) MiB")
        } catch {
            throw CommandFailure(.failed, "cannot read \(path == "-" ? Self.standardInput : path): \(error.errno)")
        }
    }

    /// For files that a file names: images.
    static func read(_ path: String) throws(SystemCallError) -> [UInt8] {
        try SystemCall.contents(ofFile: path, limit: imageLimit)
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
