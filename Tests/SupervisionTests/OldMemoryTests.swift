// SPDX-License-Identifier: Apache-2.0

import Foundation
import JailhouseInterface
import Testing

@testable import Supervision

/// The cells of a state file, as earlier releases wrote and read them.
@Suite("The memory of an earlier release")
struct OldMemoryTests {
    /// Written by the release of November 2026.
    private static let full = #"""
        {"budget":{"attempts":[{"nanoseconds":5}],"consecutive":1},"condition":"gave-up",\#
        "creation":{"handshake":{"unbounded":{"accepted":true}},"id":2,"isOwn":false},"failedID":2,\#
        "failure":{"refused":{"_0":"load","_1":{"errno":22,"kind":"other","message":"no"}}},"gaveUp":true,\#
        "goal":"leave","lastAnswer":"timed-out","lastAnswerTime":{"nanoseconds":6},\#
        "lastStall":[0,700000000000000000],"restarts":3,"since":{"nanoseconds":7},"trustsFirstSight":true,\#
        "unverified":{"before":[4],"cell":2,"lostStarts":1,"since":{"nanoseconds":8}}}
        """#
    private static let empty = #"{"budget":{"attempts":[],"consecutive":0},"gaveUp":false,"restarts":0}"#

    private func read(_ text: String) throws -> LifecycleMemory {
        try JSONDecoder().decode(LifecycleMemory.self, from: Data(text.utf8))
    }

    @Test("It is read, and written as it was", arguments: [full, empty])
    func unchanged(text: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        #expect(String(decoding: try encoder.encode(try read(text)), as: UTF8.self) == text)
    }

    @Test("Everything in it is known")
    func everything() throws {
        let memory = try read(Self.full)
        #expect(memory.goal == .leave && memory.isGivenUp && memory.restarts == 3)
        #expect(memory.failedID == 2)
        #expect(memory.failure == .refused(.load, Refusal(kind: .other, message: "no", errno: 22)))
        #expect(memory.shown == .init(condition: .gaveUp, since: Moment(nanoseconds: 7)))
        #expect(memory.answered == .init(.timedOut, at: Moment(nanoseconds: 6), stall: .milliseconds(700)))
        #expect(memory.budget.attempts == [Moment(nanoseconds: 5)])
        #expect(memory.unverified?.cell == 2 && memory.creation?.id == 2 && memory.trustsFirstSight == true)
    }

    @Test("What only a damaged file says together is not believed")
    func senseless() throws {
        let memory = try read(#"{"budget":{"attempts":[],"consecutive":0},"gaveUp":true,"goal":"run","restarts":0}"#)
        #expect(memory.goal == .run && !memory.isGivenUp)
    }

    @Test("What a goal brings with it is not written")
    func kept() throws {
        var story = Story()
        story.bringUp()
        story.see(.failed)
        #expect(story.lifecycle.nextRestart != nil)
        let memory = story.lifecycle.memory.kept
        #expect(try read(String(decoding: JSONEncoder().encode(memory), as: UTF8.self)) == memory)
    }
}
