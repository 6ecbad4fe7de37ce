// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// How an operating system in a cell ended. The hypervisor does not learn of it: the cell's state remains `running`.
package enum GuestEnd: String, CaseIterable, Hashable, Sendable, Codable {
    case panic
    /// It powered off or halted.
    case shutdown
    /// It wants to be started again, which it cannot do by itself.
    case reboot
}

extension CellLifecycle {
    /// The end of the guest that runs; nil while none is known.
    package var guestEnd: GuestEnd? { if case .up(let uptime) = progress { uptime.guestEnd } else { nil } }

    /// Someone who can see it says that the guest has ended. The next look judges.
    mutating func hear(_ end: GuestEnd) {
        // a command that has been given may have replaced it
        guard inFlight == nil, case .up(var uptime) = progress, uptime.guestEnd == nil else { return }
        uptime.guestEnd = end
        progress = .up(uptime)
    }

    /// What the guest's end means for a cell that the hypervisor calls running.
    ///
    /// - Returns: whether something follows from it.
    mutating func judgeGuest(at now: Moment, _ actions: inout [Action]) -> Bool {
        guard let end = guestEnd, let policy = supervised?.policy else { return false }
        // no one is left who could answer
        if isWaitedForWithoutEnd { isSilent = true }
        guard memory.goal == .run, !memory.aim.restartsAnew else { return false }
        let isFailure =
            switch end {
            case .panic: true
            case .shutdown: policy.restart == .always
            case .reboot: policy.restart != .never
            }
        if isFailure {
            fail(.guestEnded(end), at: now, &actions)
        } else {
            // its CPUs still spin or sleep in the cell
            actions.append(.report(.guestEnded(end)))
            memory.aim = .stop(Aim.Ending(resumes: false))
            settle(with: nil, &actions) { $0 == .start || $0 == .restart }
        }
        return true
    }
}

// MARK: - Asking it to end

extension CellLifecycle {
    /// Whether the cell's operating system is to shut down before the cell is stopped, and has time left: whoever can
    /// ask it sees the condition `stopping`.
    mutating func awaitsGuest(_ observation: Observation, at now: Moment, _ actions: inout [Action]) -> Bool {
        guard let timeout = guestPatience, case .up(var uptime) = progress, observation.state.isRunning else {
            return false
        }
        guard let asked = uptime.asked else {
            uptime.asked = now
            progress = .up(uptime)
            actions.append(.report(.guestAsked(within: timeout)))
            return true
        }
        if now - asked < timeout { return true }
        actions.append(.report(.guestUnresponsive(after: timeout)))
        return false
    }

    /// When the guest that was asked is not waited for any more.
    var guestDeadline: Moment? {
        guard let timeout = guestPatience, case .up(let uptime) = progress, let asked = uptime.asked else { return nil }
        switch memory.aim {
        case .stop, .absent: return asked + timeout
        case .run: return memory.aim.restartsAnew ? asked + timeout : nil
        case .unsaid, .leave, .exist: return nil
        }
    }

    /// It is not to end any more; next time it is asked anew.
    mutating func stopAskingGuest() {
        guard case .up(var uptime) = progress, uptime.asked != nil else { return }
        uptime.asked = nil
        progress = .up(uptime)
    }

    /// Nil when there is no one to ask: it has ended, hangs, or has lost a CPU.
    private var guestPatience: Duration? {
        guard let policy = supervised?.policy, policy.asksGuest, guestEnd == nil, !isQuiet, !isSilent,
            sighting?.observation?.failedCPUs.isEmpty != false
        else { return nil }
        return policy.stopTimeout
    }
}
