// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Hypervisor
import Testing

@testable import Daemon

@Suite("The console and those who follow it")
struct ConsoleFeedTests {
    private func texts(_ replies: [Manager.Console.Reply]) -> [String] { replies.map(\.text) }

    @Test("Text is kept, a reading without news is not, and the state comes last")
    func kept() {
        var feed = ConsoleFeed()
        #expect(feed.replies(now: 9, age: nil) == [.init(text: "", at: 9, state: nil, age: nil)])
        feed.take(.init(text: "a\n", state: .readable), at: 1)
        feed.take(.init(text: "", state: .readable), at: 2)
        feed.take(.init(text: "b\n", state: .disabled), at: 3)
        #expect(
            feed.replies(now: 9, age: 4) == [
                .init(text: "a\n", at: 1, state: "readable"), .init(text: "b\n", at: 3, state: "disabled"),
                .init(text: "", at: 9, state: "disabled", age: 4),
            ])
    }

    @Test("Not more is kept than the limit says")
    func limit() {
        var feed = ConsoleFeed()
        for number in 0..<100 {
            feed.take(.init(text: String(repeating: "x", count: 4000) + "\(number)", state: .readable), at: number)
        }
        #expect(feed.kept.reduce(0) { $0 + $1.text.utf8.count } <= ConsoleFeed.kept)
        #expect(feed.kept.last?.text.hasSuffix("x99") == true)
    }

    @Test("A follower gets what is there, then what comes, a change of the state included")
    func follows() async {
        var feed = ConsoleFeed()
        feed.take(.init(text: "a\n", state: .readable), at: 1)
        let (id, replies) = feed.add(first: feed.replies(now: 2, age: nil))
        #expect(feed.isFollowed)
        feed.take(.init(text: "b\n", state: .readable), at: 3)
        feed.take(.init(text: "", state: .disabled), at: 4)
        feed.remove(id)
        #expect(!feed.isFollowed)
        var received: [Manager.Console.Reply] = []
        for await reply in replies { received.append(reply) }
        #expect(texts(received) == ["a\n", "", "b\n", ""])
        #expect(received.last?.state == "disabled")
    }

    @Test("A slow follower is told how much it missed, and delays nobody")
    func slow() async {
        var feed = ConsoleFeed()
        let (_, replies) = feed.add(first: [])
        for number in 0..<(ConsoleFeed.queueLength + 3) {
            feed.take(.init(text: "ab\n", state: .readable), at: number)
        }
        var iterator = replies.makeAsyncIterator()
        for _ in 0..<ConsoleFeed.queueLength { #expect(await iterator.next()?.text == "ab\n") }
        feed.take(.init(text: "c\n", state: .readable), at: 0)
        #expect(await iterator.next()?.text == "\n<missed 9 bytes: read them faster>\nc\n")
    }
}
