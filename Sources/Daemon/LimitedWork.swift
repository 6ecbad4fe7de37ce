// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemCalls
import SystemPackage

/// Blocking work on a thread of its own, which nobody has to wait for: reading from a file system that hangs cannot be
/// interrupted.
enum LimitedWork {
    /// Starts a thread.
    ///
    /// - Parameter end: called on that thread with the result, or at once when the system has no thread left.
    static func start<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value, end: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        guard let thread = BackgroundThread({ end(Result { try body() }) }) else {
            return end(
                .failure(SystemCallError(call: "pthread_create", errno: .resourceTemporarilyUnavailable)))
        }
        thread.detach()
    }

    /// Waits for the work on the calling thread, but no longer than the limit.
    ///
    /// - Returns: its result; nil when the limit is exceeded: the thread goes on, and its result is dropped.
    static func run<Value: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable () throws -> Value
    ) throws -> Value? {
        let box = Box<Value>()
        start(body) { result in
            box.result.withLock { $0 = result }
            box.bell.ring()
        }
        box.bell.wait(atMost: limit)
        return try box.result.withLock { $0 }?.get()
    }
}

private final class Box<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
    let bell = Bell()
}

/// Bounds the memory that images take: one large image at a time is in it, and any number of small ones. One that has been
/// in it for longer than the limit of a reading, because its file system hangs, makes way for another, twice at most.
///
/// An image is read once into memory, and dropped when the driver has copied it. It is not mapped, although that would
/// take no memory: the driver would then read the file, under its lock, and a file system that hangs would stop
/// everything. It is not streamed either: each load command stops and parks the cell again, which would make lost starts
/// indistinguishable.
final class ImageMemory: Sendable {
    /// In bytes, of all images of one cell: up to here they are small.
    static let small = 32 << 20

    /// Held from before the first byte is read until the last one is dropped.
    final class Place: Sendable {
        private let memory: ImageMemory?
        private let number: Int

        fileprivate init(of memory: ImageMemory?, _ number: Int = 0) {
            self.memory = memory
            self.number = number
        }

        deinit { memory?.leave(number) }
    }

    private struct Holders {
        var since: [Int: ContinuousClock.Instant] = [:]
        var last = 0

        mutating func add(after limit: Duration) -> Int? {
            let now = ContinuousClock.now
            let isFree = since.count < ImageMemory.most && since.values.allSatisfy { $0 + limit <= now }
            guard since.isEmpty || isFree else { return nil }
            last += 1
            since[last] = now
            return last
        }
    }

    /// Large images at the most.
    private static let most = 3
    private let holders = Mutex(Holders())
    private let patience: Duration
    private let bell = Bell()

    /// - Parameter patience: after this a large image is taken for one that hangs.
    init(patience: Duration = ImageReadings.standardLimit) {
        self.patience = patience
    }

    /// Waits, blocking, for the place that images of this size need.
    ///
    /// - Returns: nil when there is none within the limit.
    func place(for size: Int, within limit: Duration) -> Place? {
        guard size > Self.small else { return Place(of: nil) }
        let end = ContinuousClock.now + limit
        while true {
            let number = holders.withLock { $0.add(after: patience) }
            if let number { return Place(of: self, number) }
            let left = end - .now
            guard left > .zero else { return nil }
            // several may wait, and the bell wakes one
            bell.wait(atMost: min(left, .milliseconds(50)))
        }
    }

    private func leave(_ number: Int) {
        holders.withLock { $0.since[number] = nil }
        bell.ring()
    }
}
