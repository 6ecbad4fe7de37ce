// SPDX-License-Identifier: Apache-2.0

import Commands
import NIOCore
import NIOHTTP1
import NIOPosix

/// One client: requests are answered one after the other, `events` until it disconnects.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What all clients share.
    struct Shared: Sendable {
        var view: DaemonView
        /// For what blocks.
        var threads: NIOThreadPool
        /// For Prometheus alone.
        var metricsThread: NIOThreadPool
        var places: ClientPlaces
        var host: String
    }

    /// For a request to arrive, between two, and for an answer to be read.
    static let requestTime = TimeAmount.seconds(10)
    private static let eventStream = "text/event-stream"
    private static let period = TimeAmount.seconds(1)
    /// An event is sent that often while nothing happens, so that a connection that is gone is noticed on both sides.
    private static let quietPeriods = 15

    private let shared: Shared
    private var request: HTTPRequestHead?
    private var deadline: Scheduled<Void>?
    /// Whether an answer is being made or sent.
    private var isAnswering = false
    /// Whether the client sends nothing more.
    private var isLast = false
    private var isWatching = false
    private var shown = ""
    /// The map that the client has, or is to get.
    private var drawn: String?
    private var quiet = 0

    init(_ shared: Shared) {
        self.shared = shared
    }

    func channelActive(context: ChannelHandlerContext) {
        expectProgress(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if isWatching { shared.places.leaveEvents() }
        isWatching = false
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        isLast = true
        // a browser that leaves cannot be told from one that listens only
        if !isAnswering { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = head
        case .body:
            // no request here has one: what is left of it is not read
            guard let request, !Self.isReading(request) else {
                if !isAnswering { context.close(promise: nil) }
                return
            }
            self.request = nil
            isAnswering = true
            isLast = true
            deadline?.cancel()
            answer(request, context)
        case .end:
            guard let request else { return }
            self.request = nil
            isAnswering = true
            deadline?.cancel()
            shared.places.note(context.channel, isIdle: false)
            answer(request, context)
        }
    }

    /// Of the client: its request, or the reading of an answer.
    private func expectProgress(_ context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        deadline = loop.scheduleTask(in: Self.requestTime) { context.close(promise: nil) }
    }

    private static func isReading(_ request: HTTPRequestHead) -> Bool {
        request.method == .GET || request.method == .HEAD
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = String(request.uri.prefix { $0 != "?" })
        guard Self.isReading(request) else {
            return send(Answer(.methodNotAllowed, "only GET and HEAD\n"), to: request, context)
        }
        if path == "/events" { return watch(request, context) }
        let shared = shared
        let threads = path == "/metrics" ? shared.metricsThread : shared.threads
        threads.runIfActive(eventLoop: context.eventLoop) {
            Answer.to(path: path, shared.view, host: shared.host)
        }
        .assumeIsolated().whenComplete { result in
            self.send((try? result.get()) ?? Answer(.serviceUnavailable, "busy\n"), to: request, context)
        }
    }

    private func send(_ answer: Answer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = Answer.headers(mediaType: answer.mediaType)
        headers.add(name: "Content-Length", value: "\(answer.text.utf8.count)")
        if answer.status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
        let keepsAlive = request.isKeepAlive
        headers.add(name: "Connection", value: keepsAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(version: request.version, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let text = request.method == .HEAD ? "" : answer.text
        let taken = context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))))
        // the next request is taken when the client has read the answer to this one, which the end lets pass
        expectProgress(context)
        taken.assumeIsolated().whenComplete { result in
            self.deadline?.cancel()
            guard case .success = result else { return context.close(promise: nil) }
            self.isAnswering = false
            // the next request, and that it was the last one, arrive within this call
            let sent = context.writeAndFlush(self.wrapOutboundOut(.end(nil)))
            if keepsAlive && (self.isAnswering || self.isWatching) { return }
            if keepsAlive && !self.isLast {
                self.shared.places.note(context.channel, isIdle: true)
                self.expectProgress(context)
            } else {
                sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            }
        }
    }

    // MARK: events

    private func watch(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard shared.places.enterEvents() else {
            return send(Answer(.serviceUnavailable, "too many watch already\n"), to: request, context)
        }
        var headers = Answer.headers(mediaType: Self.eventStream)
        // it has no end but the connection's
        headers.add(name: "Connection", value: "close")
        let head = HTTPResponseHead(version: request.version, status: .ok, headers: headers)
        guard request.method == .GET else {
            shared.places.leaveEvents()
            // without an end, which would be one of chunks
            return context.writeAndFlush(wrapOutboundOut(.head(head))).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        }
        isWatching = true
        isAnswering = false
        if isLast { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        look(context)
    }

    private func look(_ context: ChannelHandlerContext) {
        guard isWatching else { return }
        let shared = shared
        shared.threads.runIfActive(eventLoop: context.eventLoop) {
            (fragment: StatusPage(shared.view.current()).fragment, map: shared.view.currentMap())
        }
        .assumeIsolated().whenComplete { result in
            guard self.isWatching else { return }
            if let page = try? result.get() { self.show(page.fragment, page.map, context) }
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.period) { self.look(context) }
        }
    }

    private func show(_ fragment: String, _ map: String, _ context: ChannelHandlerContext) {
        // what a slow client has not taken yet is not added to: it gets the next state instead
        guard context.channel.isWritable else { return }
        quiet += 1
        var text = fragment != shown ? Answer.event("cells", fragment) : ""
        // the picture itself is asked for
        if let drawn, map != drawn { text += Answer.event("map", "changed") }
        shown = fragment
        drawn = map
        if text.isEmpty, quiet >= Self.quietPeriods { text = Answer.event("quiet", "nothing happened") }
        guard !text.isEmpty else { return }
        quiet = 0
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }
}
