// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A hypervisor with several cells as it really is; the fleet knows of it only by looks.
///
/// It has what can stall Linux for ever: every command that makes a cell come or go tells all others that are active,
/// and waits for each; a disable asks them.
struct FleetWorld: Hashable, Sendable {
    struct Cell: Hashable, Sendable {
        enum Inmate: Hashable {
            /// No CPU executes, and all know it.
            case none
            case answers
            /// It answers, and rejects each shutdown request.
            case denies
            /// It says `running`, and answers nothing.
            case hangs
            /// It says `running`, and no CPU ever executed: its start was lost.
            case lost
        }

        var name: CellName
        var id: Int
        var state = CellState.shutDown
        var inmate = Inmate.none
        /// As it was created.
        var handshake: Handshake
        var failedCPUs: [Int] = []
        /// The hypervisor itself failed there.
        var stoppedCPUs: [Int] = []
        var exits: UInt64 = 0
        /// What lies in its memory was loaded and not executed.
        var isLoaded = false
        /// The hypervisor stopped it for want of an answer when another cell came or went.
        var wasSilent = false
    }

    var hypervisor = Look.Hypervisor.enabled
    var cells: [Cell] = []
    var onlineCPUs = [0, 1, 2, 3]
    /// Whatever takes a CPU offline waits for Linux's indefinitely, and each command for those that the hypervisor stopped.
    var lostCPUs = LostCPUs()
    /// Counters of exits cannot be read.
    var isBlind = false
    /// The cell that Linux waits for.
    var frozenBy: Cell?
    /// Another cell has come or gone since the driver's work was decided on: it will be seen before it is begun.
    var areOthersChanged = false

    func index(of name: String) -> Int? { cells.firstIndex { $0.name == CellName(name) } }

    subscript(_ name: String) -> Cell? { index(of: name).map { cells[$0] } }

    func look(_ fleet: Fleet) -> Look {
        guard hypervisor == .enabled else {
            return Look(hypervisor, onlineCPUs: fleet.wantsOnlineCPUs ? onlineCPUs : nil)
        }
        return Look(
            .enabled,
            guests: cells.map { cell in
                let curiosity = cell.name.text.map(fleet.curiosity) ?? []
                let exits: [UInt64]? = curiosity.contains(.managementExits) && !isBlind ? [cell.exits] : nil
                var observation = Observation(
                    id: cell.id, state: cell.state, failedCPUs: cell.failedCPUs, managementExits: exits)
                // only the console tells of these
                observation.stoppedCPUs = cell.stoppedCPUs.filter(fleet.lostCPUs.stopped.contains)
                return Look.Guest(name: cell.name, observation: observation)
            })
    }

    /// The lowest number that is free.
    private var freeID: Int { (1...).first { id in !cells.contains { $0.id == id } } ?? 0 }

    mutating func create(_ name: CellName, _ handshake: Handshake) {
        cells.append(Cell(name: name, id: freeID, handshake: handshake))
        cells.sort { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
    }

    mutating func start(_ index: Int, _ inmate: Cell.Inmate = .answers) {
        (cells[index].state, cells[index].inmate) = (.running, inmate)
        cells[index].exits += 1
        cells[index].isLoaded = false
        cells[index].failedCPUs = []
        cells[index].wasSilent = false
    }

    mutating func stop(_ index: Int) {
        (cells[index].state, cells[index].inmate) = (.shutDown, .none)
        cells[index].exits += 1
        cells[index].failedCPUs = []
    }
}

// MARK: - The driver

/// How a command can end.
enum FleetEnding: CaseIterable, Sendable {
    case done
    /// EIO and the like, and nothing was done.
    case refused
    /// A start that returns 0 and is lost.
    case lost
    /// Not given: the cell was not as it had been any more.
    case overtaken
}

extension FleetWorld {
    static let stall = Duration.milliseconds(700)

