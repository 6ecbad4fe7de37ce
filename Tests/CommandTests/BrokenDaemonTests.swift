// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Testing

/// A daemon that errs must not take its clients along: each says what is wrong, soon and without much memory.
@Suite("jailhouse-ctl and a broken daemon")
struct BrokenDaemonTests {
    /// On a thread of its own, since it waits.
    private func list(_ daemon: ScriptedDaemon) async throws -> Executable.Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try Executable.run(["list", "--socket", daemon.socket]) })
            }
        }
    }

    private func answer(_ messages: [[UInt8]], hangsUp: Bool = true) throws -> ScriptedDaemon {
        try ScriptedDaemon { _ in ScriptedDaemon.Answer(messages: messages, hangsUp: hangsUp) }
    }

    private static let huge = [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20)

    @Test(
        "Each mistake has its sentence",
        arguments: [
            (["garbage\0"], "invalid reply"), (["[[[[\0"], "invalid reply"), (["\0"], "invalid reply"),
            ([#"{"parameters":{"machine":3}}"# + "\0"], "invalid reply"),
            ([String(repeating: "[", count: 100_000) + "\0"], "nested more than 32 deep"),
            ([#"{"parameters":{"mach"#], "closed the connection"), ([], "closed the connection"),
            ([#"{"error":"x.Y","parameters":{}}"# + "\0"], "unknown error x.Y"),
        ] as [([String], String)])
    func mistakes(messages: [String], sentence: String) async throws {
        let daemon = try answer(messages.map { Array($0.utf8) })
        let ended = try await list(daemon)
        #expect(ended.status != 0)
        #expect(ended.error.contains(sentence), "\(ended.error)")
    }

    @Test("A reply without end is not collected for ever")
    func endless() async throws {
        let daemon = try answer([Self.huge], hangsUp: false)
        let ended = try await list(daemon)
        #expect(ended.status == 1)
        #expect(ended.error.contains("a message of more than 4194304 bytes"), "\(ended.error)")
    }

    @Test("A reply that does not go on is not waited for for ever")
    func halfReply() async throws {
        let daemon = try answer([Array(#"{"parameters":"#.utf8)], hangsUp: false)
        let start = ContinuousClock.now
        let ended = try await list(daemon)
        #expect(ended.status == 69)
        #expect(ended.error.contains("the daemon does not answer"), "\(ended.error)")
        #expect(ContinuousClock.now - start >= .seconds(9))
    }

    @Test("What a daemon says before it hangs up is told")
    func refused() async throws {
        let refusal = ManagerError.limitExceeded(limit: "connections", message: "64 clients are connected")
        let daemon = try answer([VarlinkReply.message(refusal)])
        let ended = try await list(daemon)
        #expect(ended.status == 1)
        #expect(ended.error.contains("64 clients are connected"), "\(ended.error)")
    }
}
