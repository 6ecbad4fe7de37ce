// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A place in the space of all that can happen: the machine, the daemon's idea of it, and a record of what was wanted
/// and done that is kept apart from the lifecycle, so as to judge it.
struct Place: Hashable, Sendable {
    var world = ModelWorld()
    var lifecycle: CellLifecycle
    var record: Record

    init(_ supervised: Supervised) {
        lifecycle = CellLifecycle(supervised, memory: LifecycleMemory(), at: .present)
        record = Record()
    }
}

/// What has happened, as an onlooker would note it.
struct Record: Hashable, Sendable {
    /// Requests without an answer.
    var pending: Requests = []
    /// Somebody asked for a stop or destroy, and since then nobody for a start.
    var isToBeStopped = false
    /// There is a usable definition.
    var isDefined = true
    /// What went wrong and has not been counted as a failure.
    var faults: Faults = []
    /// Automatic restarts within the time of the limit.
    var restarts = 0
    /// It was given up, and nobody has asked for it since.
    var isGivenUp = false
    /// The inmate was declared failed although it says `running`, and has not been loaded since.
    var isDeclaredFailed = false
    /// It has been loaded since the restart that is pending was asked for.
    var isReplaced = false
    /// A start met another cell than the one that was loaded for it, and what it brought up is to be replaced.
    var hasStartedAnother = false
    /// What has happened in the machine since the last look.
    var unseen = 0
    /// The time of its liveness rule has passed since its last sign of life, or since it came up.
    var isOverdue = false
    /// The same, when the last event came.
    var wasOverdue = false

    struct Requests: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
    }

    struct Faults: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        static let ended = Faults(rawValue: 1)
        static let hangs = Faults(rawValue: 2)
        static let vanished = Faults(rawValue: 4)
        static let refused = Faults(rawValue: 8)
        /// One of its CPUs failed.
        static let degraded = Faults(rawValue: 16)
        /// Its counters could not be read.
        static let blinded = Faults(rawValue: 32)
    }
}

/// A lifecycle as the daemon drives it; ``Mutant`` puts a wrong one in its place.
protocol Driver: Sendable {
    func handle(_ event: Event, _ lifecycle: inout CellLifecycle) -> [Action]
    func successor(of lifecycle: CellLifecycle, memory: LifecycleMemory) -> CellLifecycle
}

extension Driver {
    func handle(_ event: Event, _ lifecycle: inout CellLifecycle) -> [Action] {
        lifecycle.handle(event, at: .present)
    }

    func successor(of lifecycle: CellLifecycle, memory: LifecycleMemory) -> CellLifecycle {
        CellLifecycle(lifecycle.supervised, memory: memory, at: .present)
    }
}

/// The lifecycle as it is.
struct Faithful: Driver {}

/// One step from a place to another.
struct Transition: Sendable {
    let before: Place
    let what: Happening
    /// What the lifecycle was told.
    var event: Event?
    var actions: [Action] = []
    /// What had gone wrong when it was told.
    var faults = Record.Faults()
    var after: Place

    var commands: [Command] { actions.compactMap { if case .run(let command) = $0 { command } else { nil } } }

    var failures: [FailureCause] {
        actions.compactMap { if case .report(.failed(let cause)) = $0 { cause } else { nil } }
    }

    /// Request and result, in the order of the answers.
    var answers: [(request: Request, failure: RequestFailure?)] {
        actions.compactMap {
            if case .answer(let id, let failure) = $0 { Request(id: id).map { ($0, failure) } } else { nil }
        }
    }

    func has(_ isWanted: (Report) -> Bool) -> Bool {
        actions.contains { if case .report(let report) = $0 { isWanted(report) } else { false } }
    }
}

extension Request {
    static let all: [Request] = [.create, .start, .stop, .restart, .destroy]
    /// Who asks the same twice is answered twice the same: one of each kind is enough.
    var id: RequestID { RequestID(Self.all.firstIndex(of: self) ?? 0) + 1 }

    var asOption: Record.Requests { Record.Requests(rawValue: 1 << UInt8(id)) }

    init?(id: RequestID) {
        guard id >= 1, id <= 5 else { return nil }
        self = Self.all[Int(id) - 1]
    }
}

// MARK: - Steps

/// What can happen to a cell with this definition.
struct Rules: Sendable {
    let supervised: Supervised
    let happenings: [Happening]
    let driver: any Driver
    /// How much can happen in the machine between two looks that decide anything: 10 ms, or while one command works.
    var unseen = 1

    init(_ supervised: Supervised, _ alphabet: Alphabet, driver: any Driver = Faithful()) {
        self.supervised = supervised
        self.driver = driver
        happenings = alphabet.happenings
    }

