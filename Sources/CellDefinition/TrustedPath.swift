// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemCalls
import SystemPackage

/// Opens a file step by step, and judges each step as it is opened: every directory of its path, every link in it, and
/// the file itself. What has been judged is what is opened: no step can be replaced in between.
package struct TrustedPath {
    private let trust: FileTrust
    private let path: String
    private var directory: Step
    /// What is left of the path, the next one last.
    private var names: [Substring]
    private var links = 0

    /// Of Linux's own resolution of paths.
    private static let linkLimit = 40

    private final class Step {
        let descriptor: OwnedDescriptor
        let path: String
        let status: FileStatus

        init(_ descriptor: consuming OwnedDescriptor, _ path: String) throws(SystemCallError) {
            status = try SystemCall.status(of: descriptor.rawValue, named: path)
            self.path = path
            self.descriptor = descriptor
        }

        var permissions: FileTrust.Permissions { FileTrust.Permissions(status) }
    }

    /// A regular file, open for reading.
    ///
    /// - Returns: nil when it is something else, or is replaced while it is opened.
    /// - Throws: `UntrustedFile` or `SystemCallError`.
    package static func file(_ path: String, trust: FileTrust) throws -> OwnedDescriptor? {
        var walk = try TrustedPath(path, trust)
        guard let (step, name) = try walk.last(), step.status.kind == .regular else { return nil }
        try trust.check(step.permissions, at: step.path, in: walk.surroundings)
        // a pipe that took the file's place would keep us waiting for a writer
        let flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
        let descriptor = try SystemCall.open(name, in: walk.directory.descriptor.rawValue, flags)
        let status = try SystemCall.status(of: descriptor.rawValue, named: path)
        guard status.version.isOfSameFile(as: step.status.version) else { return nil }
        return descriptor
    }

    /// Judges a directory whose entries are used.
    package static func check(directory path: String, trust: FileTrust) throws {
        var walk = try TrustedPath(path, trust)
        guard let (step, _) = try walk.last() else {
            return try trust.check(walk.directory.permissions, at: "/", in: nil)
        }
        guard step.status.kind == .directory else {
            throw SystemCallError(call: "open", subject: path, errno: .notDirectory)
        }
        try trust.check(step.permissions, at: step.path, in: walk.surroundings)
    }

    private init(_ path: String, _ trust: FileTrust) throws {
        self.trust = trust
        self.path = path
        let absolute = path.hasPrefix("/") ? path : (FilePath.current ?? "") + "/" + path
        names = absolute.split(separator: "/").reversed()
        directory = try Self.root()
    }

    private var surroundings: (path: String, permissions: FileTrust.Permissions) {
        (directory.path, directory.permissions)
    }

    private static func root() throws -> Step {
        try Step(try SystemCall.open("/", SystemCall.pathOnly | O_DIRECTORY), "/")
    }

    /// Goes to the path's end, which is opened without its contents; nil when that is the root directory.
    private mutating func last() throws -> (step: Step, name: String)? {
        try trust.check(entry: directory.permissions, at: "/", in: nil)
        while let name = names.popLast() {
            if name == "." { continue }
            let place = (directory.path == "/" ? "" : directory.path) + "/" + name
            let step = try Step(try open(String(name), SystemCall.pathOnly | O_NOFOLLOW), place)
            if name != ".." { try trust.check(entry: step.permissions, at: place, in: surroundings) }
            if step.status.kind == .symbolicLink {
                try follow(step)
            } else if names.contains(where: { $0 != "." }) {
                directory = step
            } else {
                return (step, String(name))
            }
        }
        return nil
    }

    private mutating func follow(_ link: Step) throws {
        links += 1
        guard links <= Self.linkLimit else {
            throw SystemCallError(call: "open", subject: path, errno: .tooManySymbolicLinkLevels)
        }
        let target = try SystemCall.target(ofLink: link.descriptor.rawValue, named: link.path)
        if target.hasPrefix("/") { directory = try Self.root() }
        names += target.split(separator: "/").reversed()
    }

    /// Errors name the whole path.
    private func open(_ name: String, _ flags: CInt) throws -> OwnedDescriptor {
        do throws(SystemCallError) {
            return try SystemCall.open(name, in: directory.descriptor.rawValue, flags)
        } catch {
            throw SystemCallError(call: "open", subject: path, errno: error.errno)
        }
    }
}

extension FileTrust.Permissions {
    package init(_ status: FileStatus) {
        self.init(owner: status.owner, group: status.group, mode: status.mode)
    }
}

extension FilePath {
    /// The working directory.
    fileprivate static var current: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
