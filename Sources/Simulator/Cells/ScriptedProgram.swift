// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface
package import CellConfiguration
import CellMachine

/// A cell without instructions: it comes up, answers, and does what is injected.
///
/// Whether it denies shutdown requests is a property of the inmate and outlives a restart; everything else is as
/// new after each start.
package struct ScriptedProgram: CellProgram {
    private var cpus: [Int] = []
    private var failedCPUs: Set<Int> = []
    private var isRunning = false
    private var isHung = false
    private var deniesShutdown = false

    package init() {}

    package var isAlive: Bool { isRunning && failedCPUs.count < max(1, cpus.count) }

    package var isHealthy: Bool { isAlive && !isHung }

    package mutating func started(as cell: CellDescriptor) -> CellReaction {
        cpus = cell.cpus.members
        failedCPUs = []
        isRunning = true
        isHung = false
        // the switch to protected mode: the one exit that a healthy inmate makes
        return CellReaction(events: cpus.prefix(1).map { .exited(cpu: $0, .controlRegister) })
    }

    package mutating func stopped() -> [CellOrder] {
        isRunning = false
        return []
    }

    package func answer(to message: CommunicationRegion.Message) -> Answer {
        guard isAlive && !isHung else { return .silence }
        return switch message {
        case .shutdownRequest: .reply(deniesShutdown ? .requestDenied : .requestApproved)
        case .reconfigurationCompleted: .reply(.messageReceived)
        }
    }

    package mutating func play(_ fault: Fault) -> CellReaction? {
        switch fault {
        case .deny: deniesShutdown = true
        case .approve: deniesShutdown = false
        default: return isAlive ? playAlive(fault).map { CellReaction(events: $0) } : nil
        }
        return CellReaction()
    }

    private mutating func playAlive(_ fault: Fault) -> [CellEvent]? {
        switch fault {
        case .fail(let violation):
            let failing = cpus.filter { !failedCPUs.contains($0) }
            failedCPUs.formUnion(failing)
            return failing.map { .failed(cpu: $0, violation) }
        case .failCPU(let cpu, let violation):
            guard cpus.contains(cpu), failedCPUs.insert(cpu).inserted else { return nil }
            return [.failed(cpu: cpu, violation)]
        case .shutDown:
            isRunning = false
            return [.wroteState(.shutDown)]
        case .giveUp:
            isRunning = false
            return [.wroteState(.failed)]
        case .hang:
            isHung = true
            return []
        case .lock:
            return [.wroteState(.runningLocked)]
        case .unlock:
            return [.wroteState(.running)]
        case .writeUnknownState:
            return [.wroteState(.invalid)]
        case .abiMismatch:
            isHung = true
            return [.wroteState(.communicationABIMismatch)]
        case .print(let text):
            return [.printed(text + "\r\n")]
        case .deny, .approve, .loseNextStart:
            return nil
        }
    }
}
