// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import Glibc
import SystemCalls
import SystemPackage

/// The bundles of a configuration directory.
///
/// Each is in `bundles/ID`, with its manifest, and `cells` is a link to the folder `cells` of the one in force: putting a
/// new link in its place changes all definitions and images at once. `bundles/previous` is a link to the one before;
/// `bundles/pending` is there while the two links are being changed, and has what the second is to become.
struct BundleStore {
    /// For example `/etc/jailhoused`, without links: a file that is reached in two ways has one name.
    let directory: String

    init(directory: String) {
        self.directory = SystemCall.realPath(directory) ?? directory
    }

    private var bundles: String { directory + "/bundles" }
    private var link: String { directory + "/cells" }
    private var previousLink: String { bundles + "/previous" }
    private var pendingLink: String { bundles + "/pending" }

    /// The one in force; nil: the definitions are of no bundle.
    var current: String? { Self.id(ofLink: link, "bundles/", "/cells") }

    var previous: String? { Self.id(ofLink: previousLink, "", "") }

    private static func id(ofLink path: String, _ beginning: String, _ end: String) -> String? {
        guard let target = try? SystemCall.target(ofLink: path), target.hasPrefix(beginning), target.hasSuffix(end)
        else { return nil }
        return String(target.dropFirst(beginning.count).dropLast(end.count))
    }

    func place(of id: String) -> String { "\(bundles)/\(id)" }

    /// The name's end of a folder that makes way for one that is as it was signed.
    private static let changed = ".changed"

    // MARK: - One at a time

    /// Waits until no other process changes bundles here, and ends what one has left half done.
    ///
    /// - Returns: what keeps others out.
    /// - Throws: ``CommandFailure``
    func locked() throws -> OwnedDescriptor {
        try explaining { () throws(SystemCallError) in
            try SystemDirectory.make(bundles)
            let lock = try SystemCall.open(bundles, O_RDONLY | O_DIRECTORY)
            try SystemCall.result(of: "flock", on: bundles) { flock(lock.rawValue, LOCK_EX) }
            for name in (try? SystemCall.names(inDirectory: bundles)) ?? [] where name.hasSuffix(Self.changed) {
                let place = String("\(bundles)/\(name)".dropLast(Self.changed.count))
                if access(place, F_OK) != 0 { rename(place + Self.changed, place) }
            }
            if let old = Self.id(ofLink: pendingLink, "", "") {
                if current != old { try replace(previousLink, by: old) }
                unlink(pendingLink)
            }
            return lock
        }
    }

    // MARK: - Files

    /// Puts the files of a bundle beside the others, without using them. What is there of it and was changed since is
    /// replaced.
    ///
    /// - Throws: ``CommandFailure``; nothing is left then.
    func unpack(_ bundle: SignedBundle) throws {
        guard !isIntact(bundle.id) else { return }
        try explaining { () throws(SystemCallError) in
            let place = place(of: bundle.id)
            let new = place + ".new"
            SystemDirectory.remove(new)
            do throws(SystemCallError) {
                try SystemDirectory.make(new)
                let manifest = TarFile.Entry(path: SignedBundle.manifestPath, contents: bundle.manifest)
                for file in [manifest] + bundle.files {
                    var folder = new
                    for part in file.path.split(separator: "/").dropLast() {
                        folder += "/\(part)"
                        try SystemDirectory.make(folder)
                    }
                    let path = "\(new)/\(file.path)"
                    try SystemCall.replaceFile(path, with: file.contents)
                    // whatever the umask is
                    try SystemCall.result(of: "chmod", on: path) { chmod(path, SystemDirectory.fileMode) }
                }
                let changed = place + Self.changed
                SystemDirectory.remove(changed)
                if access(place, F_OK) == 0 {
                    try SystemCall.result(of: "rename", on: place) { rename(place, changed) }
                }
                try SystemCall.result(of: "rename", on: place) { rename(new, place) }
                SystemDirectory.remove(changed)
            } catch {
                SystemDirectory.remove(new)
                throw error
            }
        }
    }