    /// Where something leads from here, or nil where it cannot happen.
    func step(_ place: Place, _ what: Happening) -> Transition? {
        guard !place.world.isFrozen else { return nil }
        var world = place.world
        var record = place.record
        var replacement: CellLifecycle?
        var event: Event?
        var heard: LifeSign?
        switch what {
        case .look, .blindLook:
            // a healthy inmate makes exits all the time where its definition says so
            if world.inmate == .healthy { world.totalExits += 1 }
            event = .seen(world.sighting(what == .look ? place.lifecycle.curiosity : []))
            if what == .blindLook { record.faults.insert(.blinded) }
        case .listen:
            guard supervised.policy.liveness?.source == .listener, record.isDefined else { return nil }
            // the daemon looks at once
            heard = world.inmate == .healthy ? .sign : .silence
            event = .seen(world.sighting(place.lifecycle.curiosity))
        case .runsOut(let deadline):
            if deadline == .stall { record.isOverdue = true }
            if deadline == .passingState && world.isShownInvalid { return nil }
            guard place.lifecycle.awaits(deadline) else { return nil }
            replacement = place.lifecycle.after(deadline)
            if deadline == .limitWindow, record.restarts > 0 { record.restarts -= 1 }
        case .finish(let ending, let misfortune):
            guard let command = place.lifecycle.inFlight, ending != .overtaken || place.isOvertaken,
                let outcome = world.perform(command, ending, handshake: supervised.handshake)
            else { return nil }
            // the daemon looks once more before it gives a command: what others start then, it does not ask
            if world.isFrozen && place.isOvertaken { return nil }
            record.note(command, ending)
            if let misfortune {
                guard !world.isFrozen, world.befall(misfortune) else { return nil }
                record.note(misfortune)
            }
            if !world.isFrozen {
                if world.inmate == .healthy { world.totalExits += 1 }
                event = .finished(command, outcome, world.sighting(place.lifecycle.curiosity))
            }
        case .request(let request):
            // the daemon looks before it takes a request in
            guard !record.pending.contains(request.asOption), place.lifecycle.sees(world) else { return nil }
            event = .requested(request, request.id)
        case .resetFailed: event = .resetFailed
        case .released: event = .released
        case .redefined where record.isDefined, .defined where !record.isDefined: event = .defined(supervised)
        case .undefined where record.isDefined: event = .defined(nil)
        case .redefined, .undefined, .defined: return nil
        case .newDaemonAfter(let ending):
            guard let command = place.lifecycle.inFlight,
                world.perform(command, ending, handshake: supervised.handshake) != nil, !world.isFrozen
            else { return nil }
            record.note(command, ending)
            // nobody has seen the load: what was declared failed stands until a look shows otherwise
            if place.record.isDeclaredFailed { record.isDeclaredFailed = true }
            replacement = driver.successor(of: place.lifecycle, memory: place.lifecycle.memory)
        case .newDaemon: replacement = driver.successor(of: place.lifecycle, memory: place.lifecycle.memory)
        case .newDaemonWithoutMemory:
            replacement = driver.successor(of: place.lifecycle, memory: LifecycleMemory())
            // nobody knows any more that it was only just started
            if world.inmate == .lost { world.inmate = .hung }
        // between two such moments, each shorter than the daemon's patience, it looks at least once
        case .befall(.shownInvalid) where place.lifecycle.invalidSince != nil: return nil
        case .befall(let misfortune):
            guard record.unseen < unseen, world.befall(misfortune) else { return nil }
            record.unseen += 1
            record.note(misfortune)
        }

        var isSign = heard == .sign
        switch event {
        case .seen(.present(let cell)), .finished(_, _, .present(let cell)):
            if cell.totalExits != nil && world.inmate == .healthy { isSign = true }
        default: break
        }
        if isSign { record.isOverdue = false }
        record.wasOverdue = record.isOverdue
        var step = Transition(before: place, what: what, event: event, faults: record.faults, after: place)
        step.after.world = world
        step.after.record = record
        if let replacement { step.after.lifecycle = replacement }
        if let heard { step.actions = driver.handle(.heard(heard), &step.after.lifecycle) }
        if let event { step.actions += driver.handle(event, &step.after.lifecycle) }
        step.after.record.note(step)
        return step
    }
}

extension Place {
    /// Whether the cell is not any more as it was when the command in flight was decided on.
    fileprivate var isOvertaken: Bool {
        let (before, now) = (lifecycle.flight?.before, world.sighting([]).observation)
        guard let before, let now else { return (before == nil) != (now == nil) }
        return before.id != now.id || before.state != now.state && !(before.state.isRunning && now.state.isRunning)
    }
}

extension CellLifecycle {
    fileprivate func sees(_ world: ModelWorld) -> Bool {
        guard case .present(let now) = world.sighting([]) else { return sighting == world.sighting([]) }
        guard let last = sighting?.observation, last.id == now.id else { return false }
        return last.state == now.state || last.state.isRunning && now.state.isRunning
    }
}

