// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage

/// Files in one: a compressed tar archive, made by `tar`.
struct Archive {
    /// The directory in the archive.
    let name: String
    private(set) var files: [(path: String, contents: [UInt8])] = []

    init(name: String) {
        self.name = name
    }

    /// - Parameter path: below the archive's directory; one that is there already gets a number.
    mutating func add(_ path: String, _ text: String) {
        let count = files.count { $0.path == path || $0.path.hasPrefix(path + "~") }
        files.append((count == 0 ? path : "\(path)~\(count + 1)", Array(text.utf8)))
    }

    /// The archive's bytes.
    ///
    /// - Throws: ``CommandFailure`` when there is no `tar`, or no room.
    func bytes() throws -> [UInt8] {
        do throws(SystemCallError) {
            let place = try Self.temporaryDirectory()
            defer { Self.remove(place) }
            let root = "\(place)/\(name)"
            try Self.makeDirectory(root)
            for file in files {
                for directory in Self.directories(of: file.path) { try Self.makeDirectory("\(root)/\(directory)") }
                try SystemCall.replaceFile("\(root)/\(file.path)", with: file.contents, mode: 0o644)
            }
            let archive = "\(place)/archive"
            // nobody is named in it
            try Self.run([
                "tar", "--create", "--gzip", "--file", archive, "--directory", place, "--owner=0", "--group=0",
                "--numeric-owner", "--sort=name", name,
            ])
            return try SystemCall.contents(ofFile: archive)
        } catch {
            throw CommandFailure(
                .failed, "cannot make the archive: \(error); with -o FILE.html only the page is written")
        }
    }

    private static func temporaryDirectory() throws(SystemCallError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return try SystemCall.makeTemporaryDirectory("\(base)/jailhouse-report-")
    }

    private static func makeDirectory(_ path: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            try SystemCall.result(of: "mkdir", on: path) { mkdir(path, 0o755) }
        } catch {
            guard error.errno == .fileExists else { throw error }
        }
    }

    /// `a`, `a/b` of `a/b/c`.
    private static func directories(of path: String) -> [String] {
        let parts = path.split(separator: "/").dropLast()
        return parts.indices.map { parts[...$0].joined(separator: "/") }
    }

    private static func remove(_ path: String) {
        for name in (try? SystemCall.names(inDirectory: path)) ?? [] { remove("\(path)/\(name)") }
        if rmdir(path) != 0 { unlink(path) }
    }

    private static func run(_ arguments: [String]) throws(SystemCallError) {
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, arguments[0], nil, nil, words, environ)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: arguments[0], errno: Errno(rawValue: failure))
        }
        var status: CInt = 0
        try SystemCall.result(of: "waitpid") { waitpid(child, &status, 0) }
        guard status == 0 else {
            throw SystemCallError(call: arguments[0], subject: "exit status \(status >> 8 & 0xff)", errno: .ioError)
        }
    }
}
