// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// One cell of a hypervisor as it really is; the lifecycle knows of it only by looks.
///
/// It is small enough that all of its states can be visited, and has the traps of the real one: lost starts, loads that
/// stop a cell and are refused then, denied shutdowns, the passing `invalid`, and the handshake that freezes Linux.
struct ModelWorld: Hashable, Sendable {
    enum Images: Hashable { case none, intact, executed }

    enum Inmate: Hashable {
        /// No CPU executes, and all know it.
        case none
        case healthy
        /// It says `running`, and neither answers nor makes a VM exit: it hangs, or others started garbage.
        case hung
        /// Our start of it was lost: `running`, and no CPU ever executed.
        case lost
    }

    var isEnabled = true
    /// Nil while there is no cell of this name.
    var state: CellState?
    /// Numbers are renamed by ``Place/abstracted``: 1 is the cell that is there.
    var id = 1
    var images = Images.none
    var inmate = Inmate.none
    var hasFailedCPU = false
    /// Others create or destroy a cell, so that this one says `invalid` for a moment.
    var isShownInvalid = false
    var managementExits: UInt64 = 0
    var totalExits: UInt64 = 0
    /// A command asked an inmate that does not answer, without a time limit.
    var isFrozen = false

    /// What a look shows.
    func sighting(_ curiosity: Curiosity) -> Sighting {
        guard isEnabled else { return .disabled }
        guard let state else { return .absent }
        return .present(
            Observation(
                id: id, state: isShownInvalid ? .invalid : state, failedCPUs: hasFailedCPU ? [0] : [],
                managementExits: curiosity.contains(.managementExits) ? [managementExits] : nil,
                totalExits: curiosity.contains(.totalExits) ? totalExits : nil))
    }

    mutating func forgetCell() {
        (state, id, images, inmate, hasFailedCPU) = (nil, 1, .none, .none, false)
        (isShownInvalid, managementExits, totalExits) = (false, 0, 0)
    }

    private mutating func shutDown() {
        (state, inmate, hasFailedCPU) = (.shutDown, .none, false)
        managementExits += 1
    }

    private mutating func start() {
        (state, hasFailedCPU) = (.running, false)
        inmate = images == .intact ? .healthy : .hung
        images = .executed
        managementExits += 1
    }
}

// MARK: - Commands

/// How a command can end.
enum Ending: CaseIterable, Sendable {
    case done
    /// EIO and the like, and nothing was done.
    case refused
    /// EIO and the like, although it was done.
    case refusedAfterwards
    /// A load that stops the cell and is refused then, or a start that returns 0 and is lost.
    case halfDone
    /// EPERM from an inmate that was asked; or from a start that was lost.
    case denied
    /// Another cell is `running/locked`.
    case otherCellLocked
    /// The definition's files cannot be used; the hypervisor was not asked.
    case unusable
    /// The cell was not as it had been any more when the command's turn came: it was not given.
    case overtaken
}

extension ModelWorld {
    /// Carries out a command; nil where it cannot end so.
    mutating func perform(_ command: Command, _ ending: Ending, handshake: Handshake) -> Outcome? {
        let isPossible = isEnabled && (state == nil) == (command == .create)
        let asks = isPossible && handshake != .passive && state?.isAskedToShutDown == true
        let timesOut = asks && inmate != .healthy
        switch ending {
        case .refused: return .refused(Refusal(kind: .other, message: "EIO", errno: 5))
        case .otherCellLocked where command == .create || command == .destroy:
            return .refused(Refusal(kind: .otherCellLocked, message: "EPERM", errno: 1))
        case .overtaken: return .overtaken
        case .unusable where command == .create || command == .load:
            return .refused(Refusal(kind: .definition, message: "unusable"))
        case .denied where isPossible && command == .start && state == .shutDown:
            guard carryOut(command, halfway: true) else { return nil }
            return .refused(Refusal(kind: .denied, message: "EPERM", errno: 1))
        case .denied where asks && inmate == .healthy:
            return .refused(Refusal(kind: .denied, message: "EPERM", errno: 1))
        case .done where isPossible, .refusedAfterwards where isPossible, .halfDone where isPossible:
            if timesOut, case .unbounded = handshake {
                guard ending == .done else { return nil }
                isFrozen = true
                return .done()
            }
            guard carryOut(command, halfway: ending == .halfDone) else { return nil }
            let isRefused = ending == .refusedAfterwards || ending == .halfDone && command == .load
            return
                isRefused
                ? .refused(Refusal(kind: .other, message: "EIO", errno: 5))
                : .done(unanswered: timesOut ? .milliseconds(700) : nil)
        default: return nil
        }
    }

    private mutating func carryOut(_ command: Command, halfway: Bool) -> Bool {
        switch command {
        case .load:
            shutDown()
            images = halfway ? .none : .intact
        case .start where halfway:
            (state, inmate, hasFailedCPU) = (.running, .lost, false)
        case _ where halfway: return false
        case .create: state = .shutDown
        case .start: start()
        case .shutDown: shutDown()
        case .destroy: forgetCell()
        }
        return true
    }
}

// MARK: - Misfortunes

/// What befalls a cell without the daemon's doing.
enum Misfortune: CaseIterable, Sendable {
    case allCPUsFail, oneCPUFails, inmateEnds, inmateHangs, inmateRecovers, abiMismatch, invalidState, locks, unlocks
    case shownInvalid, shownAgain
    case destroyedByOthers, createdByOthers, createdByOthersWithAnotherID, loadedByOthers, startedByOthers
    case stoppedByOthers, disabledByOthers, enabledByOthers
}

extension ModelWorld {
    /// False where that cannot happen.
    mutating func befall(_ what: Misfortune) -> Bool {
        let isRunning = state?.isRunning == true && !isShownInvalid
        switch what {
        case .allCPUsFail where isRunning && inmate != .lost: (state, inmate, hasFailedCPU) = (.failed, .none, true)
        case .oneCPUFails where isRunning && inmate == .healthy && !hasFailedCPU: hasFailedCPU = true
        case .inmateEnds where isRunning && inmate == .healthy: (state, inmate) = (.shutDown, .none)
        case .inmateHangs where isRunning && inmate == .healthy: inmate = .hung
        case .inmateRecovers where isRunning && inmate == .hung: inmate = .healthy
        case .abiMismatch where isRunning && inmate == .healthy:
            (state, inmate) = (.communicationABIMismatch, .none)
        case .invalidState where isRunning && inmate == .healthy: (state, inmate) = (.invalid, .hung)
        case .locks where isRunning && inmate == .healthy && state == .running: state = .runningLocked
        case .unlocks where isRunning && inmate == .healthy && state == .runningLocked: state = .running
        case .shownInvalid where isEnabled && state != nil && !isShownInvalid: isShownInvalid = true
        case .shownAgain where isShownInvalid: isShownInvalid = false
        case .destroyedByOthers where state != nil: forgetCell()
        case .createdByOthers where isEnabled && state == nil: state = .shutDown
        case .createdByOthersWithAnotherID where isEnabled && state == nil:
            (state, id) = (.shutDown, 3)
        case .loadedByOthers where isEnabled && state != nil && !isShownInvalid:
            shutDown()
            images = .intact
        case .startedByOthers where isEnabled && state == .shutDown && !isShownInvalid: start()
        case .stoppedByOthers where isRunning: shutDown()
        case .disabledByOthers where isEnabled:
            forgetCell()
            isEnabled = false
        case .enabledByOthers where !isEnabled: isEnabled = true
        default: return false
        }
        return true
    }
}
