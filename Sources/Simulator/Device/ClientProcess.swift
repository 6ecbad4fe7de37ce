// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// The process behind an open device: what the kernel knows of it, by `/proc`.
struct ClientProcess: Hashable, Sendable {
    let pid: pid_t

    /// Whether all of a range of its memory can be read. True when that cannot be found out.
    func canRead(_ address: UInt64, count: Int) -> Bool {
        guard let maps = text("maps") else { return true }
        var reached = address
        // lines are in the order of their addresses: `55d0c0000000-55d0c0021000 rw-p …`
        for line in maps.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count > 1, words[1].hasPrefix("r") else { continue }
            let bounds = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard bounds.count == 2, bounds[0] <= reached, bounds[1] > reached else { continue }
            reached = bounds[1]
            if reached - address >= UInt64(count) { return true }
        }
        return false
    }

    /// Whether a signal waits for it: umockdev blocks all of them during a call, the driver would be interrupted.
    /// Also true when the process is gone.
    var isInterrupted: Bool {
        guard let status = text("status") else { return kill(pid, 0) != 0 && errno == ESRCH }
        return status.split(separator: "\n").contains { line in
            let words = line.split(separator: "\t")
            return words.count == 2 && (words[0] == "SigPnd:" || words[0] == "ShdPnd:")
                && words[1].contains { $0 != "0" }
        }
    }

    /// An open file of the process.
    struct OpenFile: Hashable {
        var number: Int
        var flags: CInt
        var position: UInt64

        var isNonBlocking: Bool { flags & O_NONBLOCK != 0 }
    }

    /// How it has a file open, by the file's device and inode; none when that cannot be found out.
    func openFiles(of file: stat) -> [OpenFile] {
        SystemCall.names(in: "/proc/\(pid)/fd").compactMap { name in
            var information = stat()
            guard let number = Int(name), stat("/proc/\(pid)/fd/\(name)", &information) == 0,
                information.st_ino == file.st_ino, information.st_dev == file.st_dev,
                let fields = text("fdinfo/\(name)")
            else { return nil }
            var opened = OpenFile(number: number, flags: 0, position: 0)
            for line in fields.split(separator: "\n") {
                let words = line.split(separator: ":").map { $0.filter { $0 != "\t" && $0 != " " } }
                guard words.count == 2 else { continue }
                if words[0] == "flags" { opened.flags = CInt(words[1], radix: 8) ?? 0 }
                if words[0] == "pos" { opened.position = UInt64(words[1]) ?? 0 }
            }
            return opened
        }
    }

    private func text(_ file: String) -> String? {
        (try? SystemCall.contents(ofFile: "/proc/\(pid)/\(file)", limit: 4 << 20)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// Whom this process has accepted on a listening Unix socket that another library serves.
struct AcceptedSockets {
    /// Inodes of the sockets that are known.
    private var known: Set<ino_t> = []

    /// The process behind the connection that was accepted last; nil when there is no new one.
    ///
    /// - Parameter path: of the listening socket.
    mutating func newPeer(of path: String) -> ClientProcess? {
        var seen: Set<ino_t> = []
        var peer: ClientProcess?
        for number in SystemCall.names(in: "/proc/self/fd").compactMap({ CInt($0) }) {
            var information = stat()
            guard fstat(number, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else { continue }
            seen.insert(information.st_ino)
            guard !known.contains(information.st_ino), AcceptedSockets.name(of: number) == path,
                let pid = AcceptedSockets.peer(of: number)
            else { continue }
            peer = ClientProcess(pid: pid)
        }
        known = seen
        return peer
    }

    private static func name(of socket: CInt) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        return withUnsafeBytes(of: address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The process at the other end; nil for a socket that only listens.
    private static func peer(of socket: CInt) -> pid_t? {
        var listens: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0, listens == 0 else { return nil }
        // struct ucred, which Glibc hides: process, user, group
        var credentials: [pid_t] = [0, 0, 0]
        length = socklen_t(3 * MemoryLayout<pid_t>.size)
        guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        return credentials[0] > 0 ? credentials[0] : nil
    }
}
