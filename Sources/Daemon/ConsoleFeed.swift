// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Hypervisor

/// What the hypervisor printed, as far as it was read and is still kept, and the clients that follow it.
///
/// Each client has a bounded queue: a slow one loses text, is told how much, and delays no other.
struct ConsoleFeed {
    /// Bytes that are kept.
    static let kept = 64 << 10
    /// Readings that may wait for one client.
    static let queueLength = 64

    private struct Follower {
        let continuation: AsyncStream<Manager.Console.Reply>.Continuation
        /// Bytes that were dropped.
        var missed = 0
    }

    /// What is kept: one reply a reading that had text.
    private(set) var kept: [Manager.Console.Reply] = []
    private var size = 0
    private(set) var state: ConsoleState?
    private var followers: [Int: Follower] = [:]
    private var next = 0

    var isFollowed: Bool { !followers.isEmpty }

    /// Takes in what was read.
    ///
    /// - Parameter time: when, in µs since 1970.
    mutating func take(_ news: ConsoleFollower.News, at time: Int) {
        guard !news.text.isEmpty || news.state != state else { return }
        state = news.state
        let reply = Manager.Console.Reply(news, at: time)
        if !news.text.isEmpty {
            kept.append(reply)
            size += news.text.utf8.count
            while size > Self.kept, kept.count > 1 { size -= kept.removeFirst().text.utf8.count }
        }
        for (id, follower) in followers { send(reply, to: id, follower) }
    }

    private mutating func send(_ reply: Manager.Console.Reply, to id: Int, _ follower: Follower) {
        var own = reply
        if follower.missed > 0 { own.text = "\n<missed \(follower.missed) bytes: read them faster>\n" + own.text }
        switch follower.continuation.yield(own) {
        case .enqueued: followers[id]?.missed = 0
        case .dropped: followers[id]?.missed += reply.text.utf8.count
        default: followers[id] = nil
        }
    }

    /// - Parameter first: what the client has not received.
    mutating func add(first: [Manager.Console.Reply]) -> (id: Int, replies: AsyncStream<Manager.Console.Reply>) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Manager.Console.Reply.self, bufferingPolicy: .bufferingOldest(Self.queueLength + first.count))
        for reply in first { continuation.yield(reply) }
        next += 1
        followers[next] = Follower(continuation: continuation)
        return (next, stream)
    }

    mutating func remove(_ id: Int) {
        followers.removeValue(forKey: id)?.continuation.finish()
    }

    mutating func finish() {
        for follower in followers.values { follower.continuation.finish() }
        followers = [:]
    }

    /// Everything that is kept and, last, how things are.
    ///
    /// - Parameters:
    ///   - now: µs since 1970.
    ///   - age: of the last reading, in µs; nil when there was none.
    func replies(now: Int, age: Int?) -> [Manager.Console.Reply] {
        kept + [Manager.Console.Reply(state, at: now, age: age)]
    }
}
