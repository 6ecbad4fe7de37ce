// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A fleet with one deliberate mistake, which the invariants must find.
enum FleetMutant: String, CaseIterable, FleetDriver {
    /// Cells of others are not judged, only shown.
    case overlooksForeignCells
    /// Cells without a name that is text are invisible.
    case overlooksNamelessCells
    /// Who is not known not to answer is taken for one that answers.
    case trustsForeignCells
    /// Nobody waits until it is seen that a start took effect.
    case createsBesideUnverified
    case disablesOverOthers
    case startsWhileShuttingDown
    case doesNotHold
    case givesWithoutLooking
    case forgetsDeadlines
    case letsWaitInVain
    /// How a cell was created is forgotten with its definition.
    case forgetsCreation
    case hidesSilence
    case blamesTheInmate
    case enablesWithAnyCPUs
    case forgetsWhoAsked
    /// A command that would notify a stranger is refused, also when nobody has asked for it.
    case refusesWhatNobodyAsked
    /// Only a cell that says it runs is taken for one that is asked and told.
    case overlooksUnknownLayouts
    /// Nobody reads on the console that Linux lost a CPU.
    case overlooksLostCPUs
    /// Nobody connects the CPU on which the hypervisor failed with the cell that has it.
    case overlooksStoppedCPUs
    /// A load is given although its images cannot be read.
    case loadsWithoutImages

    func handle(_ event: FleetEvent, _ fleet: inout Fleet) -> [FleetAction] {
        switch self {
        case .overlooksForeignCells:
            return fleet.handle(
                event.changingLook { look in
                    look.guests.removeAll { $0.name?.text.map { fleet.cells[$0]?.definition == nil } == true }
                }, at: .present)
        case .overlooksNamelessCells:
            return fleet.handle(event.changingLook { $0.guests.removeAll { $0.name?.text == nil } }, at: .present)
        case .trustsForeignCells:
            for name in fleet.names where fleet.cells[name]?.definition == nil {
                if let id = fleet.cells[name]?.lifecycle.sighting?.observation?.id {
                    fleet.cells[name]?.lifecycle.memory.creation = Creation(id: id, handshake: .bounded)
                }
            }
            return fleet.handle(event, at: .present)
        case .createsBesideUnverified:
            let actions = fleet.handle(event, at: .present)
            guard case .looked = event, fleet.inDriver == nil, let work = fleet.queue.first else { return actions }
            fleet.queue.removeFirst()
            fleet.inDriver = work
            return actions + [.give(work)]
        case .disablesOverOthers:
            if case .requested(.disable, let id) = event {
                return fleet.handle(.requested(.disable(others: true), id), at: .present)
            }
            return fleet.handle(event, at: .present)
        case .startsWhileShuttingDown:
            let actions = fleet.handle(event, at: .present)
            guard case .looked(let look) = event, look.hypervisor == .enabled, case .shuttingDown = fleet.machine,
                fleet.inDriver == nil, look.sighting(of: "a") == .absent
            else { return actions }
            let work = DriverWork.command(.create, of: "a", decidedOn: .absent)
            fleet.inDriver = work
            return actions + [.give(work)]
        case .doesNotHold:
            let actions = fleet.handle(event, at: .present)
            for name in fleet.names {
                guard let command = fleet.cells[name]?.held else { continue }
                fleet.cells[name]?.held = nil
                fleet.queue.append(.command(command, of: name, decidedOn: fleet.cells[name]?.lifecycle.sighting))
            }
            return actions
        case .givesWithoutLooking:
            let actions = fleet.handle(event, at: .present)
            guard case .requested(.cell(_, let name), _) = event, fleet.inDriver == nil else { return actions }
            let work = DriverWork.command(
                .create, of: name, decidedOn: fleet.cells[name]?.lifecycle.sighting)
            fleet.inDriver = work
            return actions + [.give(work)]
        case .forgetsDeadlines:
            fleet.moveMoments { $0 > .present + .seconds(2) ? .present + .seconds(1000) : $0 }
            return fleet.handle(event, at: .present)
        case .letsWaitInVain:
            let requests = fleet.requests
            let actions = fleet.handle(event, at: .present)
            let isVain = actions.contains { if case .answer(_, .failed(.waitsInVain)) = $0 { true } else { false } }
            guard isVain else { return actions }
            fleet.requests = requests
            return actions.filter { if case .answer = $0 { false } else { true } }
        case .forgetsCreation:
            for name in fleet.names where fleet.cells[name]?.definition == nil {
                fleet.cells[name]?.lifecycle.memory.creation = nil
            }
            return fleet.handle(event, at: .present)
        case .hidesSilence:
            if case .finished(.command(.done), let look) = event, case .command(let command, _, _) = fleet.inDriver,
                command != .create
            {
                return fleet.handle(.finished(.command(.done()), look), at: .present)
            }
            return fleet.handle(event, at: .present)
        case .blamesTheInmate:
            if case .finished(.command(.done), let look) = event, case .command(.create, _, _) = fleet.inDriver {
                return fleet.handle(.finished(.command(.done()), look), at: .present)
            }
            return fleet.handle(event, at: .present)
        case .enablesWithAnyCPUs:
            guard case .enabling(let enabling) = fleet.machine else { return fleet.handle(event, at: .present) }
            let seen = event.changingLook { if $0.onlineCPUs != nil { $0.onlineCPUs = enabling.system.cpus } }
            return fleet.handle(seen, at: .present)
        case .forgetsWhoAsked:
            if case .finished(.machine(.some), _) = event { fleet.requests = [] }
            return fleet.handle(event, at: .present)
        case .overlooksUnknownLayouts:
            return fleet.handle(
                event.changingLook { look in
                    for index in look.guests.indices
                    where look.guests[index].observation.state == .communicationABIMismatch {
                        look.guests[index].observation.state = .shutDown
                    }
                }, at: .present)
        case .overlooksLostCPUs:
            if case .lostCPUs = event { return [] }
            fleet.lostCPUs = LostCPUs()
            return fleet.handle(event, at: .present)
        case .overlooksStoppedCPUs:
            return fleet.handle(
                event.changingLook { look in
                    for index in look.guests.indices { look.guests[index].observation.stoppedCPUs = [] }
                }, at: .present)
        case .loadsWithoutImages:
            if case .imagesRead(let name, .some) = event {
                return fleet.handle(.imagesRead(name, nil), at: .present)
            }
            return fleet.handle(event, at: .present)
        case .refusesWhatNobodyAsked:
            let actions = fleet.handle(event, at: .present)
            var effects = Fleet.Effects(now: .present)
            for name in fleet.names {
                guard let cell = fleet.cells[name], let command = cell.held, case .danger(let danger) = cell.waitsFor
                else { continue }
                fleet.cells[name]?.held = nil
                fleet.finish(command, of: name, .refused(Refusal(danger, command, name)), &effects)
            }
            return actions + effects.actions
        }
    }

