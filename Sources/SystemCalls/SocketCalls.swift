// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

private let streamSocket = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

extension SystemCall {
    /// A connected Unix stream socket.
    ///
    /// - Parameter patience: whole seconds, how long it may take to connect and, later, each time to send; nil: as long
    ///   as it takes.
    /// - Throws: ``SystemCallError`` for `connect`: ENOENT when there is no such socket, ECONNREFUSED when nobody
    ///   listens, EACCES when its mode does not let us, EAGAIN when the listener did not take it in time.
    package static func connect(
        toSocket path: String, patience: Duration? = nil
    ) throws(SystemCallError) -> OwnedDescriptor {
        var address = try socketAddress(path)
        let number = try result(of: "socket") { Glibc.socket(AF_UNIX, streamSocket, 0) }
        let descriptor = OwnedDescriptor(adopting: number)
        if let patience {
            var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
            try result(of: "setsockopt") {
                setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
        }
        try result(of: "connect", on: path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        return descriptor
    }

    /// A listening Unix stream socket; an existing file at `path` is removed first.
    package static func listen(onSocket path: String, mode: UInt32) throws(SystemCallError) -> OwnedDescriptor {
        var address = try socketAddress(path)
        let number = try result(of: "socket") { Glibc.socket(AF_UNIX, streamSocket, 0) }
        let descriptor = OwnedDescriptor(adopting: number)
        _ = unlink(path)
        try result(of: "bind", on: path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        try result(of: "chmod", on: path) { chmod(path, mode) }
        try result(of: "listen", on: path) { Glibc.listen(number, 64) }
        return descriptor
    }

    /// Two connected Unix sockets, both the caller's: for a stream, or for datagrams that keep their order.
    package static func socketPair(datagrams: Bool = false) throws(SystemCallError) -> SocketPair {
        let kind = datagrams ? CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue) : streamSocket
        var ends: [CInt] = [-1, -1]
        try result(of: "socketpair") { Glibc.socketpair(AF_UNIX, kind, 0, &ends) }
        return SocketPair(first: ends[0], second: ends[1])
    }

    /// Calls `send(2)` until all of `bytes` is sent; a disconnected peer is EPIPE, not a signal.
    package static func send(_ bytes: [UInt8], to socket: CInt) throws(SystemCallError) {
        var sent = 0
        while sent < bytes.count {
            sent += try result(of: "send") {
                bytes.withUnsafeBytes {
                    Glibc.send(
                        socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, CInt(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// `setsockopt(2)`: a read or write that waits longer than this is EAGAIN; nil: both wait as long as it takes.
    package static func limitWaiting(on descriptor: CInt, to limit: Duration?) throws(SystemCallError) {
        var time = timeval()
        if let (seconds, attoseconds) = limit?.components {
            time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
            // zero would be no limit at all
            if time.tv_sec <= 0 && time.tv_usec <= 0 { time = timeval(tv_sec: 0, tv_usec: 1) }
        }
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            try result(of: "setsockopt") {
                setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
    }

    /// Sends `bytes` with a copy of a descriptor (`SCM_RIGHTS`), in one piece.
    package static func send(_ bytes: [UInt8], with descriptor: CInt, to socket: CInt) throws(SystemCallError) {
        // a control message: its length, level and kind, and the descriptor
        let header = MemoryLayout<cmsghdr>.size
        var control = [UInt8](repeating: 0, count: header + MemoryLayout<UInt>.size)
        control.withUnsafeMutableBytes {
            $0.storeBytes(of: header + MemoryLayout<CInt>.size, toByteOffset: 0, as: Int.self)
            $0.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: CInt.self)
            $0.storeBytes(of: CInt(SCM_RIGHTS), toByteOffset: 12, as: CInt.self)
            $0.storeBytes(of: descriptor, toByteOffset: header, as: CInt.self)
        }
        var data = bytes
        try result(of: "sendmsg") {
            control.withUnsafeMutableBytes { control in
                data.withUnsafeMutableBytes { data in
                    var part = iovec(iov_base: data.baseAddress, iov_len: data.count)
                    return withUnsafeMutablePointer(to: &part) { part in
                        var message = msghdr(
                            msg_name: nil, msg_namelen: 0, msg_iov: part, msg_iovlen: 1,
                            msg_control: control.baseAddress, msg_controllen: control.count, msg_flags: 0)
                        return Glibc.sendmsg(socket, &message, CInt(MSG_NOSIGNAL))
                    }
                }
            }
        }
    }

    /// Sends one datagram to a Unix socket that others have bound.
    ///
    /// - Parameter address: a path, or `@` and a name of the abstract namespace (unix(7)).
    package static func send(_ bytes: [UInt8], toDatagramSocket address: String) throws(SystemCallError) {
        var place = try socketAddress(address)
        var length = MemoryLayout<sockaddr_un>.size
        if address.hasPrefix("@") {
            withUnsafeMutableBytes(of: &place.sun_path) { $0[0] = 0 }
            length = MemoryLayout.size(ofValue: place.sun_family) + address.utf8.count
        }
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = OwnedDescriptor(adopting: try result(of: "socket") { Glibc.socket(AF_UNIX, kind, 0) })
        try result(of: "sendto", on: address) {
            withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.sendto(
                        socket.rawValue, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, socklen_t(length))
                }
            }
        }
    }

    private static func socketAddress(_ path: String) throws(SystemCallError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemCallError(call: "socket", subject: path, errno: .fileNameTooLong)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }
}

/// Descriptors of two sockets that are connected to each other.
package struct SocketPair: Sendable {
    package let first: CInt
    package let second: CInt
}
