// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Something that belongs to an event loop, as it does in the daemon.
struct OnLoop<Value>: Sendable {
    let loop: any EventLoop
    private let value: NIOLoopBound<Value>

    init(_ make: @escaping @Sendable (any EventLoop) throws -> Value) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        value = try await loop.submit { NIOLoopBound(try make(loop), eventLoop: loop) }.get()
    }

    func run<Result: Sendable>(_ body: @escaping @Sendable (Value) throws -> Result) async throws -> Result {
        try await loop.submit { [value] in try body(value.value) }.get()
    }
}

/// What happened, in order; somebody waits for it.
final class Happenings: Sendable {
    private let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func note(_ what: String) {
        continuation.yield(what)
    }

    /// The next ones, in order; waits for them.
    func next(_ count: Int) async -> [String] {
        var found: [String] = []
        var iterator = stream.makeAsyncIterator()
        while found.count < count, let next = await iterator.next() { found.append(next) }
        return found
    }
}
