// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A sentence about the whole machine that holds on every transition.
struct FleetInvariant: Sendable {
    let sentence: String
    let holds: @Sendable (FleetTransition, FleetSubject) -> Bool

    init(_ sentence: String, _ holds: @escaping @Sendable (FleetTransition, FleetSubject) -> Bool) {
        self.sentence = sentence
        self.holds = holds
    }

    static let all: [FleetInvariant] = [
        FleetInvariant("Linux is stalled without limit only by an inmate that hangs, unnoticed, where that is accepted")
        {
            step, subject in
            guard let cell = step.after.world.frozenBy else { return true }
            return cell.handshake == .unbounded(accepted: true) && cell.inmate == .hangs
                && cell.name.text.map { subject.definitions[$0] != nil } == true
        },
        FleetInvariant(
            "no create, destroy or disable while any cell that would be told or asked may be silent without limit"
        ) { step, _ in
            step.given.allSatisfy { work in
                let subject: String
                switch work {
                case .command(.create, let name, _), .command(.destroy, let name, _): subject = name
                case .disable: subject = ""
                default: return true
                }
                return step.world.cells.allSatisfy { cell in
                    guard cell.name != CellName(subject), cell.state.isAskedToShutDown,
                        case .unbounded(let isAccepted) = cell.handshake
                    else { return true }
                    guard let name = cell.name.text, step.after.record.defined.contains(name) else { return false }
                    let life = step.after.fleet.cells[name]?.lifecycle
                    return isAccepted && life?.isKnownSilent == false && life?.mayBeSilent == false
                        && cell.inmate != .lost
                }
            }
        },
        FleetInvariant("a cell that another tool made is not asked to shut down by a command of its own") { step, _ in
            step.given.allSatisfy { work in
                guard case .command(_, let name, .present(let observation)?) = work,
                    observation.state.isAskedToShutDown,
                    let cell = step.after.fleet.cells[name], cell.definition != nil,
                    cell.lifecycle.sighting?.observation?.id == observation.id
                else { return true }
                return !cell.lifecycle.isMadeByOthers
            }
        },
        FleetInvariant("a fleet at rest is not changed by a look that shows the same, whenever it comes") { step, _ in
            let fleet = step.after.fleet
            guard fleet.isAtRest(at: .present) else { return true }
            return [Duration.zero, .milliseconds(10), .seconds(1), .seconds(100)].allSatisfy { pause in
                var later = fleet
                return later.handle(.looked(fleet.look), at: .present + pause).isEmpty && later == fleet
            }
        },
        FleetInvariant("nothing is started after shut-down-all began") { step, _ in
            guard case .shuttingDown = step.before.fleet.machine else { return true }
            return step.given.allSatisfy { work in
                switch work {
                case .command(let command, _, _): command == .shutDown || command == .destroy
                case .enable: false
                case .disable: true
                }
            }
        },
        FleetInvariant("a held command is never given before what it waits for") { step, subject in
            step.given.allSatisfy { work in
                guard case .command(let command, let name, _) = work, [.create, .load, .start].contains(command),
                    step.after.fleet.cells[name]?.lifecycle.memory.goal == .run,
                    step.after.record.defined.contains(name)
                else { return true }
                return subject.definitions[name]?.dependencies.requires.allSatisfy { other in
                    let condition = step.after.fleet.cells[other]?.lifecycle.condition
                    return condition == .running || condition == .degraded
                } ?? true
            }
        },
        FleetInvariant("the driver is given one thing at a time, and none without a look since the last") { step, _ in
            guard !step.given.isEmpty else { return true }
            let isFree =
                switch step.what {
                case .finish, .newDaemon: true
                default: step.before.fleet.inDriver == nil
                }
            return step.given.count == 1 && !step.isGivenBlindly && isFree
                && step.after.fleet.inDriver == step.given.first
        },
        FleetInvariant("nobody's cell is destroyed but by a request that names it, or by the end of the machine") {
            step, _ in
            step.given.allSatisfy { work in
                switch work {
                case .command(let command, let name, _):
                    return command != .destroy || step.after.record.defined.contains(name)
                case .enable: return true
                case .disable:
                    if case .shuttingDown = step.after.fleet.machine { return true }
                    let hasOthers = step.world.cells.contains { cell in
                        cell.name.text.map(step.after.record.defined.contains) != true
                    }
                    return !hasOthers || step.before.record.pending.contains { $0.request == .disable(others: true) }
                        || step.what == .request(.disable(others: true))
                }
            }
        },
        FleetInvariant("nothing is loaded whose images cannot be read") { step, _ in
            step.given.allSatisfy { work in
                guard case .command(.load, let name, _) = work else { return true }
                return !step.before.record.unreadable.contains(name)
            }
        },
        FleetInvariant("a request is answered once, and only one that was made") { step, _ in
            var open = Set(step.before.record.pending.map(\.id))
            if case .request(let request) = step.what { open.insert(request.id) }
            return step.actions.allSatisfy { action in
                guard case .answer(let id, _) = action else { return true }
                return open.remove(id) != nil
            }
        },
        FleetInvariant("every request is answered by its deadline") { step, _ in
            guard step.event != nil else { return true }
            return !step.isLate && step.after.record.pending.allSatisfy { $0.deadline > .present }
        },
        FleetInvariant("whoever waits in vain is told at once") { step, _ in
            guard case .looked = step.event, step.after.fleet.isEnabled else { return true }
            return step.after.fleet.requests.allSatisfy { request in
                guard !request.isAnswered, let journey = request.journey, journey.undoing == nil,
                    let next = journey.steps.first, next.request == .start, let cell = step.after.fleet.cells[next.cell]
                else { return true }
                return cell.held == nil || cell.waitsFor?.isHopeless != true
            }
        },
        FleetInvariant("what nobody asked for waits for cells in its way, and costs no attempt to restart") { step, _ in
            step.actions.allSatisfy { action in
                guard case .report(.failed(.refused(_, let refusal)), let name) = action else { return true }
                return !refusal.message.contains(": the cell ")
                    || step.before.fleet.cells[name]?.lifecycle.waiting.isEmpty == false
            }
        },
        FleetInvariant("a cell that did not answer is not said to have been stopped like any other") { step, _ in
            step.answers.allSatisfy { request, answer in
                guard case .cell(let what, let name) = request, what == .stop || what == .destroy else { return true }
                return answer != .done()
                    || !step.before.record.unanswered.union(step.after.record.unanswered).contains(name)
            }
        },
        FleetInvariant("a cell that is stopped for not answering another's coming or going fails for that reason") {
            step, _ in
            // a daemon that begins then cannot know
            if case .newDaemon = step.what { return true }
            return step.actions.allSatisfy { action in
                guard case .report(.failed(.failed(let cpus)), let name) = action else { return true }
                return !cpus.isEmpty || step.world[name]?.wasSilent != true
            }
        },
        FleetInvariant("at the end of the machine every cell is stopped that is known to answer in time") {
            step, subject in
            step.answers.allSatisfy { _, answer in
                guard case .shutDown(let result) = answer else { return true }
                return result.left.allSatisfy { left in
                    guard case .unknownAnswer = left.reason, let definition = subject.definitions[left.cell] else {
                        return true
                    }
                    if case .unbounded = definition.supervised.handshake { return true }
                    if step.before.fleet.cells[left.cell]?.lifecycle.isMadeByOthers != false { return true }
                    if step.after.fleet.cells[left.cell]?.lifecycle.isMadeByOthers != false { return true }
                    return false
                }
            }
        },
        FleetInvariant("no command that would wait for a lost CPU, once it is known to be lost") { step, _ in
            !step.after.record.isLossKnown
                || step.given.allSatisfy { work in
                    switch work {
                    case .command(let command, _, _): step.world.lostCPUs.objection(to: command) == nil
                    case .disable: step.world.lostCPUs.objection(to: nil) == nil
                    case .enable: true
                    }
                }
        },
        FleetInvariant("a cell is not said to run once the hypervisor is known to have failed on its CPU") { step, _ in
            guard case .looked = step.event, !step.after.fleet.lostCPUs.stopped.isEmpty else { return true }
            return step.world.cells.allSatisfy { cell in
                guard !cell.stoppedCPUs.isEmpty, cell.state.isRunning, let name = cell.name.text,
                    let known = step.after.fleet.cells[name], known.definition != nil, known.lifecycle.inFlight == nil
                else { return true }
                return ![.running, .degraded, .backingOff].contains(known.lifecycle.condition)
            }
        },
        FleetInvariant("the hypervisor is enabled only with just the CPUs that are online") { step, _ in
            step.given.allSatisfy { work in
                if case .enable(let system) = work { system.cpus == step.world.onlineCPUs } else { true }
            }
        },
    ]
}

// MARK: - The goal

extension FleetPlace {
    /// Whether nothing is left to be done: what is wanted is so, and everybody has been answered.
    var isSettled: Bool {
        if world.frozenBy != nil { return true }
        guard record.pending.isEmpty, fleet.inDriver == nil, fleet.queue.isEmpty, fleet.requests.isEmpty else {
            return false
        }
        switch fleet.machine {
        case .enabled, .noDriver, .disabled(nil): break
        default: return false
        }
        return fleet.names.allSatisfy { name in
            guard let cell = fleet.cells[name], cell.definition != nil else { return true }
            switch cell.lifecycle.memory.goal {
            case .leave, nil: return true
            case .stop, .absent, .exist: return false
            case .run:
                if !fleet.isEnabled { return true }
                if cell.held != nil { return cell.waitsFor?.isHopeless == true }
                guard world[name]?.state.isRunning == true else { return false }
                return cell.lifecycle.condition == .running || cell.lifecycle.condition == .degraded
            }
        }
    }
}