    /// Where it is found out: by its place among ``FleetSubject/small``.
    var subject: FleetSubject {
        switch self {
        case .overlooksForeignCells, .overlooksNamelessCells, .trustsForeignCells, .disablesOverOthers:
            FleetSubject.small[1]
        case .createsBesideUnverified: FleetSubject.small[2]
        case .startsWhileShuttingDown, .forgetsCreation, .forgetsDeadlines: FleetSubject.small[3]
        case .hidesSilence, .blamesTheInmate: FleetSubject.small[4]
        case .enablesWithAnyCPUs, .forgetsWhoAsked: FleetSubject.small[5]
        case .refusesWhatNobodyAsked: FleetSubject.small[6]
        case .overlooksUnknownLayouts: FleetSubject.small[7]
        case .loadsWithoutImages: FleetSubject.small[1]
        case .overlooksLostCPUs: FleetSubject.small[9]
        case .overlooksStoppedCPUs: FleetSubject.small[10]
        case .doesNotHold, .givesWithoutLooking, .letsWaitInVain: FleetSubject.small[0]
        }
    }

    /// What must be found wrong with it: one of these.
    var broken: [String] {
        switch self {
        case .overlooksForeignCells, .overlooksNamelessCells, .trustsForeignCells, .createsBesideUnverified,
            .overlooksUnknownLayouts:
            ["no create, destroy or disable while any cell that would be told or asked may be silent without limit"]
        case .disablesOverOthers:
            ["nobody's cell is destroyed but by a request that names it, or by the end of the machine"]
        case .startsWhileShuttingDown: ["nothing is started after shut-down-all began"]
        case .doesNotHold: ["a held command is never given before what it waits for", FleetExplorer.goal]
        case .givesWithoutLooking:
            ["the driver is given one thing at a time, and none without a look since the last"]
        case .forgetsDeadlines, .forgetsWhoAsked:
            ["every request is answered by its deadline", FleetExplorer.goal]
        case .overlooksLostCPUs: ["no command that would wait for a lost CPU, once it is known to be lost"]
        case .overlooksStoppedCPUs:
            ["a cell is not said to run once the hypervisor is known to have failed on its CPU"]
        case .loadsWithoutImages: ["nothing is loaded whose images cannot be read"]
        case .letsWaitInVain: ["whoever waits in vain is told at once", FleetExplorer.goal]
        case .forgetsCreation:
            ["at the end of the machine every cell is stopped that is known to answer in time"]
        case .refusesWhatNobodyAsked:
            ["what nobody asked for waits for cells in its way, and costs no attempt to restart"]
        case .hidesSilence: ["a cell that did not answer is not said to have been stopped like any other"]
        case .blamesTheInmate:
            ["a cell that is stopped for not answering another's coming or going fails for that reason"]
        case .enablesWithAnyCPUs: ["the hypervisor is enabled only with just the CPUs that are online"]
        }
    }
}

extension FleetEvent {
    fileprivate func changingLook(_ change: (inout Look) -> Void) -> FleetEvent {
        switch self {
        case .looked(var look):
            change(&look)
            return .looked(look)
        case .finished(let end, var look):
            change(&look)
            return .finished(end, look)
        default: return self
        }
    }
}
