// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A place in the space of all that can happen to a machine with several cells.
struct FleetPlace: Hashable, Sendable {
    var world: FleetWorld
    var fleet: Fleet
    var record: FleetRecord
}

/// What has happened, as an onlooker would note it.
struct FleetRecord: Hashable, Sendable {
    struct Pending: Hashable, Sendable {
        let request: FleetRequest
        let id: RequestID
        var deadline: Moment
    }

    /// Requests without an answer, in the order of their numbers.
    var pending: [Pending] = []
    /// Definitions that are in force.
    var defined: Set<String>
    /// How much may still go wrong.
    var misfortunes: Int
    /// How much may still be asked.
    var requests: Int
    /// Cells that did not answer their last shutdown request.
    var unanswered: Set<String> = []
    /// Cells that are to be loaded, and whose images could not be read.
    var unreadable: Set<String> = []
    /// The daemon has read on the console that Linux lost a CPU.
    var isLossKnown = false
}

/// Something that can happen to a machine.
enum FleetHappening: Hashable, Sendable {
    /// Time passes until the fleet wants to be woken, and the daemon looks.
    case wake
    /// The driver ends what it works on.
    case finish(FleetEnding)
    case request(FleetRequest)
    case undefined(String)
    /// The images of a cell have been read for a load, or cannot be.
    case imagesRead(String, Bool)
    /// The daemon dies, before or after the driver did what it works on; a new one begins.
    case newDaemon(isDone: Bool)
    case befall(FleetMisfortune)
}

/// What goes wrong without the daemon's doing.
enum FleetMisfortune: Hashable, Sendable {
    case fails(String), hangs(String), denies(String), relents(String), ends(String)
    case loses1CPU(String)
    /// Another tool makes a cell.
    case comes(CellName, Handshake, FleetWorld.Cell.Inmate)
    case goes(CellName)
    /// An inmate does not know the layout of its communication region: it says so, and does not answer any more.
    case mismatches(CellName)
    case disabledByOthers, enabledByOthers
    case cpuGoesOffline
    /// The hypervisor parks a CPU of Linux.
    case linuxLosesCPU
    /// The hypervisor itself fails on a CPU.
    case hypervisorFails
}

/// The fleet as the daemon drives it; ``FleetMutant`` puts a wrong one in its place.
protocol FleetDriver: Sendable {
    func handle(_ event: FleetEvent, _ fleet: inout Fleet) -> [FleetAction]
}

extension FleetDriver {
    func handle(_ event: FleetEvent, _ fleet: inout Fleet) -> [FleetAction] { fleet.handle(event, at: .present) }
}

struct FaithfulFleet: FleetDriver {}

struct FleetTransition: Sendable {
    let before: FleetPlace
    let what: FleetHappening
    /// The last that the fleet was told; nil when it was told nothing.
    var event: FleetEvent?
    var actions: [FleetAction] = []
    /// The driver was given work although nobody had just looked.
    var isGivenBlindly = false
    /// A request had not been answered when its deadline was over.
    var isLate = false
    /// The machine when the fleet was told.
    var world: FleetWorld
    var after: FleetPlace

    var given: [DriverWork] { actions.compactMap { if case .give(let work) = $0 { work } else { nil } } }

    var answers: [(request: FleetRequest, answer: FleetAnswer)] {
        actions.compactMap { action in
            guard case .answer(let id, let answer) = action else { return nil }
            var pending = before.record.pending
            if case .request(let request) = what {
                pending.append(.init(request: request, id: request.id, deadline: .present))
            }
            return pending.first { $0.id == id }.map { ($0.request, answer) }
        }
    }
}

extension FleetAction {
    fileprivate var isGiven: Bool { if case .give = self { true } else { false } }
}

extension FleetRequest {
    /// Each request that an exploration makes is open once at most.
    var id: RequestID {
        switch self {
        case .cell(let request, let name): 100 + request.id * 10 + RequestID(name.utf8.first ?? 0)
        case .enable: 1
        case .disable(let others): others ? 3 : 2
        case .shutDownAll: 4
        }
    }
}

/// What can happen to a machine with these definitions.
struct FleetRules: Sendable {
    let subject: FleetSubject
    let driver: any FleetDriver

    init(_ subject: FleetSubject, driver: any FleetDriver = FaithfulFleet()) {
        self.subject = subject
        self.driver = driver
    }

