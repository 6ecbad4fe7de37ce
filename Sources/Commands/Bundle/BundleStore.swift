// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import Glibc
import SystemCalls
import SystemPackage

/// The bundles of a configuration directory.
///
/// Each is in `bundles/ID`, and `cells` is a link to the folder `cells` of the one in force: putting a new link in its
/// place changes all definitions and images at once. `bundles/previous` is a link to the one before.
struct BundleStore {
    /// For example `/etc/jailhoused`.
    let directory: String

    private var bundles: String { directory + "/bundles" }
    private var link: String { directory + "/cells" }
    private var previousLink: String { bundles + "/previous" }

    /// The one in force; nil: the definitions are of no bundle.
    var current: String? { Self.id(ofLink: link, "bundles/", "/cells") }

    var previous: String? { Self.id(ofLink: previousLink, "", "") }

    private static func id(ofLink path: String, _ beginning: String, _ end: String) -> String? {
        guard let target = try? SystemCall.target(ofLink: path), target.hasPrefix(beginning), target.hasSuffix(end)
        else { return nil }
        return String(target.dropFirst(beginning.count).dropLast(end.count))
    }

    /// Puts the files of a bundle beside the others, without using them.
    ///
    /// - Throws: ``CommandFailure``; nothing is left then.
    func unpack(_ bundle: SignedBundle) throws {
        try explaining { () throws(SystemCallError) in
            try makeDirectory(bundles)
            let place = "\(bundles)/\(bundle.id)"
            if access(place, F_OK) == 0 { return }
            // one that is there under its name is whole
            let new = place + ".new"
            remove(new)
            do throws(SystemCallError) {
                try makeDirectory(new)
                for file in bundle.files {
                    var folder = new
                    for part in file.path.split(separator: "/").dropLast() {
                        folder += "/\(part)"
                        try makeDirectory(folder)
                    }
                    try SystemCall.replaceFile("\(new)/\(file.path)", with: file.contents)
                }
                try SystemCall.result(of: "rename", on: place) { rename(new, place) }
            } catch {
                remove(new)
                throw error
            }
        }
    }

    /// What `check` says of the definitions of a bundle that is unpacked, with the system of this directory's settings.
    func findings(of id: String) throws -> [CheckedFile] {
        let cells = "\(bundles)/\(id)/cells"
        let names = (try? SystemCall.names(inDirectory: cells)) ?? []
        var paths = names.filter { $0.hasSuffix(".toml") }.sorted().map { "\(cells)/\($0)" }
        let settings = directory + "/jailhoused.toml"
        if let text = try? InputFile(settings), let system = try? Self.system(text) { paths.insert(system, at: 0) }
        let hasDriver = access("/dev/jailhouse", F_OK) == 0
        return Checkup(paths, on: try RunningMachine(root: hasDriver ? "/" : nil)).files()
    }

    private static func system(_ settings: InputFile) throws -> String? {
        try DaemonSettings(toml: String(decoding: settings.contents, as: UTF8.self), path: settings.path).system
    }

    /// Makes the definitions of a bundle those that are in force.
    ///
    /// - Throws: ``CommandFailure``, also when there are definitions of no bundle, which would vanish.
    func use(_ id: String) throws {
        let old = current
        guard old != id else { return }
        try explaining { () throws(SystemCallError) in
            if old == nil, access(link, F_OK) == 0 {
                // an empty directory is what the package installs
                try SystemCall.result(of: "rmdir", on: link) { rmdir(link) }
            }
            if let old { try replace(previousLink, by: old) }
            try replace(link, by: "bundles/\(id)/cells")
        }
    }

    func forget(_ id: String) {
        if id != current { remove("\(bundles)/\(id)") }
    }

    /// Removes all bundles but the one in force and the one before.
    func prune() {
        let kept = [current, previous].compactMap(\.self)
        for name in (try? SystemCall.names(inDirectory: bundles)) ?? [] where name != "previous" && !kept.contains(name)
        {
            remove("\(bundles)/\(name)")
        }
    }

    /// A reader sees the old link or the new one.
    private func replace(_ path: String, by target: String) throws(SystemCallError) {
        let new = path + ".new"
        unlink(new)
        try SystemCall.result(of: "symlink", on: new) { symlink(target, new) }
        try SystemCall.result(of: "rename", on: path) { rename(new, path) }
    }

    private func makeDirectory(_ path: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            try SystemCall.result(of: "mkdir", on: path) { mkdir(path, 0o755) }
        } catch {
            guard error.errno == .fileExists else { throw error }
        }
    }

    private func remove(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? SystemCall.names(inDirectory: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }

    private func explaining(_ body: () throws(SystemCallError) -> Void) throws {
        do throws(SystemCallError) {
            try body()
        } catch {
            if error.call == "rmdir", error.errno == .directoryNotEmpty {
                throw CommandFailure(
                    .failed,
                    "\(link) has definitions that are of no bundle: put them into the bundle, and move them away from here"
                )
            }
            throw CommandFailure(.failed, "cannot install the bundle: \(error)")
        }
    }
}
