// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// The machine with all its cells: what is known of it, what is wanted, and what is to be done next.
///
/// A value without clock or I/O. Everything enters through ``handle(_:at:)``; what it returns is to be done in order.
/// Each cell's own life is a ``CellLifecycle``; what concerns several cells or the hypervisor itself is decided here:
/// dependencies, cells that a command would ask or notify and that may never answer, what the driver does next, which
/// steps of a request are left and by when it must be answered.
///
/// The driver is given work only after a look, so look after each request. Everything that waits is checked again after
/// each event; nothing polls.
package struct Fleet: Hashable, Sendable {
    package internal(set) var machine: Machine = .unseen(wanted: false)
    package internal(set) var cells: [String: FleetCell] = [:]
    /// Cells whose names cannot be typed.
    package internal(set) var nameless: [NamelessCell] = []
    /// What the driver works on.
    package internal(set) var inDriver: DriverWork?
    package internal(set) var system: FleetSystem?
    /// What the last look showed.
    var look = Look(.noDriver, isComplete: false)
    /// The names in ``cells``, ascending.
    var names: [String] = []
    /// What waits for the driver, in the order in which it was asked for.
    var queue: [DriverWork] = []
    /// Requests that are not answered yet, and those whose steps go on after their answer; in order.
    var requests: [OpenRequest] = []
    /// The last number that a cell was given with a request.
    var lastID: RequestID = 0
    /// A cell was given a request, and there has been no look since.
    var mustLook = false
    package internal(set) var lostCPUs = LostCPUs()
    let readsImages: Bool
    /// What outlives the daemon, except for the cells' own memories.
    var remembered: FleetMemory

    /// When a request is answered at the latest, whatever it waits for. Clients wait for five minutes.
    package static let patience = Duration.seconds(280)

    /// - Parameters:
    ///   - definitions: by the cells' names.
    ///   - system: the configured one: the hypervisor is to be enabled with it, unless somebody has disabled it.
    ///   - memory: what an earlier daemon of this boot knew; nil when this is the first: then `autostart` decides.
    ///   - readsImages: a load is given to the driver only when its images have been read, which is asked for by
    ///     ``FleetAction/readImages(of:decidedOn:)``: a slow image holds up nobody else.
    ///   - onlyToEnd: nothing is wanted but the end: no cell is started, the hypervisor is not enabled.
    package init(
        _ definitions: [String: FleetDefinition], system: FleetSystem? = nil, memory: FleetMemory?,
        onlyToEnd: Bool = false, readsImages: Bool = false, at now: Moment
    ) {
        remembered = memory ?? FleetMemory()
        self.readsImages = readsImages
        let isFirst = memory == nil || remembered.beginsAnew
        remembered.beginsAnew = false
        self.system = system
        names = definitions.keys.sorted()
        for (name, definition) in definitions {
            // one that is new in this boot waits for a client's request
            var known = remembered.cells[name] ?? (isFirst ? nil : LifecycleMemory())
            if remembered.isLost { known?.trustsFirstSight = true }
            let lifecycle = CellLifecycle(definition.supervised, memory: known, at: now)
            cells[name] = FleetCell(definition: definition, lifecycle: lifecycle)
        }
        remembered.isLost = false
        lostCPUs = remembered.lostCPUs
        if isFirst { wantRequired(at: now) }
        if onlyToEnd {
            for name in names { _ = cells[name]?.lifecycle.handle(.released, at: now) }
        } else {
            machine = .unseen(wanted: system != nil && !remembered.isDisabledByRequest)
        }
    }

    /// The cells that automatically started ones require are to run as well.
    private mutating func wantRequired(at now: Moment) {
        for name in startingByThemselves where cells[name]?.lifecycle.memory.goal != .run {
            guard let definition = cells[name]?.definition else { continue }
            var memory = LifecycleMemory()
            memory.goal = .run
            cells[name]?.lifecycle = CellLifecycle(definition.supervised, memory: memory, at: now)
        }
    }

    /// What a successor must know.
    package var memory: FleetMemory {
        var memory = remembered
        memory.lostCPUs = lostCPUs
        for (name, cell) in cells {
            if cell.definition != nil {
                memory.cells[name] = cell.lifecycle.memory.kept
            } else if remembered.cells[name] == nil, cell.lifecycle.sighting?.observation != nil {
                // how it answers must be known when it has a definition again, and at the end
                memory.cells[name] = cell.lifecycle.memory.kept
            }
        }
        return memory
    }

    /// Whether this lacks something that a successor must know.
    package func differs(from written: FleetMemory) -> Bool {
        guard remembered.isDisabledByRequest == written.isDisabledByRequest,
            remembered.startOrder == written.startOrder, remembered.silentCells == written.silentCells,
            lostCPUs == written.lostCPUs
        else { return true }
        for name in names {
            guard let cell = cells[name] else { continue }
            let isKept = cell.definition != nil || cell.lifecycle.sighting?.observation != nil
            let known = cell.definition == nil ? remembered.cells[name] : nil
            if written.cells[name] != (known ?? (isKept ? cell.lifecycle.memory.kept : nil)) { return true }
        }
        return written.cells.keys.contains { cells[$0] == nil && remembered.cells[$0] == nil }
    }

    package var hasDriver: Bool { look.hypervisor != .noDriver }
    package var isEnabled: Bool { look.hypervisor == .enabled }
    package var isEnding: Bool { machine == .ending }

    /// Whether the daemon is enabling the hypervisor, or will as soon as it can.
    package var isGoingToEnable: Bool {
        switch machine {
        case .unseen(let wanted), .noDriver(let wanted): wanted
        case .disabled(let wish): wish != nil
        case .enabling: true
        case .enabled, .disabling, .shuttingDown, .ending: false
        }
    }

    /// Whether a load of this cell was decided on, and has not ended.
    package func isLoading(_ name: String) -> Bool {
        guard let cell = cells[name] else { return false }
        if cell.reading != nil { return true }
        func isLoad(_ work: DriverWork) -> Bool {
            if case .command(.load, of: name, _) = work { true } else { false }
        }
        return queue.contains(where: isLoad) || inDriver.map(isLoad) == true
    }

    /// Whether the next look must say which of Linux's CPUs are online.
    package var wantsOnlineCPUs: Bool {
        if case .enabling(let enabling) = machine { enabling.phase == .due } else { false }
    }

    /// Which statistics the next look should include.
    package func curiosity(_ name: String) -> Curiosity { cells[name]?.lifecycle.curiosity ?? [] }

    /// When the fleet must be woken for a look, if sooner than the poll interval; never before `now`.
    package func nextWake(after now: Moment) -> Moment? {
        guard machine != .ending else { return nil }
        if mustLook || wantsOnlineCPUs { return now }
        var next: Moment?
        func note(_ moment: Moment?) {
            guard let moment else { return }
            next = min(next ?? moment, max(moment, now))
        }
        for name in names { note(cells[name]?.lifecycle.nextLook(after: now)) }
        for request in requests where !request.isAnswered { note(request.deadline) }
        switch machine {
        case .disabled(let wish): note(wish?.retry)
        case .shuttingDown(let end): note(end.nextDeadline)
        default: break
        }
        return next
    }

    /// Takes in one event and says what is to be done.
    package mutating func handle(_ event: FleetEvent, at now: Moment) -> [FleetAction] {
        guard machine != .ending else { return [] }
        var effects = Effects(now: now)
        switch event {
        case .looked(let look):
            see(look, &effects)
        case .finished(let end, let look):
            conclude(end, look, &effects)
        case .requested(let request, let id):
            take(request, id, &effects)
        case .resetFailed(let name):
            for cell in name.map({ [$0] }) ?? names { feed(cell, .resetFailed, &effects) }
        case .defined(let name, let definition):
            define(name, definition, &effects)
        case .imagesRead(let name, let refusal):
            imagesRead(of: name, refusal, &effects)
        case .configured(let system):
            self.system = system
        case .lostCPUs(let cpus):
            lostCPUs = cpus
        case .heard(let name, let sign):
            feed(name, .heard(sign), &effects)
        case .ending:
            end(&effects)
        }
        goOn(&effects)
        return effects.actions
    }

    /// Everything that may have become possible, or too late, by an event.
    private mutating func goOn(_ effects: inout Effects) {
        guard machine != .ending else { return }
        settleAnswers(&effects)
        expire(&effects)
        if effects.isLook {
            serveMachine(&effects)
            serveHeld(&effects)
            dropUnwantedReadings(&effects)
            settleAnswers(&effects)
            serveQueue(&effects)
            // what was rejected there may never succeed from now on
            serveHeld(&effects)
            settleAnswers(&effects)
            forget()
        }
        settleAnswers(&effects)
    }

    private mutating func forget() {
        guard names.contains(where: { cells[$0]?.isForgettable == true }) else { return }
        for name in names where cells[name]?.isForgettable == true {
            cells[name] = nil
            remembered.startOrder.removeAll { $0 == name }
        }
        names.removeAll { cells[$0] == nil }
    }

    /// What happens while one event is handled.
    struct Effects {
        let now: Moment
        var actions: [FleetAction] = []
        /// Answers of cells that have not been passed on yet.
        var answers: [(id: RequestID, failure: RequestFailure?)] = []
        /// Whether the event says how things are now.
        var isLook = false
    }
}

