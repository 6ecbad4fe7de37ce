// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Asks another machine, or a cell, over the network whether it is there.
package enum NetworkProbe {
    package enum Transport: String, CaseIterable, Sendable {
        /// A connection is accepted.
        case tcp
        /// Anything comes back for one datagram.
        case udp
        /// An echo request is answered.
        case icmp
    }

    /// Whether this is an IPv4 or IPv6 address in figures. Names are not looked up.
    package static func isAddress(_ host: String) -> Bool { (try? Place(host, port: 0)) != nil }

    /// Returns when there was an answer.
    ///
    /// - Parameters:
    ///   - host: in figures.
    ///   - port: ignored for `icmp`.
    ///   - timeout: for all of it.
    /// - Throws: ``SystemCallError``; ETIMEDOUT when nothing came.
    package static func ask(
        _ transport: Transport, host: String, port: UInt16, timeout: Duration
    ) throws(SystemCallError) {
        let place = try Place(host, port: transport == .icmp ? 0 : port)
        let isV6 = place.family == AF_INET6
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let kindAndFlags = CInt(kind.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let ping = isV6 ? CInt(IPPROTO_ICMPV6) : CInt(IPPROTO_ICMP)
        let socket = OwnedDescriptor(
            adopting: try SystemCall.result(of: "socket", on: host) {
                Glibc.socket(place.family, kindAndFlags, transport == .icmp ? ping : 0)
            })
        let end = Moment(after: timeout)
        do {
            try SystemCall.result(of: "connect", on: host) { place.withAddress { connect(socket.rawValue, $0, $1) } }
        } catch {
            guard transport == .tcp, error.errno == .nowInProgress else { throw error }
        }
        switch transport {
        case .tcp:
            try wait(for: POLLOUT, on: socket.rawValue, until: end, host)
            var failure: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            try SystemCall.result(of: "getsockopt", on: host) {
                getsockopt(socket.rawValue, SOL_SOCKET, SO_ERROR, &failure, &size)
            }
            if failure != 0 { throw SystemCallError(call: "connect", subject: host, errno: Errno(rawValue: failure)) }
        case .udp:
            try SystemCall.send(Array("jailhouse-ctl\n".utf8), to: socket.rawValue)
            _ = try receive(on: socket.rawValue, until: end, host)
        case .icmp:
            // type, code, checksum and identifier (the kernel's), sequence number
            try SystemCall.send([isV6 ? 128 : 8, 0, 0, 0, 0, 0, 0, 1] + Array("jailhouse".utf8), to: socket.rawValue)
            let reply: UInt8 = isV6 ? 129 : 0
            while try receive(on: socket.rawValue, until: end, host).first != reply {}
        }
    }

    private static func receive(
        on socket: CInt, until end: Moment, _ host: String
    ) throws(SystemCallError) -> [UInt8] {
        try wait(for: POLLIN, on: socket, until: end, host)
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = try SystemCall.result(of: "recv", on: host) { recv(socket, &bytes, bytes.count, 0) }
        return Array(bytes.prefix(count))
    }

    private static func wait(
        for event: CInt, on descriptor: CInt, until end: Moment, _ host: String
    ) throws(SystemCallError) {
        while true {
            var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            let count = try SystemCall.result(of: "poll", on: host, retryingOnInterrupt: true) {
                Glibc.poll(&poll, 1, end.milliseconds)
            }
            if count > 0 { return }
            if end.milliseconds == 0 { throw SystemCallError(call: "poll", subject: host, errno: .timedOut) }
        }
    }

    /// A moment to come.
    private struct Moment {
        private let end: ContinuousClock.Instant

        init(after duration: Duration) { end = .now + duration }

        /// Until then, rounded up.
        var milliseconds: CInt {
            let (seconds, rest) = ContinuousClock.Instant.now.duration(to: end).components
            guard seconds >= 0, rest >= 0 else { return 0 }
            return CInt(clamping: seconds * 1000 + (rest + 999_999_999_999_999) / 1_000_000_000_000_000)
        }
    }

    /// An address as the kernel takes it.
    private struct Place {
        let family: CInt
        private let bytes: [UInt8]

        init(_ host: String, port: UInt16) throws(SystemCallError) {
            var v4 = sockaddr_in()
            var v6 = sockaddr_in6()
            if inet_pton(AF_INET, host, &v4.sin_addr) == 1 {
                v4.sin_family = sa_family_t(AF_INET)
                v4.sin_port = port.bigEndian
                family = AF_INET
                bytes = withUnsafeBytes(of: &v4) { Array($0) }
            } else if inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 {
                v6.sin6_family = sa_family_t(AF_INET6)
                v6.sin6_port = port.bigEndian
                family = AF_INET6
                bytes = withUnsafeBytes(of: &v6) { Array($0) }
            } else {
                throw SystemCallError(call: "inet_pton", subject: host, errno: .invalidArgument)
            }
        }

        func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
            bytes.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return -1 }
                return body(start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            }
        }
    }
}
