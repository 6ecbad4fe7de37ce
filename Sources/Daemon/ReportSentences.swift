// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Supervision
import SystemdSupport

extension Report {
    /// The word in a change's `kind`.
    var kind: String {
        switch self {
        case .conditionChanged(_, .absent): "gone"
        case .conditionChanged: "condition"
        case .adopted: "adopted"
        case .failed: "failure"
        case .restarting: "restarting"
        case .gaveUp: "gave-up"
        case .leftAlone: "left"
        case .lostStart: "lost-start"
        case .recreating: "recreating"
        case .shutdownAnswered: "shutdown"
        case .cpusFailed: "cpus-failed"
        case .silent: "silent"
        case .alive: "alive"
        case .replaced: "replaced"
        case .guestEnded: "guest-ended"
        case .guestAsked, .guestUnresponsive: "shutdown"
        }
    }

    var messageKind: MessageKind {
        switch self {
        case .conditionChanged: .cellCondition
        case .adopted: .cellAdopted
        case .failed: .cellFailed
        case .restarting: .cellRestarting
        case .gaveUp: .cellGaveUp
        case .leftAlone: .cellLeft
        case .lostStart: .cellStartLost
        case .recreating: .cellRecreating
        case .shutdownAnswered(.approved), .shutdownAnswered(.notAsked): .cellShutdown
        case .shutdownAnswered(.denied): .cellShutdownDenied
        case .shutdownAnswered(.timedOut): .cellUnresponsive
        case .cpusFailed: .cellCPUsFailed
        case .silent: .cellSilent
        case .alive: .cellAlive
        case .replaced: .cellReplaced
        case .guestEnded: .cellGuestEnded
        case .guestAsked: .cellShutdown
        case .guestUnresponsive: .cellGuestUnresponsive
        }
    }

    /// For people.
    var sentence: String {
        switch self {
        case .conditionChanged(let from, let to): "\(from.rawValue) → \(to.rawValue)"
        case .adopted(let state): "adopted in state \(state.rawValue)"
        case .failed(let cause): "\(cause)"
        case .restarting(let delay, let attempt, let limit):
            "restarting \(delay == .zero ? "at once" : "in \(delay)") (attempt \(attempt) of \(limit))"
        case .gaveUp(let attempts, let within):
            "failed again after \(attempts) restarts within \(within): giving up until it is started by hand"
        case .leftAlone(.madeByOthers):
            """
            not started: another tool created and started it, so it may never answer a shutdown request, and Linux would \
            hang; stop or destroy it with that tool
            """
        case .leftAlone:
            "not started: it does not respond and has no message-timeout, so a shutdown request would hang Linux"
        case .lostStart(let attempt):
            "the hypervisor lost its start (none of its CPUs ran): starting again, attempt \(attempt)"
        case .recreating(let refusal): "destroying and creating it again because load was refused: \(refusal.message)"
        case .shutdownAnswered(.approved): "the inmate approved the shutdown request"
        case .shutdownAnswered(.denied): "the inmate rejected the shutdown request"
        case .shutdownAnswered(.timedOut):
            """
            the inmate did not answer the shutdown request in time; Linux was stalled while the hypervisor waited
            """
        case .shutdownAnswered(.notAsked): "stopped without a shutdown request"
        case .cpusFailed(let cpus):
            "CPU \(cpus.map(String.init).joined(separator: ", ")) failed; the cell continues without it"
        case .silent(let patience): "it runs, and has given no sign of life for \(patience.inWords)"
        case .alive: "it gives signs of life again"
        case .guestAsked(let timeout): "its Linux is asked to shut down, and has \(timeout.inWords) for it"
        case .guestUnresponsive(let timeout):
            "its Linux did not shut down within \(timeout.inWords); stopping the cell all the same"
        case .guestEnded(let end): "\(FailureCause.guestEnded(end)); stopping the cell"
        case .replaced(let id): "replaced by another cell of the same name (id \(id))"
        }
    }
}