    var start: FleetPlace {
        let fleet = Fleet(
            subject.definitions, system: FleetStorySystem.system, memory: FleetMemory(),
            readsImages: subject.readsImages, at: .present)
        var place = FleetPlace(
            world: subject.world, fleet: fleet,
            record: FleetRecord(
                defined: Set(subject.definitions.keys), misfortunes: subject.misfortunes, requests: subject.requests))
        _ = driver.handle(.looked(place.world.look(place.fleet)), &place.fleet)
        return place
    }

    /// Where something leads from here, or nil where it cannot happen.
    func step(_ place: FleetPlace, _ what: FleetHappening) -> FleetTransition? {
        guard place.world.frozenBy == nil else { return nil }
        var after = place
        var events: [FleetEvent] = []
        switch what {
        case .wake:
            let wake = after.fleet.nextWake(after: .present)
            // an idle fleet looks each poll interval, which shows nothing new; many looks in a row show as little
            let pause = wake.map { $0 - .present } ?? .milliseconds(10)
            if pause > .zero { after.pass(max(pause, .milliseconds(25))) }
            if !after.world.lostCPUs.isEmpty, !after.record.isLossKnown {
                after.record.isLossKnown = true
                events = [.lostCPUs(after.world.lostCPUs)]
            }
            // the shell knows what is on the console before it looks
            var informed = after.fleet
            informed.lostCPUs = after.world.lostCPUs
            events.append(.looked(after.world.look(informed)))
        case .finish(let ending):
            guard let work = place.fleet.inDriver else { return nil }
            if ending == .refused || ending == .lost {
                guard after.record.misfortunes > 0 else { return nil }
                after.record.misfortunes -= 1
            }
            guard let end = after.world.perform(work, ending, handshakes: subject.handshakes) else { return nil }
            after.world.areOthersChanged = false
            if case .command(let command, let name, _) = work, [.load, .shutDown, .destroy].contains(command),
                case .command(.done(_?)) = end,
                place.world[name]?.inmate != .answers, place.world[name]?.state.isRunning == true
            {
                after.record.unanswered.insert(name)
            }
            if after.world.frozenBy == nil { events = [.finished(end, after.world.look(after.fleet))] }
        case .request(let request):
            guard after.record.requests > 0, !after.record.pending.contains(where: { $0.id == request.id }),
                !place.fleet.requests.contains(where: { $0.id == request.id })
            else { return nil }
            after.record.requests -= 1
            let limit: Duration = if case .shutDownAll(let within) = request { within } else { Fleet.patience }
            after.record.pending.append(.init(request: request, id: request.id, deadline: .present + limit))
            after.record.pending.sort { $0.id < $1.id }
            events = [.looked(after.world.look(after.fleet)), .requested(request, request.id)]
        case .undefined(let name):
            guard after.record.defined.contains(name), after.record.misfortunes > 0 else { return nil }
            after.record.defined.remove(name)
            after.record.misfortunes -= 1
            events = [.defined(name, nil)]
        case .imagesRead(let name, let isDone):
            guard place.fleet.cells[name]?.reading != nil else { return nil }
            if !isDone {
                guard after.record.misfortunes > 0 else { return nil }
                after.record.misfortunes -= 1
            }
            let refusal = Refusal(kind: .definition, message: "no image")
            events = [.imagesRead(name, isDone ? nil : refusal)]
        case .newDaemon(let isDone):
            guard after.record.misfortunes > 0 else { return nil }
            after.record.misfortunes -= 1
            if isDone {
                guard let work = place.fleet.inDriver,
                    after.world.perform(work, .done, handshakes: subject.handshakes) != nil,
                    after.world.frozenBy == nil
                else { return nil }
            }
            after.world.areOthersChanged = false
            let definitions = subject.definitions.filter { place.record.defined.contains($0.key) }
            after.fleet = Fleet(
                definitions, system: FleetStorySystem.system, memory: place.fleet.memory,
                readsImages: subject.readsImages, at: .present)
            after.record.pending = []
            events = [.looked(after.world.look(after.fleet))]
        case .befall(let misfortune):
            guard after.record.misfortunes > 0, after.befall(misfortune) else { return nil }
            after.record.misfortunes -= 1
        }
        var step = FleetTransition(before: place, what: what, event: events.last, world: after.world, after: after)
        step.isLate = after.record.pending.contains { $0.deadline < .present }
        for event in events {
            let actions = driver.handle(event, &step.after.fleet)
            step.actions += actions
            switch event {
            case .looked, .finished: break
            default: if actions.contains(where: \.isGiven) { step.isGivenBlindly = true }
            }
        }
        step.after.record.note(step)
        return step
    }
}

