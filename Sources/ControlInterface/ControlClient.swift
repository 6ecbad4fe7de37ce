// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemCalls
import SystemPackage

/// A connection to the daemon that waits for its answers.
///
/// One call at a time: a stream occupies the connection until its end, a second call needs a second client. Whatever is
/// at the other end, nothing here waits or grows without limit but a stream for its next reply.
package final class ControlClient {
    /// For the daemon to take the connection or a call, and from the first byte of a reply to its last.
    static let transferTime = Duration.seconds(10)

    private let descriptor: OwnedDescriptor
    private var framer = VarlinkFramer(limit: VarlinkFramer.clientLimit)
    private var longestWait: Duration?
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// - Parameter path: the socket.
    /// - Throws: ``ControlError/noSocket(path:)``, ``ControlError/nobodyListens(path:)``,
    ///   ``ControlError/notPermitted(path:)`` or ``ControlError/connection(_:)``.
    package init(socket path: String) throws(ControlError) {
        do {
            descriptor = try SystemCall.connect(toSocket: path, patience: Self.transferTime)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory: throw .noSocket(path: path)
            case .connectionRefused: throw .nobodyListens(path: path)
            case .permissionDenied: throw .notPermitted(path: path)
            case .resourceTemporarilyUnavailable: throw .noAnswer
            default: throw .connection(error)
            }
        }
    }

    /// For connections made elsewhere, for example one end of a socket pair.
    package init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// From now on no wait for the daemon lasts longer than this; one that does is ``ControlError/noAnswer``.
    package func limitWaiting(to limit: Duration) throws(ControlError) {
        longestWait = limit
        do throws(SystemCallError) {
            try SystemCall.limitWaiting(on: descriptor.rawValue, to: limit)
        } catch {
            throw .connection(error)
        }
    }

    /// Sends a call and waits for its reply.
    package func call<Method: VarlinkMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws(ControlError) -> Method.Reply {
        try begin(method, parameters).wait(until: .now + Method.patience)
    }

    /// Sends a call. Its reply can be waited for when other daemons have been called, too.
    package func begin<Method: VarlinkMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws(ControlError) -> PendingReply<Method> {
        try send(VarlinkCall.message(Method.self, parameters))
        return PendingReply(client: self)
    }

    /// Sends a call of a method without parameters and waits for its reply.
    package func call<Method: VarlinkMethod>(
        _ method: Method.Type
    ) throws(ControlError) -> Method.Reply where Method.Parameters == Nothing {
        try call(method, Nothing())
    }

    /// Sends a call with `more`; the replies come from the stream.
    package func stream<Method: VarlinkMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws(ControlError) -> ReplyStream<Method> {
        try send(VarlinkCall.message(Method.self, parameters, more: true))
        return ReplyStream(client: self)
    }

    private func send(_ message: [UInt8]) throws(ControlError) {
        var sent = 0
        while sent < message.count {
            do throws(SystemCallError) {
                sent += try SystemCall.result(of: "send") {
                    message.withUnsafeBytes {
                        // a daemon that has gone is an error, not a signal
                        Glibc.send(
                            descriptor.rawValue, $0.baseAddress?.advanced(by: sent), $0.count - sent,
                            CInt(MSG_NOSIGNAL))
                    }
                }
            } catch {
                // before it hung up it may have said why
                throw parting ?? connectionError(error)
            }
        }
    }

    /// The error that has been received already.
    private var parting: ControlError? {
        do throws(ControlError) {
            _ = try VarlinkReply.decode(nextMessage(within: .zero), of: VarlinkService.GetInfo.self)
        } catch {
            switch error {
            case .manager, .service: return error
            default: break
            }
        }
        return nil
    }

    /// - Parameter time: how long to wait for a reply to begin; nil: as long as it takes.
    fileprivate func nextMessage(within time: Duration?) throws(ControlError) -> [UInt8] {
        let start = ContinuousClock.now
        let time = [time, longestWait].compactMap(\.self).min()
        let transferTime = min(Self.transferTime, longestWait ?? Self.transferTime)
        var firstByte: ContinuousClock.Instant?
        while true {
            if let message = try framer.next() { return message }
            if framer.pendingCount > 0, firstByte == nil { firstByte = .now }
            if let firstByte {
                try wait(until: firstByte + transferTime)
            } else if let time {
                try wait(until: start + time)
            }
            let count: Int
            do throws(SystemCallError) {
                count = try SystemCall.result(of: "read") {
                    buffer.withUnsafeMutableBytes { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
                }
            } catch {
                throw connectionError(error)
            }
            guard count > 0 else { throw .disconnected }
            framer.append(buffer[..<count])
        }
    }

    /// Waits until there is something to read.
    private func wait(until deadline: ContinuousClock.Instant) throws(ControlError) {
        let left = max(deadline - .now, .zero).components
        // rounded up: the last poll must not turn in its millisecond
        let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
        var event = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        let count: CInt
        do throws(SystemCallError) {
            count = try SystemCall.result(of: "poll", retryingOnInterrupt: false) {
                poll(&event, 1, CInt(clamping: milliseconds))
            }
        } catch {
            guard error.errno == .interrupted else { throw .connection(error) }
            return try wait(until: deadline)
        }
        guard count > 0 else { throw .noAnswer }
    }

    private func connectionError(_ error: SystemCallError) -> ControlError {
        switch error.errno {
        case .brokenPipe, .connectionReset: .disconnected
        case .resourceTemporarilyUnavailable: .noAnswer
        default: .connection(error)
        }
    }
}

/// The reply to one call.
package struct PendingReply<Method: VarlinkMethod> {
    fileprivate let client: ControlClient

    /// - Throws: ``ControlError/noAnswer`` if it has not begun to arrive by then, and what the reply says.
    package func wait(until deadline: ContinuousClock.Instant) throws(ControlError) -> Method.Reply {
        try VarlinkReply.decode(client.nextMessage(within: max(deadline - .now, .zero)), of: Method.self).reply
    }
}

/// The replies to one call with `more`.
package struct ReplyStream<Method: VarlinkMethod> {
    private let client: ControlClient
    private var atEnd = false

    fileprivate init(client: ControlClient) {
        self.client = client
    }

    /// Waits for the next reply; nil after the last one.
    package mutating func next() throws(ControlError) -> Method.Reply? {
        guard !atEnd else { return nil }
        let (reply, continues) = try VarlinkReply.decode(client.nextMessage(within: nil), of: Method.self)
        atEnd = !continues
        return reply
    }
}
