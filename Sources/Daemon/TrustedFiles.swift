import CellDefinition
import Glibc
import SystemCalls
import SystemPackage

/// Reads files that control cells, after checking that no untrusted user could have written them.
///
/// Each file is opened once; its permissions, its contents and whether it changed meanwhile are all determined by that
/// descriptor.
struct TrustedFiles: Sendable {
    /// Contents, and which version of the file they are.
    struct Reading: Sendable {
        let contents: [UInt8]
        let version: FileStatus.Version
    }

    let trust = FileTrust(user: geteuid())

    /// How often a file is read again that is being written.
    private static let attempts = 3

    /// - Parameter limit: the most bytes that are read.
    /// - Throws: `UntrustedFile`, ``FileProblem`` or `SystemCallError`.
    func read(_ path: String, limit: Int = 1 << 30) throws -> Reading {
        do {
            return try readSteadily(path, limit)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory && Self.isTemporary(path) {
            throw FileProblem.temporary(path)
        }
    }

    private func readSteadily(_ path: String, _ limit: Int) throws -> Reading {
        for _ in 1...Self.attempts {
            // opening a pipe would wait for a writer
            let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
            let before = try SystemCall.status(of: descriptor.rawValue, named: path)
            guard before.kind == .regular else { throw FileProblem.notAFile(path) }
            try check(before, path, descriptor.rawValue)
            let contents = try SystemCall.contents(of: descriptor.rawValue, named: path, limit: limit)
            let after = try SystemCall.status(of: descriptor.rawValue, named: path)
            if after.version == before.version { return Reading(contents: contents, version: after.version) }
        }
        throw FileProblem.changing(path)
    }

    /// Checks a directory whose entries are used.
    func check(directory path: String) throws {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_DIRECTORY)
        try check(try SystemCall.status(of: descriptor.rawValue, named: path), path, descriptor.rawValue)
    }

    private func check(_ status: FileStatus, _ path: String, _ descriptor: CInt) throws {
        let directory = try SystemCall.directory(of: descriptor).map { path in
            (path: path, permissions: FileTrust.Permissions(try SystemCall.status(ofFile: path)))
        }
        try trust.check(FileTrust.Permissions(status), at: path, in: directory)
    }

    private static func isTemporary(_ path: String) -> Bool {
        path.hasPrefix("/tmp/") || path.hasPrefix("/var/tmp/")
    }
}

/// A file that is not used, whatever its permissions.
enum FileProblem: Error, Hashable, CustomStringConvertible {
    case notAFile(String)
    /// It is being written.
    case changing(String)
    /// It does not exist, in a directory of which the daemon's unit has a private instance.
    case temporary(String)

    var description: String {
        switch self {
        case .notAFile(let path): "\(path) is not a regular file"
        case .changing(let path):
            "\(path) changed while being read: replace it atomically (write a temporary file, then mv)"
        case .temporary(let path):
            "\(path) does not exist: under systemd the daemon has a private /tmp; put the file elsewhere"
        }
    }
}

extension FileTrust.Permissions {
    init(_ status: FileStatus) {
        self.init(owner: status.owner, group: status.group, mode: status.mode)
    }
}
