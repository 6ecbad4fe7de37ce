// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls
import SystemPackage

/// Held by the one program that gives commands to the driver.
///
/// It is a lock (flock(2)) on the driver's node itself: so it is one for each driver, whatever directories a daemon works
/// with; only those who may give commands can take it; and nobody can put another file in its place. It ends with the
/// process. While it is held the driver cannot be unloaded.
struct DaemonLock: Sendable {
    let device: String

    enum Attempt: Hashable {
        /// This process holds it from now on.
        case taken
        /// Another process holds it.
        case held
        /// There is no driver, and so nothing to lock.
        case noDriver
    }

    /// Takes it until this process ends.
    ///
    /// - Throws: `SystemCallError` when the node cannot be opened.
    func take() throws(SystemCallError) -> Attempt {
        do {
            return try lock() ? .taken : .held
        } catch {
            if Self.noDriver.contains(error.errno) { return .noDriver }
            throw error
        }
    }

    /// - Returns: false when another process holds it.
    private func lock() throws(SystemCallError) -> Bool {
        let descriptor = try open()
        do {
            try SystemCall.result(of: "flock", on: device) { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) }
        } catch {
            if error.errno == .wouldBlock { return false }
            throw error
        }
        // never closed: the lock would go with it
        _ = descriptor.release()
        return true
    }

    /// Sends the process that holds the lock a signal.
    ///
    /// - Returns: false when there is none, or it may not be signalled.
    func signalHolder(_ number: CInt) -> Bool {
        guard let process = holder, process > 1, process != getpid() else { return false }
        return kill(process, number) == 0
    }

    /// The process that holds it, by `/proc/locks`.
    var holder: pid_t? {
        guard let descriptor = try? open(), let own = Self.target(of: descriptor.rawValue, in: "self"),
            let inode = try? SystemCall.status(of: descriptor.rawValue, named: device).inode,
            let bytes = try? SystemCall.contents(ofFile: "/proc/locks", limit: 1 << 22)
        else { return nil }
        return Self.holders(ofInode: inode, in: String(decoding: bytes, as: UTF8.self)).first { process in
            // several file systems may have this inode
            let files = (try? SystemCall.names(inDirectory: "/proc/\(process)/fd")) ?? []
            return files.contains { CInt($0).flatMap { Self.target(of: $0, in: "\(process)") } == own }
        }
    }

    /// Lines such as `1: FLOCK  ADVISORY  WRITE 1234 00:06:456 0 EOF`.
    static func holders(ofInode inode: UInt64, in locks: String) -> [pid_t] {
        locks.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", fields[3] == "WRITE",
                fields[5].split(separator: ":").last == "\(inode)"
            else { return nil }
            return pid_t(fields[4])
        }
    }

    private static let noDriver: [Errno] = [
        .noSuchFileOrDirectory, .noSuchAddressOrDevice, .operationNotSupportedByDevice,
    ]

    private func open() throws(SystemCallError) -> OwnedDescriptor {
        try SystemCall.open(device, O_RDWR | O_NONBLOCK)
    }

    private static func target(of descriptor: CInt, in process: String) -> String? {
        try? SystemCall.target(ofLink: "/proc/\(process)/fd/\(descriptor)")
    }
}