    /// Carries out what the driver was given; nil where it cannot end so.
    mutating func perform(_ work: DriverWork, _ ending: FleetEnding, handshakes: [String: Handshake]) -> DriverEnd? {
        switch work {
        case .enable:
            if ending == .overtaken || ending == .lost { return nil }
            guard ending == .done, hypervisor == .disabled else {
                return .machine(MachineRefusal(message: "EIO", errno: 5, isPassing: true))
            }
            hypervisor = .enabled
            return .machine(nil)
        case .disable:
            if ending == .lost || (ending == .overtaken) != areOthersChanged { return nil }
            if areOthersChanged { return .overtaken }
            // the console is read before the call
            if !lostCPUs.isEmpty { return .machine(MachineRefusal(message: "lost", errno: 0)) }
            guard ending == .done, hypervisor == .enabled else {
                return .machine(MachineRefusal(message: "EIO", errno: 5))
            }
            for index in cells.indices {
                switch ask(index) {
                case .frozen: return .machine(nil)
                case .denied: return .machine(MachineRefusal(message: "EPERM", errno: 1))
                case .approved, .unanswered: break
                }
            }
            (cells, hypervisor) = ([], .disabled)
            return .machine(nil)
        case .command(let command, let name, let decidedOn):
            let isOvertaken = !isAsItWas(name, decidedOn) || command.notifiesOthers && areOthersChanged
            guard ending != .overtaken else { return isOvertaken ? .command(.overtaken) : nil }
            if isOvertaken, ending != .refused { return nil }
            let refused = DriverEnd.command(.refused(Refusal(kind: .other, message: "EIO", errno: 5)))
            if lostCPUs.objection(to: command) != nil { return ending == .lost ? nil : refused }
            guard ending == .done || ending == .lost && command == .start, hypervisor == .enabled else {
                return ending == .refused ? refused : nil
            }
            if ending == .lost {
                guard let index = index(of: name), cells[index].state == .shutDown else { return nil }
                (cells[index].state, cells[index].inmate) = (.running, .lost)
                return .command(.done())
            }
            return carryOut(command, name, handshakes) ?? refused
        }
    }

    private func isAsItWas(_ name: String, _ decidedOn: Sighting?) -> Bool {
        let cell = self[name]
        guard case .present(let before) = decidedOn else { return cell == nil }
        return cell?.id == before.id && cell?.state == before.state
    }

    private mutating func carryOut(_ command: Command, _ name: String, _ handshakes: [String: Handshake]) -> DriverEnd?
    {
        var unanswered: Duration?
        if command != .create {
            guard let index = index(of: name) else { return nil }
            switch ask(index) {
            case .frozen: return .command(.done())
            case .denied: return .command(.refused(Refusal(kind: .denied, message: "EPERM", errno: 1)))
            case .unanswered: unanswered = Self.stall
            case .approved: break
            }
        } else if index(of: name) != nil {
            return nil
        }
        if command == .create || command == .destroy {
            for other in cells.indices where cells[other].name != CellName(name) {
                guard tell(other) else { continue }
                if frozenBy != nil { return .command(.done()) }
                unanswered = Self.stall
            }
        }
        switch command {
        case .create: create(CellName(name), handshakes[name] ?? .bounded)
        case .load, .shutDown:
            guard let index = index(of: name) else { return nil }
            stop(index)
            cells[index].isLoaded = command == .load
        case .start:
            guard let index = index(of: name) else { return nil }
            start(index, cells[index].isLoaded ? .answers : .hangs)
        case .destroy: cells.removeAll { $0.name == CellName(name) }
        }
        return .command(.done(unanswered: unanswered))
    }

    private enum Reply { case approved, denied, unanswered, frozen }

    /// Asks a cell to shut down.
    private mutating func ask(_ index: Int) -> Reply {
        let cell = cells[index]
        guard cell.handshake != .passive, cell.state.isAskedToShutDown else { return .approved }
        switch cell.inmate {
        case .answers: return .approved
        case .denies: return .denied
        case .hangs, .lost, .none:
            if case .unbounded = cell.handshake {
                frozenBy = cell
                return .frozen
            }
            return .unanswered
        }
    }

    /// Tells a cell that another has come or gone.
    ///
    /// - Returns: whether it did not answer.
    private mutating func tell(_ index: Int) -> Bool {
        let cell = cells[index]
        guard cell.handshake != .passive, cell.state.isAskedToShutDown,
            [.hangs, .lost, .none].contains(cell.inmate)
        else { return false }
        if case .unbounded = cell.handshake {
            frozenBy = cell
        } else {
            (cells[index].state, cells[index].inmate, cells[index].wasSilent) = (.failed, .none, true)
        }
        return true
    }
}
