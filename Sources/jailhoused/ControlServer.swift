import ControlInterface
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import SystemCalls

/// Answers Varlink calls on the two sockets.
struct ControlServer: Service {
    /// Clients at a time, over both sockets; one more is turned away.
    static let clientLimit = 64
    /// A client that does not take a reply for this long is dropped.
    static let sendTimeout = TimeAmount.seconds(10)
    /// A client that neither asks nor watches for this long is dropped.
    static let idleTimeout = TimeAmount.minutes(5)
    /// Calls that one client may have waiting behind the one that is answered.
    static let callLimit = 32

    /// A listening socket, and what its clients may do.
    struct Socket: Sendable {
        let descriptor: CInt
        let access: ManagerService.Access
        /// To be removed at the end; nil for a socket that systemd opened.
        let path: String?
    }

    let sockets: [Socket]
    let service: ManagerService
    let group: MultiThreadedEventLoopGroup
    let logger: Logger

    private typealias Client = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    func run() async throws {
        let clients = ClientCount(limit: Self.clientLimit)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for socket in sockets {
                let listener = try await ServerBootstrap(group: group)
                    .serverChannelOption(.backlog, value: 64)
                    .bind(socket.descriptor) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try Client(wrappingChannelSynchronously: channel)
                        }
                    }
                tasks.addTask {
                    await withGracefulShutdownHandler {
                        await serve(listener, socket.access, clients)
                    } onGracefulShutdown: {
                        listener.channel.close(promise: nil)
                    }
                    if let path = socket.path { _ = unlink(path) }
                }
            }
            try await tasks.waitForAll()
        }
    }

    private func serve(
        _ listener: NIOAsyncChannel<Client, Never>, _ access: ManagerService.Access, _ clients: ClientCount
    ) async {
        // clients end with the daemon: nothing of theirs is half done, for the supervisor finishes what it began
        await withTaskGroup(of: Void.self) { tasks in
            do {
                try await listener.executeThenClose { inbound in
                    for try await client in inbound {
                        guard clients.enter() else {
                            logger.warning("turned a client away: \(Self.clientLimit) are connected")
                            try? await client.channel.close()
                            continue
                        }
                        tasks.addTask {
                            await talk(to: client, access)
                            clients.leave()
                        }
                    }
                }
            } catch {
                logger.error("a socket does not accept any more: \(error)")
            }
            tasks.cancelAll()
        }
    }

    private func talk(to client: Client, _ access: ManagerService.Access) async {
        let peer = await client.peer()
        do {
            try await client.executeThenClose { inbound, outbound in
                let send: ManagerService.Send = { bytes in
                    let deadline = Deadline(Self.sendTimeout, client.channel)
                    defer { deadline.cancel() }
                    try await outbound.write(ByteBuffer(bytes: bytes))
                }
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    let (calls, queue) = AsyncStream.makeStream(
                        of: VarlinkCall.self, bufferingPolicy: .bufferingOldest(Self.callLimit))
                    tasks.addTask {
                        var idle = Deadline(Self.idleTimeout, client.channel)
                        for await call in calls {
                            idle.cancel()
                            try await service.answer(call, from: peer, access, send: send)
                            idle = Deadline(Self.idleTimeout, client.channel)
                        }
                        idle.cancel()
                    }
                    defer { queue.finish() }
                    var framer = VarlinkFramer()
                    for try await buffer in inbound {
                        framer.append(buffer.readableBytesView)
                        while let message = try framer.next() {
                            guard case .enqueued = queue.yield(try VarlinkCall(message: message)) else {
                                throw ControlError.malformed("more than \(Self.callLimit) calls at once")
                            }
                        }
                    }
                    // the client is gone: what it asked for goes on, its stream does not
                    tasks.cancelAll()
                }
            }
        } catch is CancellationError {
        } catch let error as ControlError {
            logger.notice("dropped a client (\(peer)): \(error)")
        } catch {
            logger.debug("a client (\(peer)) went: \(error)")
        }
    }
}

/// Closes a channel when the time is over.
private struct Deadline {
    private let timer: Scheduled<Void>

    init(_ time: TimeAmount, _ channel: any Channel) {
        timer = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    func cancel() { timer.cancel() }
}

/// How many clients there are.
private final class ClientCount: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}

/// `struct ucred` of unix(7), which Glibc's module does not show.
private struct PeerCredentials {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
}

extension NIOAsyncChannel {
    /// Who is at the other end, as the kernel knows it (`SO_PEERCRED`).
    fileprivate func peer() async -> Peer {
        guard let options = channel as? any SocketOptionProvider,
            let credentials: PeerCredentials = try? await options.unsafeGetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
            ).get()
        else { return Peer(user: .max, process: -1) }
        return Peer(user: credentials.user, process: credentials.process)
    }
}
