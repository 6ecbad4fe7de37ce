// SPDX-License-Identifier: Apache-2.0

import Glibc
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
    ///   - freshness: how long what the daemon said is used for further clients.
    package init(socket: String, host: String, freshness: Duration = .milliseconds(900)) {
        // one asks the daemon while the other draws the map
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        // however many browsers wait for a daemon that hangs, Prometheus has its answer in time
        let metricsThread = NIOThreadPool(numberOfThreads: 1)
        metricsThread.start()
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        shared = .init(
            view: DaemonView(socket: socket, freshness: freshness), threads: threads, metricsThread: metricsThread,
            places: ClientPlaces(), host: host
        )
    }

    /// Where it listens.
    package enum Place: CustomStringConvertible {
        case address(String, port: Int)
        /// A socket that the service manager opened.
        case descriptor(CInt)

        package var description: String {
            switch self {
            case .address(let address, let port):
                address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
            case .descriptor(let descriptor): "descriptor \(descriptor), which the service manager gave"
            }
        }
    }

    /// - Returns: the port; nil if there is none.
    /// - Throws: ``CannotListen``.
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
        let listener: any Channel
        do {
            listener =
                switch place {
                case .address(let host, let port): try bootstrap.bind(host: host, port: port).wait()
                case .descriptor(let descriptor): try bootstrap.withBoundSocket(descriptor).wait()
                }
        } catch {
            throw CannotListen(place, error)
        }
        return (listener.localAddress?.port, { try listener.closeFuture.wait() })
    }

    /// Why nobody can be answered.
    package struct CannotListen: Error, CustomStringConvertible {
        package let description: String

        fileprivate init(_ place: Place, _ error: any Error) {
            let errno = (error as? IOError)?.errnoCode
            let remedy =
                switch errno {
                case EADDRINUSE: ": another process listens there; choose another --port, or stop it"
                case EADDRNOTAVAIL: ": no network interface has this address; see: ip address"
                case EACCES: ": ports below 1024 are for root; choose another --port"
                default: ""
                }
            let reason = errno.map { String(cString: strerror($0)) } ?? "\(error)"
            description = "cannot listen on \(place): \(reason)\(remedy)"
        }
    }

    private struct TooManyClients: Error {}
}