    /// Whether a bundle that was unpacked is as it was signed: these files, no others, and everybody may read them.
    func isIntact(_ id: String) -> Bool {
        let place = place(of: id)
        guard let manifest = try? SystemCall.contents(ofFile: "\(place)/\(SignedBundle.manifestPath)"),
            SignedBundle.id(ofManifest: manifest) == id
        else { return false }
        var expected: [String: String] = [:]
        for line in String(decoding: manifest, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { return false }
            expected[String(parts[1].drop { $0 == " " })] = String(parts[0])
        }
        var found: Set<String> = []
        func isIntact(folder: String, _ path: String) -> Bool {
            guard let names = try? SystemCall.names(inDirectory: folder) else { return false }
            return names.allSatisfy { name in
                let (inner, file) = (path.isEmpty ? name : "\(path)/\(name)", "\(folder)/\(name)")
                var information = stat()
                guard lstat(file, &information) == 0 else { return false }
                let mode = information.st_mode & 0o777
                switch information.st_mode & S_IFMT {
                case S_IFDIR: return mode == SystemDirectory.mode && isIntact(folder: file, inner)
                case S_IFREG where inner == SignedBundle.manifestPath: return mode == SystemDirectory.fileMode
                case S_IFREG:
                    found.insert(inner)
                    guard let hash = expected[inner], mode == SystemDirectory.fileMode,
                        let contents = try? SystemCall.contents(ofFile: file, limit: SignedBundle.limit)
                    else { return false }
                    return SHA256.hex(contents) == hash
                default: return false
                }
            }
        }
        return isIntact(folder: place, "") && found.count == expected.count
    }

    /// What `check` says of the files of a bundle that is unpacked: of its definitions with the system of this directory's
    /// settings, and of each system by itself.
    ///
    /// - Throws: ``CommandFailure`` when the settings cannot be read: it is not known with which system.
    func findings(of id: String) throws -> [CheckedFile] {
        let system = try systemInForce(with: id)
        let hasDriver = access("/dev/jailhouse", F_OK) == 0
        let machine = try RunningMachine(root: hasDriver ? "/" : nil)
        let own = sources(of: id, in: "systems").filter { $0 != system }
        return Checkup([system].compactMap(\.self) + definitions(of: id), on: machine).files()
            + own.flatMap { Checkup([$0], on: nil).files() }
    }

    private func definitions(of id: String) -> [String] { sources(of: id, in: "cells") }

    private func sources(of id: String, in folder: String) -> [String] {
        let folder = "\(place(of: id))/\(folder)"
        let names = (try? SystemCall.names(inDirectory: folder)) ?? []
        return names.filter { $0.hasSuffix(".toml") }.sorted().map { "\(folder)/\($0)" }
    }

    /// The system that the settings name, as they will name it when this bundle is in force: a path through `cells`, which
    /// is a link, leads into the bundle.
    private func systemInForce(with id: String) throws -> String? {
        let settings = directory + "/jailhoused.toml"
        // a link that leads nowhere is there, too
        let isLink = (try? SystemCall.target(ofLink: settings)) != nil
        guard isLink || access(settings, F_OK) == 0 else { return nil }
        let system: String?
        do {
            system = try Self.system(InputFile(settings))
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            throw CommandFailure(
                .failed, "nothing is changed: \(settings), which names the system, cannot be read: \(reason)")
        }
        guard let system else { return nil }
        let inside = behindLink(of: system).map { "\(place(of: id))/cells/\($0)" } ?? system
        // without links in it: 'cells/..' is the bundle
        return SystemCall.realPath(inside) ?? inside
    }