extension Record {
    fileprivate mutating func note(_ misfortune: Misfortune) {
        switch misfortune {
        case .allCPUsFail, .inmateEnds, .abiMismatch, .invalidState, .stoppedByOthers, .loadedByOthers:
            faults.insert(.ended)
        case .inmateHangs: faults.insert(.hangs)
        case .oneCPUFails: faults.insert(.degraded)
        // disabled and enabled again between two looks: it is absent all of a sudden
        case .destroyedByOthers, .disabledByOthers:
            faults.subtract([.ended, .hangs])
            faults.insert(.vanished)
        case .startedByOthers: faults.insert(.hangs)
        default: break
        }
        switch misfortune {
        case .loadedByOthers, .destroyedByOthers, .disabledByOthers: (isDeclaredFailed, isReplaced) = (false, true)
        case .stoppedByOthers: (isDeclaredFailed, isReplaced) = (false, true)
        case .allCPUsFail: (isDeclaredFailed, isReplaced) = (false, true)
        case .inmateEnds: (isDeclaredFailed, isReplaced) = (false, true)
        case .abiMismatch: isReplaced = true
        default: break
        }
    }

    fileprivate mutating func note(_ command: Command, _ ending: Ending) {
        if ending != .done && ending != .overtaken { faults.insert(.refused) }
        let isLost = ending == .denied && command == .start
        let isDone = ending == .done || ending == .refusedAfterwards || ending == .halfDone || isLost
        guard isDone else { return }
        switch command {
        case .start: faults.insert(.hangs)
        case .load, .shutDown, .destroy, .create:
            // it is stopped, and the daemon is told that it is not
            faults = ending == .done ? [] : [.refused, .ended]
            isDeclaredFailed = false
        }
        if command != .create { isReplaced = true }
    }

    fileprivate mutating func note(_ step: Transition) {
        hasStartedAnother = step.startedAnother || hasStartedAnother && step.after.lifecycle.memory.aim.restartsAnew
        if case .request(let request) = step.what {
            pending.insert(request.asOption)
            if request == .restart {
                isReplaced = step.before.world.state?.isRunning != true
            }
            let isRefusedAtOnce = step.answers.contains { $0.request == request && $0.failure != nil }
            if !isRefusedAtOnce {
                switch request {
                case .start, .restart: (isToBeStopped, isGivenUp, restarts) = (false, false, 0)
                case .stop, .destroy: (isToBeStopped, isGivenUp) = (true, false)
                case .create: break
                }
            }
        }
        for (request, failure) in step.answers {
            pending.remove(request.asOption)
            switch failure {
            case nil, .superseded(by: .stop), .superseded(by: .destroy): break
            default: if request == .stop || request == .destroy { isToBeStopped = false }
            }
        }
        if step.event?.isLook == true {
            if step.before.lifecycle.inFlight == nil || step.after.lifecycle.inFlight == nil { unseen = 0 }
            // it has been up for so long that earlier failures are forgotten
            let wasUpLong = step.before.lifecycle.uptime?.since == .longAgo
            if wasUpLong, step.after.lifecycle.sighting?.observation?.state.isRunning == true { restarts = 0 }
        }
        for cause in step.failures {
            faults.subtract(Self.fault(of: cause))
            if cause.isDeclared { isDeclaredFailed = true }
        }
        if step.after.lifecycle.uptime?.liveliness?.since != .longAgo { isOverdue = false }
        if step.has({ if case .restarting = $0 { true } else { false } }) { restarts += 1 }
        if step.has({ if case .gaveUp = $0 { true } else { false } }) { isGivenUp = true }
        switch step.what {
        case .resetFailed: (restarts, isGivenUp) = (0, false)
        case .undefined:
            // the lifecycle knows this longer than the definition
            let wasDeclaredFailed = isDeclaredFailed
            forget()
            (isDefined, isDeclaredFailed) = (false, wasDeclaredFailed)
        case .defined: isDefined = true
        case .newDaemon, .newDaemonAfter: pending = []
        case .newDaemonWithoutMemory:
            forget()
        default: break
        }
        // others may start it, which ends the daemon's giving up
        if step.after.lifecycle.condition == .running { isGivenUp = false }
    }

    /// What the daemon does not know any more it may count again.
    private mutating func forget() {
        let (wasDefined, wasUnseen) = (isDefined, unseen)
        self = Record()
        (isDefined, unseen) = (wasDefined, wasUnseen)
        faults = [.ended, .hangs, .vanished, .refused, .degraded, .blinded]
    }

    static func fault(of cause: FailureCause) -> Faults {
        switch cause {
        case .failed, .communicationABIMismatch, .invalidState, .ended, .didNotAnswer: .ended
        case .vanished: .vanished
        case .lostStart, .startedUnloaded, .stalled, .silent, .guestEnded: .hangs
        case .refused: .refused
        case .cpusFailed, .hypervisorFailed: .degraded
        case .countersUnreadable, .startUnverified: .blinded
        }
    }
}
