// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix

/// A small HTTP server for Prometheus and browsers.
package struct Server {
    private let shared: RequestHandler.Shared
    private let group: MultiThreadedEventLoopGroup

    /// - Parameters:
    ///   - socket: the daemon's status socket.
    ///   - host: the machine's name, for the page.
    package init(socket: String, host: String) {
        // one asks the daemon while the other draws the map
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        shared = .init(view: DaemonView(socket: socket), threads: threads, places: ClientPlaces(), host: host)
    }

    /// Where it listens.
    package enum Place {
        case address(String, port: Int)
        /// A socket that the service manager opened.
        case descriptor(CInt)
    }

    /// - Returns: the port; nil if there is none.
    package func listen(on place: Place) throws -> (port: Int?, wait: () throws -> Void) {
        let shared = shared
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // who has sent all requests may say so, and still reads the answers
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 512 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard shared.places.enter(channel) else { throw TooManyClients() }
                    channel.closeFuture.whenComplete { _ in shared.places.leave(channel) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(RequestHandler(shared))
                }
            }
        let listener =
            switch place {
            case .address(let host, let port): try bootstrap.bind(host: host, port: port).wait()
            case .descriptor(let descriptor): try bootstrap.withBoundSocket(descriptor).wait()
            }
        return (listener.localAddress?.port, { try listener.closeFuture.wait() })
    }

    private struct TooManyClients: Error {}
}