    /// What a path has behind `cells`, however it leads there; nil: it does not.
    private func behindLink(of path: String) -> Substring? {
        path.indices.filter { path[$0] == "/" }.lazy.compactMap { slash -> Substring? in
            let parts = path[..<slash].split(separator: "/")
            guard parts.last == "cells" else { return nil }
            let parent = (path.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
            return SystemCall.realPath(parent) == directory ? path[slash...].drop { $0 == "/" } : nil
        }.first
    }

    /// Files that its definitions name and that are not in it: the signature says nothing of them.
    func foreignFiles(of id: String) -> [String] {
        let own = SystemCall.realPath(place(of: id)) ?? place(of: id)
        let files = definitions(of: id).flatMap { path -> [String] in
            guard let input = try? InputFile(path), case .definition(let definition)? = try? DaemonFile(input) else {
                return []
            }
            return definition.images.flatMap(\.files)
        }
        return Set(files).filter { !(SystemCall.realPath($0) ?? $0).hasPrefix(own + "/") }.sorted()
    }

    private static func system(_ settings: InputFile) throws -> String? {
        try DaemonSettings(toml: String(decoding: settings.contents, as: UTF8.self), path: settings.path).system
    }

    // MARK: - Links

    /// Which bundles are in force and before; nil: the definitions are of no bundle.
    struct Links: Hashable {
        var current: String?
        var previous: String?
    }

    var links: Links { Links(current: current, previous: previous) }

    /// Makes the definitions of a bundle those that are in force. A reader sees the old ones or the new ones.
    ///
    /// - Throws: ``CommandFailure``, also when there are definitions of no bundle, which would vanish.
    func use(_ id: String) throws {
        let old = current
        guard old != id else { return }
        try explaining { () throws(SystemCallError) in
            guard let old else { return try takeEmptyDirectory(for: id) }
            try replace(pendingLink, by: old)
            try replace(link, by: "bundles/\(id)/cells")
            try replace(previousLink, by: old)
            unlink(pendingLink)
        }
    }

    /// As it was before ``use(_:)``.
    ///
    /// - Throws: ``CommandFailure``
    func restore(_ links: Links) throws {
        try explaining { () throws(SystemCallError) in
            if let current = links.current {
                try replace(link, by: "bundles/\(current)/cells")
            } else if current != nil {
                // the empty directory that the package installs
                unlink(link)
                try SystemDirectory.make(link)
            }
            if let previous = links.previous { try replace(previousLink, by: previous) } else { unlink(previousLink) }
        }
    }

    private func takeEmptyDirectory(for id: String) throws(SystemCallError) {
        if access(link, F_OK) == 0 { try SystemCall.result(of: "rmdir", on: link) { rmdir(link) } }
        try replace(link, by: "bundles/\(id)/cells")
    }

    /// Removes all bundles but the one in force and the one before.
    func prune() {
        let kept = [current, previous].compactMap(\.self) + ["previous", "pending"]
        for name in (try? SystemCall.names(inDirectory: bundles)) ?? [] where !kept.contains(name) {
            SystemDirectory.remove("\(bundles)/\(name)")
        }
    }

    private func replace(_ path: String, by target: String) throws(SystemCallError) {
        let new = path + ".new"
        unlink(new)
        try SystemCall.result(of: "symlink", on: new) { symlink(target, new) }
        try SystemCall.result(of: "rename", on: path) { rename(new, path) }
    }

    private func explaining<Value: ~Copyable>(_ body: () throws(SystemCallError) -> Value) throws -> Value {
        do throws(SystemCallError) {
            return try body()
        } catch {
            if error.call == "rmdir", error.errno == .directoryNotEmpty {
                throw CommandFailure(
                    .failed,
                    "\(link) has definitions that are of no bundle: put them into the bundle, and move them away from here"
                )
            }
            if error.call == "rmdir", error.errno == .notDirectory {
                throw CommandFailure(
                    .failed,
                    "\(link) is a link, or a file, of no bundle: move it away; its definitions belong into the bundle")
            }
            // mkdir finds something there, and then there is nothing
            if error.call == "chmod", error.errno == .noSuchFileOrDirectory {
                throw CommandFailure(
                    .failed, "\(error.subject) is a link that leads nowhere: remove it; nothing is changed")
            }
            throw CommandFailure(.failed, "cannot install the bundle: \(error)")
        }
    }
}

/// Directories and files that everybody may read, whatever the umask is.
private enum SystemDirectory {
    static let mode: mode_t = 0o755
    static let fileMode: mode_t = 0o644

    /// Makes it, unless it is there.
    static func make(_ path: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            try SystemCall.result(of: "mkdir", on: path) { mkdir(path, mode) }
        } catch {
            guard error.errno == .fileExists else { throw error }
        }
        try SystemCall.result(of: "chmod", on: path) { chmod(path, mode) }
    }

    /// With all that is in it.
    static func remove(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? SystemCall.names(inDirectory: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
