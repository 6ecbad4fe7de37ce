// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// Why a cell does not run although it should.
package enum FailureCause: Hashable, Sendable, Codable {
    /// All CPUs of the cell are parked, or the inmate itself says so.
    case failed(cpus: [Int])
    /// The inmate does not support the hypervisor's revision of the communication region.
    case communicationABIMismatch
    /// The inmate wrote a state that does not exist.
    case invalidState
    /// Another tool destroyed it.
    case vanished
    /// A start returned success and never took effect.
    case lostStart
    /// Another cell of its name had replaced it when it was started: the start may have reached a cell without images.
    case startedUnloaded
    /// No VM exit for longer than its liveness rule allows.
    case stalled
    /// No sign of life, of any other kind than VM exits, for longer than its liveness rule allows.
    case silent
    /// The inmate shut itself down although it should always run.
    case ended
    /// Its operating system ended, as its console or its guest service says.
    case guestEnded(GuestEnd)
    /// The hypervisor refused a command.
    case refused(Command, Refusal)
    /// The hypervisor stopped it: it did not answer in time when another cell was created or destroyed.
    case didNotAnswer(Unanswered)
    /// Some of its CPUs are parked after a violation, the others run on.
    case cpusFailed([Int])
    /// The hypervisor itself failed on these CPUs of it, which answer nothing until the next boot.
    case hypervisorFailed([Int])
    /// Its exit counters cannot be read, so that it cannot be seen whether a start takes effect.
    case countersUnreadable
    /// The same, after it was started. The caller of the start gets this reason; the cell is not stopped.
    case startUnverified
}

extension FailureCause {
    /// Whether only the daemon considers the cell failed; the hypervisor still reports `running`.
    package var isDeclared: Bool {
        switch self {
        case .stalled, .silent, .guestEnded, .lostStart, .startedUnloaded, .cpusFailed, .hypervisorFailed: true
        default: false
        }
    }
}

extension FailureCause {
    /// One of few words, whatever an inmate does.
    package var kind: String {
        switch self {
        case .failed(let cpus): cpus.isEmpty ? "declared" : "violation"
        case .cpusFailed: "cpu-violation"
        case .hypervisorFailed: "hypervisor"
        case .communicationABIMismatch: "abi-mismatch"
        case .invalidState: "invalid-state"
        case .vanished: "vanished"
        case .lostStart: "lost-start"
        case .startedUnloaded: "replaced"
        case .stalled: "stalled"
        case .silent: "silent"
        case .ended, .guestEnded(.shutdown): "ended"
        case .guestEnded(.panic): "panic"
        case .guestEnded(.reboot): "reboot"
        case .refused: "refused"
        case .didNotAnswer: "no-answer"
        case .countersUnreadable, .startUnverified: "unverified"
        }
    }
}

extension FailureCause: CustomStringConvertible {
    package var description: String {
        switch self {
        case .failed(let cpus) where cpus.isEmpty: "the inmate declared itself failed"
        case .failed(let cpus) where cpus.count == 1: "CPU \(cpus[0]) was parked after a violation"
        case .failed(let cpus):
            "CPUs \(cpus.map(String.init).joined(separator: ", ")) were parked after a violation"
        case .communicationABIMismatch: "the inmate does not know this revision of the communication region"
        case .invalidState: "the inmate wrote an unknown state to its communication region"
        case .vanished: "it was destroyed by another program"
        case .lostStart: "its start was lost: no CPU of it ever ran"
        case .startedUnloaded:
            "another tool replaced it while it was started: it may run with nothing loaded, and never answer"
        case .stalled: "it made no VM exit for longer than its liveness rule allows"
        case .silent: "it gave no sign of life for longer than its liveness rule allows"
        case .ended: "it shut itself down"
        case .guestEnded(.panic): "its Linux panicked"
        case .guestEnded(.shutdown): "its Linux shut down"
        case .guestEnded(.reboot): "its Linux asked for a reboot"
        case .refused(let command, let refusal) where refusal.kind == .definition:
            "it was not \(command.participle): \(refusal.message)"
        case .refused(let command, let refusal) where refusal.errno > 0:
            "\(command.rawValue) was refused: \(refusal.message) (\(ErrnoName.of(refusal.errno)))"
        case .refused(let command, let refusal): "\(command.rawValue) was refused: \(refusal.message)"
        case .didNotAnswer(let unanswered):
            """
            it did not answer when \(unanswered.cell ?? "it") was \(unanswered.command.participle), and the hypervisor \
            stopped it; Linux was stalled for \(unanswered.stall.inWords)
            """
        case .cpusFailed(let cpus) where cpus.count == 1:
            "CPU \(cpus[0]) was parked after a violation; the cell continues without it"
        case .cpusFailed(let cpus):
            """
            CPUs \(cpus.map(String.init).joined(separator: ", ")) were parked after a violation; the cell continues \
            without them
            """
        case .hypervisorFailed(let cpus):
            "the hypervisor itself failed on \(cpus.count == 1 ? "CPU" : "CPUs") \(CPUList.text(cpus))"
        case .countersUnreadable:
            "its exit counters cannot be read, so it cannot be verified whether a start takes effect"
        case .startUnverified:
            "its exit counters cannot be read, so it cannot be verified whether its start took effect"
        }
    }
}

extension Command {
    fileprivate var participle: String {
        switch self {
        case .create: "created"
        case .load: "loaded"
        case .start: "started"
        case .shutDown: "shut down"
        case .destroy: "destroyed"
        }
    }
}

extension Duration {
    /// For people, such as `1.2 s` or `340 ms`.
    package var inWords: String {
        let milliseconds = max(0, wholeNanoseconds / 1_000_000)
        guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }
}

/// Why the hypervisor refused a command.
package struct Refusal: Error, Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// The inmate denied the shutdown request.
        case denied
        /// Another cell is `running/locked`.
        case otherCellLocked
        /// The definition, or a file that it names, cannot be used; the hypervisor was not asked.
        case definition
        /// Anything else.
        case other
    }

    /// How a message begins that says that the inmate, which does not run, is not the reason.
    package static let atRest = "the driver refused it although the inmate does not run"

    /// What is in a message that says which of an error number's causes it was, before that cause.
    package static let knownCause = "the cause is known: "

    package var kind: Kind
    /// A sentence: the problem, its place and the remedy.
    package var message: String
    /// The kernel's reason, 0 where it was not asked.
    package var errno: Int32

    package init(kind: Kind, message: String, errno: Int32 = 0) {
        self.kind = kind
        self.message = message
        self.errno = errno
    }
}
