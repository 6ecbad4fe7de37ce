import ControlInterface
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemCalls

/// Answers Varlink calls on the two sockets, within ``ClientLimits``.
struct ControlServer: Service {
    /// A listening socket, and what its clients may do.
    struct Socket: Sendable {
        let descriptor: CInt
        let access: ManagerService.Access
        /// To be removed at the end; nil for a socket that systemd opened.
        let path: String?
    }

    let sockets: [Socket]
    let service: ManagerService
    /// A loop for each socket, so that those who may change something do not wait for the many.
    let group: MultiThreadedEventLoopGroup
    let logger: Logger

    private typealias Client = Conversation.Client

    func run() async throws {
        let places = ClientPlaces()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for socket in sockets {
                let loop = group.next()
                let listener = try await ServerBootstrap(group: loop)
                    .serverChannelOption(.backlog, value: 64)
                    .childChannelOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: ClientLimits.readSize)
                    )
                    .childChannelOption(.maxMessagesPerRead, value: 1)
                    .bind(socket.descriptor) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try Client(wrappingChannelSynchronously: channel)
                        }
                    }
                tasks.addTask {
                    await withGracefulShutdownHandler {
                        await serve(listener, socket.access, places)
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
        _ listener: NIOAsyncChannel<Client, Never>, _ access: ManagerService.Access, _ places: ClientPlaces
    ) async {
        let refused = RareLog(logger, .warning)
        let dropped = RareLog(logger, .notice)
        let openCalls = OpenCalls()
        // clients end with the daemon: nothing of theirs is half done, for the supervisor finishes what it began.
        // A group that keeps the results of its tasks would grow with each client
        await withDiscardingTaskGroup { tasks in
            do {
                try await listener.executeThenClose { inbound in
                    for try await client in inbound {
                        let peer = await client.peer()
                        if let limit = places.enter(peer.user, access) {
                            refused.say("turned a client away (\(peer)): \(limit.message)")
                            await turnAway(client, limit)
                            // whoever comes again and again costs no more than this allows
                            try? await Task.sleep(for: ClientLimits.pauseAfterRefusal)
                            continue
                        }
                        tasks.addTask {
                            await Conversation(
                                client: client, peer: peer, access: access, service: service, openCalls: openCalls,
                                dropped: dropped, logger: logger
                            ).run()
                            places.leave(peer.user)
                        }
                    }
                }
            } catch {
                logger.error("a socket does not accept any more: \(error)")
            }
            // the supervisor has ended before, and answered whoever waited
            await openCalls.areAnswered()
            tasks.cancelAll()
        }
    }

    /// Nothing waits for the client: what is said fits into the connection's buffer.
    private func turnAway(_ client: Client, _ limit: LimitReached) async {
        try? await client.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(bytes: limit.reply))
        }
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
