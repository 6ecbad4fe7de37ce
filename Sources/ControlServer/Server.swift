// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemCalls
import SystemdSupport

/// A listening socket, and what its clients may do.
package struct ListeningSocket: Sendable {
    package let descriptor: CInt
    package let access: Access
    /// To be removed at the end; nil for a socket that systemd opened.
    package let path: String?

    package init(descriptor: CInt, access: Access, path: String?) {
        self.descriptor = descriptor
        self.access = access
        self.path = path
    }
}

/// Receives Varlink calls on several sockets, within ``ClientLimits``, and has a service answer them.
package struct Server<Calls: CallService>: Service {
    private let sockets: [ListeningSocket]
    private let service: Calls
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger

    package init(sockets: [ListeningSocket], service: Calls, logger: Logger) {
        self.sockets = sockets
        self.service = service
        // one loop for each socket, so that administrators do not wait for the many status clients
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(sockets.count, 1))
        self.logger = logger
    }

    package func run() async throws {
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
        _ listener: NIOAsyncChannel<Client, Never>, _ access: Access, _ places: ClientPlaces
    ) async {
        let refused = RareLog(logger, .clientRefused)
        let dropped = RareLog(logger, .clientDropped)
        let openCalls = OpenCalls()
        // clients are disconnected with the server: what they asked for is finished by the service.
        // A group that keeps the results of its tasks would grow with each client
        await withDiscardingTaskGroup { tasks in
            do {
                try await listener.executeThenClose { inbound in
                    for try await client in inbound {
                        let peer = await client.peer()
                        if let limit = places.enter(peer.user, access) {
                            refused.say("refused a client (\(peer)): \(limit.message)")
                            await turnAway(client, limit)
                            // a client that reconnects in a loop costs no more than this allows
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
                logger.record(.socketFailed, "accept failed, socket closed: \(error)")
            }
            // the service has ended before, and answered all that waited
            await openCalls.areAnswered()
            tasks.cancelAll()
        }
    }

    /// Does not wait for the client: the reply fits into the connection's buffer.
    private func turnAway(_ client: Client, _ limit: LimitReached) async {
        try? await client.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(bytes: service.reply(to: limit)))
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
    /// The client's credentials; user `.max` when the kernel does not tell them.
    fileprivate func peer() async -> Peer {
        guard let options = channel as? any SocketOptionProvider,
            let credentials: PeerCredentials = try? await options.unsafeGetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
            ).get()
        else { return Peer(user: .max, process: -1) }
        return Peer(user: credentials.user, process: credentials.process)
    }
}
