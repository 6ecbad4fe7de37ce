// SPDX-License-Identifier: Apache-2.0

import Supervision
import Testing

@testable import Daemon

@Suite("Refused commands")
struct RefusalsTests {
    private static let start = Moment(nanoseconds: 0)

    @Test("A refusal that a policy repeats is written once, then after growing pauses, with how often it was seen")
    func repeated() {
        var refusals = Refusals()
        var written: [(second: Int, text: String)] = []
        for second in 0..<8000 {
            let now = Self.start + .seconds(second)
            if let text = refusals.note(.destroy, of: "a", "no", at: now) { written.append((second, text)) }
        }
        #expect(written.map(\.second) == [0, 60, 180, 420, 900, 1860, 3780, 7380])
        #expect(written[0].text == "")
        #expect(written[1].text == " (refused 61 times by now, 60 of them since this was written last)")
        #expect(written[2].text == " (refused 181 times by now, 120 of them since this was written last)")
    }

    @Test("Another reason, another cell, another command, and one after a success are written at once")
    func changed() {
        var refusals = Refusals()
        func isWritten(_ command: Command = .destroy, _ cell: String = "a", _ message: String = "no") -> Bool {
            refusals.note(command, of: cell, message, at: Self.start) == ""
        }
        #expect(isWritten() && !isWritten())
        #expect(isWritten(.destroy, "a", "locked") && !isWritten(.destroy, "a", "locked") && isWritten())
        #expect(isWritten(.destroy, "b") && isWritten(.load))
        refusals.end(.destroy, of: "a")
        #expect(isWritten() && !isWritten(.destroy, "b"))
    }

    @Test("They are counted by command and error number, of which there are few")
    func counts() {
        var refusals = Refusals()
        refusals.count("enable", errno: 5)
        refusals.count("enable", errno: 5)
        for errno in [0, 523, 524] as [Int32] { refusals.count("create", errno: errno) }
        #expect(refusals.counts == ["enable": ["EIO": 2], "create": ["none": 1, "other": 2]])
    }
}
