// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration

/// A cell whose inmate really executes: what the machine says to it becomes orders to whatever executes it, and what
/// happens there comes back as events.
struct ExecutingProgram: CellProgram {
    private let cpus: [Int]
    /// Counts its starts.
    private var run = 0
    private var isStarted = false
    /// Paused by a fault; nothing reports it.
    private var isHung = false
    private var hasEnded = false
    private var failedCPUs: Set<Int> = []
    /// What is answered in its place.
    private var answersShutdown: CommunicationRegion.Reply?
    /// The orders and images that are waited for.
    private var awaited = 0

    init(cell: CellDescriptor) {
        cpus = cell.cpus.members
    }

    var isAlive: Bool { isStarted && !hasEnded && failedCPUs.count < max(1, cpus.count) }
    var isHealthy: Bool { isAlive && !isHung && failedCPUs.isEmpty }
    var isBusy: Bool { awaited > 0 }
    var runsWhatIsThere: Bool { true }

    mutating func created() -> [CellOrder] { give(.prepare) }

    mutating func stored() -> Bool {
        awaited += 1
        return true
    }

    mutating func started(as cell: CellDescriptor) -> CellReaction {
        run += 1
        isStarted = true
        isHung = false
        hasEnded = false
        failedCPUs = []
        return CellReaction(orders: give(.start(run: run)))
    }

    mutating func stopped() -> [CellOrder] {
        isStarted = false
        return give(.stop)
    }

    mutating func destroyed() -> [CellOrder] {
        isStarted = false
        return give(.end)
    }

    private mutating func give(_ orders: CellOrder...) -> [CellOrder] {
        awaited += orders.count { $0.isAwaited }
        return orders
    }

    func answer(to message: CommunicationRegion.Message) -> Answer {
        guard isAlive, !isHung else { return .silence }
        if let answersShutdown { return .reply(message == .shutdownRequest ? answersShutdown : .messageReceived) }
        return .pending
    }

    mutating func accepts(_ event: CellEvent, run: Int) -> Bool {
        switch event {
        case .ready:
            awaited -= 1
            return true
        case .printed, .noted, .counted: return true
        case .ended:
            isStarted = false
            return true
        default: break
        }
        // a cell that was stopped says nothing more, whatever is on its way
        guard run == self.run, isStarted, !isHung else { return false }
        switch event {
        case .parked(let cpu, _): failedCPUs.insert(cpu)
        case .wroteState(let state): hasEnded = state == .shutDown || state == .failed
        default: break
        }
        return true
    }

    // MARK: faults

    mutating func play(_ fault: Fault) -> CellReaction? {
        switch fault {
        case .deny: answersShutdown = .requestDenied
        case .approve: answersShutdown = .requestApproved
        default: return isAlive ? playAlive(fault) : nil
        }
        return CellReaction()
    }

    func obstacle(to fault: Fault) -> String? {
        guard case .failCPU(let cpu, _) = fault else { return nil }
        return cpus.contains(cpu)
            ? "its inmate really executes, and one of its CPUs alone cannot be made to fail; fail stops all of them"
            : "CPU \(cpu) is not one of its own"
    }

    private mutating func playAlive(_ fault: Fault) -> CellReaction? {
        switch fault {
        case .fail(let violation): return fail(violation)
        case .failCPU(let cpu, let violation): return cpus == [cpu] ? fail(violation) : nil
        case .shutDown: return end(.shutDown)
        case .giveUp: return end(.failed)
        case .abiMismatch: return end(.communicationABIMismatch)
        case .hang:
            isHung = true
            return CellReaction(orders: give(.pause))
        case .lock: return write(.runningLocked)
        case .unlock: return write(.running)
        case .writeUnknownState: return write(.invalid)
        case .print(let text): return CellReaction(events: [.printed(text + "\r\n")])
        case .deny, .approve, .loseNextStart: return nil
        }
    }

    /// What the hypervisor does to a cell that has failed, and what it says; that nothing of it is the inmate's is
    /// said, too.
    private mutating func fail(_ violation: Violation) -> CellReaction {
        let failing = cpus.filter { !failedCPUs.contains($0) }
        failedCPUs.formUnion(failing)
        return CellReaction(
            events: failing.map { .failed(cpu: $0, violation) }
                + [.noted("The failure was injected: neither access nor registers are the inmate's")],
            orders: give(.write(.failed), .pause))
    }

    private mutating func end(_ state: CellState.Word) -> CellReaction {
        hasEnded = state != .communicationABIMismatch
        isHung = !hasEnded
        return CellReaction(events: [.wroteState(state)], orders: give(.write(state), .pause))
    }

    /// Into its communication region, where its inmate finds it.
    private mutating func write(_ state: CellState.Word) -> CellReaction {
        CellReaction(events: [.wroteState(state)], orders: give(.write(state)))
    }
}