extension FleetPlace {
    fileprivate mutating func pass(_ pause: Duration) {
        fleet.moveMoments { $0 == .longAgo ? $0 : $0 + (.zero - pause) }
        for index in record.pending.indices {
            record.pending[index].deadline = record.pending[index].deadline + (.zero - pause)
        }
    }

    /// False where that cannot happen.
    fileprivate mutating func befall(_ what: FleetMisfortune) -> Bool {
        func index(_ name: String, _ inmate: FleetWorld.Cell.Inmate) -> Int? {
            world.index(of: name).flatMap { world.cells[$0].inmate == inmate ? $0 : nil }
        }
        switch what {
        case .fails(let name):
            guard let index = index(name, .answers) else { return false }
            (world.cells[index].state, world.cells[index].inmate, world.cells[index].failedCPUs) = (.failed, .none, [1])
        case .loses1CPU(let name):
            guard let index = index(name, .answers), world.cells[index].failedCPUs == [] else { return false }
            world.cells[index].failedCPUs = [1]
        case .hangs(let name):
            guard let index = index(name, .answers) else { return false }
            world.cells[index].inmate = .hangs
        case .denies(let name):
            guard let index = index(name, .answers) else { return false }
            world.cells[index].inmate = .denies
        case .relents(let name):
            guard let index = index(name, .denies) else { return false }
            world.cells[index].inmate = .answers
        case .ends(let name):
            guard let index = index(name, .answers) else { return false }
            world.stop(index)
        case .comes(let name, let handshake, let inmate):
            // the driver has one lock: before it is had for what it was given
            guard world.hypervisor == .enabled, !world.cells.contains(where: { $0.name == name })
            else { return false }
            world.areOthersChanged = fleet.inDriver != nil
            world.create(name, handshake)
            if inmate != .none, let index = world.cells.firstIndex(where: { $0.name == name }) {
                world.start(index, inmate)
            }
        case .goes(let name):
            guard let index = world.cells.firstIndex(where: { $0.name == name }) else { return false }
            world.areOthersChanged = fleet.inDriver != nil
            world.cells.remove(at: index)
        case .mismatches(let name):
            guard let index = world.cells.firstIndex(where: { $0.name == name }), world.cells[index].state.isRunning
            else { return false }
            (world.cells[index].state, world.cells[index].inmate) = (.communicationABIMismatch, .hangs)
            world.areOthersChanged = fleet.inDriver != nil
        case .disabledByOthers:
            guard fleet.inDriver == nil, world.hypervisor == .enabled, world.lostCPUs.isEmpty else { return false }
            (world.cells, world.hypervisor) = ([], .disabled)
        case .enabledByOthers:
            guard fleet.inDriver == nil, world.hypervisor == .disabled else { return false }
            world.hypervisor = .enabled
        case .cpuGoesOffline:
            guard world.hypervisor == .disabled, world.onlineCPUs.count == 4 else { return false }
            world.onlineCPUs = [0, 1, 2]
        case .linuxLosesCPU:
            guard world.hypervisor == .enabled, world.lostCPUs.isEmpty else { return false }
            world.lostCPUs = LostCPUs(parked: [1])
        case .hypervisorFails:
            guard world.hypervisor == .enabled, world.lostCPUs.isEmpty else { return false }
            world.lostCPUs = LostCPUs(stopped: [2])
            if let index = world.cells.firstIndex(where: \.state.isRunning) { world.cells[index].stoppedCPUs = [2] }
        }
        return true
    }
}

extension FleetRecord {
    fileprivate mutating func note(_ step: FleetTransition) {
        if case .request(.cell(let request, let name)) = step.what {
            if request != .create { unanswered.remove(name) }
        }
        if case .imagesRead(let name, let isDone) = step.what, !isDone { unreadable.insert(name) }
        for case .readImages(let name, _) in step.actions { unreadable.remove(name) }
        unreadable = unreadable.filter { step.after.fleet.cells[$0]?.lifecycle.inFlight == .load }
        for case .answer(let id, _) in step.actions { pending.removeAll { $0.id == id } }
    }
}

enum FleetStorySystem {
    static let system = FleetSystem(path: "q35.toml", cpus: [0, 1, 2, 3])
}
