// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemCalls
import SystemPackage

/// Reads files that control cells, after checking that no untrusted user could have written or replaced them.
///
/// Each file is opened once, see `TrustedPath`; its contents, and whether they changed meanwhile, are found out on that
/// descriptor.
package struct TrustedFiles: ConfigurationReader {
    /// Contents, and which version of the file they are.
    package struct Reading: Sendable {
        package let contents: [UInt8]
        package let version: FileStatus.Version
    }

    private let trust = FileTrust(user: geteuid())

    package init() {}

    package func contents(_ path: String, limit: Int) throws -> [UInt8] { try read(path, limit: limit).contents }

    /// How often reading is tried again while the file is being written.
    private static let attempts = 3

    /// - Parameter limit: the most bytes that are read.
    /// - Throws: `UntrustedFile`, ``FileProblem`` or `SystemCallError`.
    package func read(_ path: String, limit: Int = 1 << 30) throws -> Reading {
        do {
            return try readSteadily(path, limit)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory && Self.isTemporary(path) {
            throw FileProblem.temporary(path)
        }
    }

    private func readSteadily(_ path: String, _ limit: Int) throws -> Reading {
        for _ in 1...Self.attempts {
            guard let descriptor = try TrustedPath.file(path, trust: trust) else { throw FileProblem.notAFile(path) }
            let before = try SystemCall.status(of: descriptor.rawValue, named: path)
            let contents = try SystemCall.contents(of: descriptor.rawValue, named: path, limit: limit)
            let after = try SystemCall.status(of: descriptor.rawValue, named: path)
            if after.version == before.version { return Reading(contents: contents, version: after.version) }
        }
        throw FileProblem.changing(path)
    }

    /// Judges a directory whose entries are used.
    package func check(directory path: String) throws {
        try TrustedPath.check(directory: path, trust: trust)
    }

    private static func isTemporary(_ path: String) -> Bool {
        path.hasPrefix("/tmp/") || path.hasPrefix("/var/tmp/")
    }
}

/// Why a file cannot be used, apart from its permissions.
package enum FileProblem: Error, Hashable, CustomStringConvertible {
    case notAFile(String)
    /// It is being written.
    case changing(String)
    /// It does not exist, in a directory of which the daemon's unit has a private one.
    case temporary(String)

    package var description: String {
        switch self {
        case .notAFile(let path): "\(path) is not a regular file"
        case .changing(let path):
            "\(path) is being changed while it is read: replace it atomically (write a temporary file, then mv)"
        case .temporary: "No such file or directory (under systemd the daemon has a private /tmp and /var/tmp)"
        }
    }
}
