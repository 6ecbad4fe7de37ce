// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// The directory of a machine that runs:
///
/// | file | what |
/// | --- | --- |
/// | `root` | link to the directory that represents `/` |
/// | `machine` | the socket for `inject` and `state` |
/// | `memory` | the RAM, sparse |
/// | `cells` | what the QEMU processes of cells that execute need |
/// | `programs` | what is to fail in the programs that run in it |
/// | `lock` | locked as long as its simulator lives; holds its process id |
package struct MachineDirectory: Sendable {
    /// Absolute, without links.
    package let path: String
    private let lock: CInt
    private let existed: Bool

    /// What umockdev's part of a socket's path leaves of what `unix(7)` allows, in bytes, without the NUL at its end.
    private static let longestPath =
        MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1 - "/umockdev.XXXXXX/ioctl//dev/jailhouse".utf8.count

    /// Takes a directory for a machine; what a dead simulator left in it is removed.
    ///
    /// - Throws: ``SimulatorError`` `directory`.
    init(serving directory: String) throws(SimulatorError) {
        do {
            var information = stat()
            existed = stat(directory, &information) == 0
            try MachineDirectory.makeParents(of: directory)
            try SystemCall.makeDirectory(directory, mode: getuid() == 0 ? 0o755 : 0o700)
            path = SystemCall.realPath(directory) ?? directory
            let file = path + "/lock"
            let descriptor = try SystemCall.open(file, O_RDWR | O_CREAT, mode: 0o644)
            guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                let owner = (try? SystemCall.contents(ofFile: file, limit: 64)) ?? []
                throw SimulatorError(
                    .directory,
                    "a machine is being served at \(path) already, by process "
                        + String(decoding: owner.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
            }
            try SystemCall.result(of: "ftruncate", on: file) { ftruncate(descriptor.rawValue, 0) }
            try SystemCall.write(Array("\(getpid())\n".utf8), to: descriptor.rawValue)
            lock = descriptor.release()
        } catch let error as SimulatorError {
            throw error
        } catch {
            throw SimulatorError(.directory, "the directory of the machine cannot be used: \(error)")
        }
        guard path.utf8.count <= MachineDirectory.longestPath else {
            remove()
            throw SimulatorError(.directory, "the path \(path) is too long for a socket; use a shorter one")
        }
        empty()
    }

    /// Links `root`.
    func link(root: String) throws(SystemCallError) {
        let path = path + "/root"
        try SystemCall.result(of: "symlink", on: path) { symlink(root, path) }
    }

    /// Removes it, at the end of its machine; what was there before stays.
    func remove() {
        empty()
        _ = unlink(path + "/lock")
        if !existed { _ = rmdir(path) }
        _ = close(lock)
    }

    private func empty() {
        // a simulator that was killed may have left its root elsewhere
        if let root = MachineDirectory.link(at: path + "/root"), root.contains("/umockdev.") {
            SystemCall.removeTree(root)
        }
        for name in SystemCall.names(in: path) {
            guard ["root", "machine", "memory", "programs", "cells"].contains(name) || name.hasPrefix("umockdev.")
            else {
                continue
            }
            SystemCall.removeTree("\(path)/\(name)")
        }
    }

    /// Where `/` of the machine is that is served in a directory.
    ///
    /// - Throws: ``SimulatorError`` `notServed`.
    package static func root(ofMachineAt directory: String) throws(SimulatorError) -> String {
        let file = directory + "/lock"
        guard let descriptor = try? SystemCall.open(file, O_RDONLY),
            flock(descriptor.rawValue, LOCK_SH | LOCK_NB) != 0,
            let root = SystemCall.realPath(directory + "/root")
        else {
            throw SimulatorError.notServed(at: directory)
        }
        return root
    }

    static func makeParents(of path: String) throws(SystemCallError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let parent = String(path[..<slash])
        var information = stat()
        guard stat(parent, &information) != 0 else { return }
        try makeParents(of: parent)
        try SystemCall.makeDirectory(parent)
    }

    private static func link(at path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(path, &buffer, Int(PATH_MAX))
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
}

extension MachineDirectory {
    /// The default directory of a machine: `$JAILHOUSE_SIM_DIRECTORY`, else `/run/jailhouse-sim` for root and
    /// `$XDG_RUNTIME_DIR/jailhouse-sim` for others.
    ///
    /// - Throws: ``SimulatorError`` `directory` when none of them is set.
    package static func standard() throws(SimulatorError) -> String {
        if let path = variable("JAILHOUSE_SIM_DIRECTORY") { return path }
        if getuid() == 0 { return "/run/jailhouse-sim" }
        if let path = variable("XDG_RUNTIME_DIR") { return path + "/jailhouse-sim" }
        throw SimulatorError(
            .directory, "there is no $XDG_RUNTIME_DIR to put the machine in: say --directory DIRECTORY")
    }

    /// What a program's environment needs for it to be in the machine that is served in a directory.
    ///
    /// - Parameter preload: what it has in `LD_PRELOAD` now.
    /// - Throws: ``SimulatorError`` `notServed`.
    package static func environment(
        ofMachineAt directory: String, preload: String? = nil
    ) throws(SimulatorError) -> [String: String] {
        let root = try root(ofMachineAt: directory)
        // ours first: umockdev calls the C library, whatever is between
        let libraries = [ownPreload].compactMap { $0 } + ["libumockdev-preload.so.0"]
        let others = (preload ?? "").split(separator: ":").map(String.init).filter { !libraries.contains($0) }
        return [
            "UMOCKDEV_DIR": root,
            "LD_PRELOAD": (libraries + others).joined(separator: ":"),
            "JAILHOUSE_SIM_DIRECTORY": SystemCall.realPath(directory) ?? directory,
        ]
    }

    /// What umockdev lacks: beside this program where it was built, in `../lib/jailhoused` where it is installed.
    private static var ownPreload: String? {
        guard let program = SystemCall.realPath("/proc/self/exe"), let slash = program.lastIndex(of: "/") else {
            return nil
        }
        let name = "libjailhouse-sim-preload.so"
        return ["\(program[..<slash])/\(name)", "\(program[..<slash])/../lib/jailhoused/\(name)"].lazy
            .compactMap(SystemCall.realPath).first
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
