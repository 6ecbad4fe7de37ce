// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Logging
import NIOCore
import Synchronization

typealias Client = NIOAsyncChannel<ByteBuffer, ByteBuffer>

/// One connection, from its first byte to its last.
struct Conversation<Calls: CallService>: Sendable {
    let client: Client
    let peer: Peer
    let access: Access
    let service: Calls
    let openCalls: OpenCalls
    let dropped: RareLog
    let logger: Logger

    func run() async {
        do {
            try await client.executeThenClose { inbound, outbound in
                let send: Calls.Send = { bytes in
                    let deadline = Deadline(ClientLimits.sendTime, client.channel)
                    defer { deadline.cancel() }
                    try await outbound.write(ByteBuffer(bytes: bytes))
                }
                try await converse(inbound, send)
            }
        } catch is CancellationError {
        } catch let error as LimitReached {
            dropped.say("disconnected a client (\(peer)): \(error.message)")
        } catch let error as ControlError {
            dropped.say("disconnected a client (\(peer)): \(error)")
        } catch {
            logger.debug("client disconnected (\(peer)): \(error)")
        }
    }

    /// Reads calls while they are answered in order, one at a time: so a client that disconnects is noticed at once.
    private func converse(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ send: @escaping Calls.Send)
        async throws
    {
        let waiting = WaitingBytes()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let (calls, queue) = AsyncStream.makeStream(
                of: (call: VarlinkCall, size: Int).self, bufferingPolicy: .bufferingOldest(ClientLimits.waitingCalls))
            tasks.addTask {
                var idle = Deadline(ClientLimits.idleTime, client.channel, saying: { service.reply(to: .idleTime) })
                for await (call, size) in calls {
                    idle.cancel()
                    waiting.remove(size)
                    openCalls.enter()
                    defer { openCalls.leave() }
                    try await service.answer(call, from: peer, access, send: send)
                    idle = Deadline(ClientLimits.idleTime, client.channel, saying: { service.reply(to: .idleTime) })
                }
                idle.cancel()
            }
            defer { queue.finish() }
            do {
                try await read(inbound) { message in
                    let call = try VarlinkCall(message: message)
                    guard waiting.add(message.count), case .enqueued = queue.yield((call, message.count)) else {
                        throw LimitReached.calls
                    }
                }
            } catch {
                let limit = error as? LimitReached ?? (error as? ControlError).flatMap { LimitReached($0) }
                if let limit { try? await send(service.reply(to: limit)) }
                tasks.cancelAll()
                throw limit ?? error
            }
            // the client has disconnected: its request continues, its stream does not
            tasks.cancelAll()
        }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ take: ([UInt8]) throws -> Void
    ) async throws {
        var framer = VarlinkFramer()
        var unfinished: Deadline?
        defer { unfinished?.cancel() }
        for try await buffer in inbound {
            try await service.turns(access).take {
                framer.append(buffer.readableBytesView)
                while let message = try framer.next() {
                    unfinished?.cancel()
                    unfinished = nil
                    try take(message)
                }
            }
            if framer.pendingCount > 0, unfinished == nil {
                unfinished = Deadline(
                    ClientLimits.messageTime, client.channel, saying: { service.reply(to: .messageTime) })
            }
        }
    }
}

/// The calls of all clients that are being answered.
final class OpenCalls: Sendable {
    private let count = Mutex(0)

    func enter() { count.withLock { $0 += 1 } }
    func leave() { count.withLock { $0 -= 1 } }

    /// Waits until all are answered, for one second at most: a client may not read its answer.
    func areAnswered() async {
        for _ in 0..<200 where count.withLock({ $0 > 0 }) { try? await Task.sleep(for: .milliseconds(5)) }
    }
}

/// The bytes of the calls that wait in one connection.
private final class WaitingBytes: Sendable {
    private let count = Mutex(0)

    func add(_ size: Int) -> Bool {
        count.withLock { count in
            count += size
            // one call may always wait
            return count == size || count <= ClientLimits.waitingBytes
        }
    }

    func remove(_ size: Int) {
        count.withLock { $0 -= size }
    }
}

/// Closes a channel after a time, with a last reply if there is one.
private struct Deadline {
    private let timer: Scheduled<Void>

    init(_ time: TimeAmount, _ channel: any Channel, saying reply: (@Sendable () -> [UInt8])? = nil) {
        timer = channel.eventLoop.scheduleTask(in: time) {
            if let reply { channel.writeAndFlush(ByteBuffer(bytes: reply()), promise: nil) }
            channel.close(promise: nil)
        }
    }

    func cancel() { timer.cancel() }
}