/// A cell that is defined, exists, or both.
package struct FleetCell: Hashable, Sendable {
    /// Nil for a foreign cell, and for one whose definition cannot be used.
    package internal(set) var definition: FleetDefinition?
    package internal(set) var lifecycle: CellLifecycle
    /// What it waits for before it is brought up.
    package internal(set) var waitsFor: WaitReason?
    /// The command that waits for other cells.
    var held: Command?
    /// Its images are being read for a load.
    var reading: Reading?
    /// Whether a load waits until its images have been read.
    package var isReadingImages: Bool { reading != nil }
    /// A command whose end is known, and whose effect could not be looked at yet.
    var unseenEnd: UnseenEnd?
    /// The latest request for it.
    var latestRequest: RequestID = 0

    struct Reading: Hashable, Sendable {
        /// What the cell showed when the load was decided on.
        let decidedOn: Sighting?
    }

    struct UnseenEnd: Hashable, Sendable {
        let command: Command
        let outcome: Outcome
    }

    /// Whether there is anything left to know of it.
    var isForgettable: Bool {
        definition == nil && lifecycle.condition == .absent && lifecycle.inFlight == nil
            && lifecycle.sighting != nil
    }
}

/// What is done with the hypervisor as a whole.
package enum Machine: Hashable, Sendable {
    /// There has been no look yet.
    /// - wanted: it is to be enabled.
    case unseen(wanted: Bool)
    /// - wanted: it is to be enabled once the driver is there.
    case noDriver(wanted: Bool)
    /// - Parameter wish: nil when it is left so.
    case disabled(EnableWish?)
    case enabling(Enabling)
    case enabled
    case disabling(Disabling)
    case shuttingDown(ShutDown)
    /// The daemon exits.
    case ending
}

/// The daemon is to enable the hypervisor by itself.
package struct EnableWish: Hashable, Sendable {
    static let firstPause = Duration.milliseconds(100)
    static let longestPause = Duration.seconds(60)

    /// Not before; nil: at once.
    var retry: Moment?
    /// After the last failure.
    var pause: Duration?
}

package struct Enabling: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// The next look tells which CPUs are online.
        case due
        /// The driver has it, or will.
        case queued
    }

    /// The client's request; nil: the daemon does it by itself.
    var request: RequestID?
    let system: FleetSystem
    var phase = Phase.due
    /// After the last failure of the daemon's own.
    var pause: Duration?
}

package struct Disabling: Hashable, Sendable {
    let request: RequestID
    let others: Bool
}
