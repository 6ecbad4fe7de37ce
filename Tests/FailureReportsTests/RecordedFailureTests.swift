// SPDX-License-Identifier: Apache-2.0

import Supervision
import Testing

@testable import FailureReports

@Suite("What the daemon recorded of a failure")
struct RecordedFailureTests {
    static let unusable = Refusal(kind: .definition, message: "a.bin: No such file or directory")

    @Test(
        "Each cause has a page, for when no line of the console explains it",
        arguments: [
            (FailureCause.failed(cpus: []), "own failed"), (.failed(cpus: [2]), "violation"),
            (.failed(cpus: [2, 3]), "violation"), (.cpusFailed([2]), "violation"),
            (.communicationABIMismatch, "Comm ABI mismatch"), (.invalidState, "invalid"),
            (.vanished, "vanished"), (.lostStart, "lost start"), (.startedUnloaded, "replaced"),
            (.stalled, "stalled"), (.silent, "silent"), (.ended, "stopped"),
            (.guestEnded(.panic), "panic"), (.guestEnded(.reboot), "guest reboot"),
            (.guestEnded(.shutdown), "guest shutdown"),
            (.refused(.load, Refusal(kind: .other, message: "no", errno: 16)), "refused load"),
            (.refused(.create, Refusal(kind: .other, message: "no", errno: 16)), "refused"),
            (.refused(.load, Self.unusable), "unusable definition"),
            (.refused(.create, Self.unusable), "unusable definition"),
            (.didNotAnswer(Unanswered(command: .create, cell: "b", stall: .seconds(1))), "no answer"),
            (.refused(.shutDown, Refusal(kind: .other, message: "no", errno: 16)), "refused"),
            (.refused(.destroy, Self.unusable), "unusable definition"),
            (.refused(.create, Refusal(kind: .other, message: "a foreign cell")), "not given"),
            (.hypervisorFailed([3]), "hypervisor failed"), (.countersUnreadable, "unverified"),
            (.startUnverified, "unverified"),
        ])
    func page(cause: FailureCause, word: String) throws {
        #expect(try #require(ConditionPage.ofFailure(reason: "\(cause)")) == #require(ConditionPage.named(word)))
    }

    @Test("A refusal is explained by the command and its error number, with all causes")
    func refused() throws {
        let cause = FailureCause.refused(.create, Refusal(kind: .other, message: "cannot create a: busy", errno: 16))
        #expect("\(cause)" == "create was refused: cannot create a: busy (EBUSY)")
        let explanation = try #require(ConditionPage.explanation(ofFailure: "\(cause)"))
        #expect(explanation.summary.contains("one of 3 reasons"))
        #expect(explanation.notes.count == 3 && explanation.notes[0].contains("not Linux's to give"))
        #expect(explanation.rule == nil)
    }

    @Test(
        "Of a refusal whose cause was seen, only that is said; another number than the known ones has its general meaning"
    )
    func knownCause() throws {
        let words = "create a: \(Refusal.knownCause)CPU 2 is cell b's, which is running; destroy that cell first"
        let cause = FailureCause.refused(.create, Refusal(kind: .other, message: words, errno: 16))
        let explanation = try #require(ConditionPage.explanation(ofFailure: "\(cause)"))
        #expect(Refusal.knownCause == CommandError.knownCause)
        #expect(explanation.summary == "CPU 2 is cell b's, which is running.")
        #expect(explanation.advice == "Destroy that cell first." && explanation.notes.isEmpty)
        #expect(CommandError.ofFailure(reason: "\(cause)")?.keys == ["cell.cpus"])
        #expect(CommandError.known("create", "EBUSY", message: "busy; wait (EBUSY)") == nil)
        let other = FailureCause.refused(.create, Refusal(kind: .other, message: "no", errno: 18))
        let general = try #require(ConditionPage.explanation(ofFailure: "\(other)"))
        #expect(general.summary.hasPrefix("EXDEV: neither the driver nor the hypervisor"), "\(general)")
        #expect(general.advice.contains("dmesg") && general.advice.contains("EBUSY"), "\(general)")
    }

    @Test("A program that does not run is not said to deny anything")
    func atRest() throws {
        let cause = FailureCause.refused(.load, Refusal(kind: .other, message: "\(Refusal.atRest): look", errno: 1))
        let explanation = try #require(ConditionPage.explanation(ofFailure: "\(cause)"))
        #expect(Refusal.atRest == CommandError.refusedAtRest)
        #expect(explanation.summary.contains("although the program does not run"), "\(explanation)")
        #expect(explanation.notes.isEmpty && explanation.advice.contains("dmesg"), "\(explanation)")
    }

    @Test("Of the command for itself that it did not answer, it is not named as another")
    func ownCommand() {
        let cause = FailureCause.didNotAnswer(Unanswered(command: .shutDown, cell: nil, stall: .seconds(1)))
        #expect("\(cause)".hasPrefix("it did not answer when it was shut down, and the hypervisor stopped it;"))
    }

    @Test("Of an image that cannot be used, nobody claims that the hypervisor refused it")
    func notLoaded() {
        #expect("\(FailureCause.refused(.load, Self.unusable))" == "it was not loaded: \(Self.unusable.message)")
    }
}
