// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Supervision
import Testing

@testable import Daemon

@Suite("What is known of a cell that gives no sign of life")
struct SilenceTests {
    private let now = Moment(nanoseconds: 20_000_000_000)

    private func text(
        _ check: LivenessCheck, seen: String? = nil, last: Silence.LastSign? = nil, exits: UInt64? = nil
    ) -> String {
        let rule = Liveness(.listener, within: .seconds(2), afterStart: .seconds(9))
        return Silence(check: check, rule: rule, last: last, seen: seen, exits: exits).text(at: now)
    }

    @Test("Which rule, since when, and what was seen last")
    func command() {
        let before = Silence.LastSign(at: Moment(nanoseconds: 17_700_000_000), isSign: true)
        let failed = text(
            LivenessCheck(kind: .command), seen: "the command /bin/false exited with status 1", last: before)
        #expect(
            failed
                == "liveness \"command\" within 2.0 s; its last sign was 2.3 s before; the command /bin/false exited with status 1"
        )
        let never = text(
            LivenessCheck(kind: .console, contains: "beat"),
            last: .init(at: Moment(nanoseconds: 11_000_000_000), isSign: false))
        #expect(
            never
                == "liveness \"console\" after-start 9.0 s; no sign in the 9.0 s since it came up or was found; no line with \"beat\" was seen"
        )
    }

    @Test("Each kind says what it looks at")
    func kinds() {
        #expect(text(LivenessCheck(kind: .exits), exits: 7).hasSuffix("its count of VM exits stays 7"))
        #expect(
            text(LivenessCheck(kind: .console, contains: "beat"), seen: "beat 17").hasSuffix(
                "the last line with \"beat\" was \"beat 17\""))
        #expect(text(LivenessCheck(kind: .external)).hasSuffix("nobody reported one"))
        #expect(
            text(LivenessCheck(kind: .heartbeat), seen: "the word at 0x1000 stays 5").hasSuffix(
                "the word at 0x1000 stays 5"))
    }

    @Test("What an inmate or a client says is one line, and not long")
    func plain() {
        #expect(Silence.plain("a\nb\r\nc") == "a b c")
        #expect(Silence.plain(String(repeating: "x", count: 1000)).count == 302)
    }
}
