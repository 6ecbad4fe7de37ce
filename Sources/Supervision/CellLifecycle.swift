// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
/// One cell's life: what is known of it, what is wanted, and what is to be done next.
///
/// A value without clock or I/O. Everything enters through ``handle(_:at:)``; what it returns is to be done in order,
/// and each command's end is to be reported back. It plans by level, not by edge: after every event it compares what
/// is wanted with what is there, so that it reaches its goal from wherever faults or other hands have put the cell.
package struct CellLifecycle: Hashable, Sendable {
    /// What is known of its definition; nil without a usable definition: the cell is then shown, never touched.
    package internal(set) var supervised: Supervised?
    /// The result of the last look.
    package internal(set) var sighting: Sighting?
    package internal(set) var condition: Condition
    /// When ``condition`` last changed.
    package internal(set) var since: Moment
    /// The part that outlives the daemon.
    package internal(set) var memory: LifecycleMemory
    /// The command that the hypervisor is executing.
    package var inFlight: Command? { flight?.command }
    var flight: Flight?

    var progress = Progress.unseen
    /// The inmate is known not to respond.
    var isSilent = false
    var invalidSince: Moment?
    /// Since when its exit counters were needed and could not be read.
    var blindSince: Moment?
    /// If the next look shows it failed, it is because of this.
    var unanswered: Unanswered?
    var waiting: [Waiting] = []

    /// A command, from the moment it was given until its end is known.
    struct Flight: Hashable, Sendable {
        var command: Command
        /// The cell as it was then.
        var before: Observation?
        /// Of the cell that is being created.
        var handshake: Handshake?
    }

    struct Waiting: Hashable, Sendable {
        let id: RequestID
        let request: Request
    }

    /// How long `invalid` is taken for the passing state of a create or destroy by other hands.
    static let passing = Duration.milliseconds(500)
    /// How long exit counters that cannot be read are waited for.
    static let blindness = Duration.seconds(2)

    /// A cell that has not been looked at.
    ///
    /// - Parameters:
    ///   - supervised: nil for a foreign cell.
    ///   - memory: what an earlier daemon of the same boot knew; nil when there is none: then `autostart` decides.
    package init(_ supervised: Supervised?, memory: LifecycleMemory? = nil, at now: Moment) {
        self.supervised = supervised
        self.memory = memory?.kept ?? LifecycleMemory()
        if memory == nil, supervised?.policy.autostart == true { self.memory.aim = .run() }
        since = now
        condition = .absent
    }

    /// Handles one event and returns the actions to perform.
    ///
    /// Commands follow from looks only, so that none is given on the ground of what was seen some time ago: after a
    /// request or a change of the definition, look.
    package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .seen(let sighting):
            observe(sighting, at: now, &actions)
        case .finished(let command, let outcome, let sighting):
            conclude(command, outcome, sighting, at: now, &actions)
        case .requested(let request, let id):
            accept(request, id, at: now, &actions)
        case .resetFailed:
            resetFailed()
        case .defined(let definition):
            define(definition, at: now, &actions)
        case .released:
            release(&actions)
        case .retained:
            if memory.aim == .leave(.isReleased) { memory.aim = .run() }
        case .unanswered(let unanswered):
            self.unanswered = unanswered
        case .withdrawn(let id):
            waiting.removeAll { $0.id == id }
        case .ends(let id):
            acceptEnd(id, at: now, &actions)
        case .heard(let sign):
            hear(sign, at: now, &actions)
        }
        if event.isLook { plan(at: now, &actions) }
        answerFulfilled(&actions)
        noteCondition(at: now, &actions)
        return actions
    }

    /// What is wanted, in one word: `running` or `stopped`.
    package var desired: String { memory.goal == .run ? "running" : "stopped" }

    /// When the next automatic restart begins.
    package var nextRestart: Moment? { memory.aim.backingOffUntil }

    /// Whether its inmate is known not to respond, so that a shutdown request would hang Linux.
    package var isKnownSilent: Bool { isSilent }

    /// How the cell that is there answers a shutdown request, whatever its definition says by now, except for what that
    /// accepts; nil without a definition.
    package var handshake: Handshake? {
        guard let defined = supervised?.handshake else { return nil }
        guard let created = memory.creation?.handshake else { return defined }
        if case .unbounded = created, case .unbounded = defined { return defined }
        return created
    }

    /// The same; without a definition, as it was created or last known to answer.
    package var knownHandshake: Handshake? {
        if let handshake { return handshake }
        guard let creation = memory.creation, let observation = sighting?.observation, creation.isOf(observation),
            !isMadeByOthers
        else { return nil }
        return creation.handshake
    }

    /// Whether another tool created and started the current cell: its configuration may differ from the definition.
    package var isMadeByOthers: Bool { memory.creation?.isOwn == false }

    /// Whether its inmate is considered dead although the hypervisor reports `running`, and the wait for its answer has
    /// no limit.
    package var isTakenForSilent: Bool {
        guard case .unbounded = knownHandshake else { return false }
        return isSilent || memory.failure?.isDeclared == true
    }

    /// Whether it has not been seen yet that its start (or an earlier daemon's) took effect, and nothing limits the wait
    /// for its answers: the hypervisor also notifies it when other cells are created and destroyed.
    package var mayBeSilent: Bool {
        guard case .unbounded = knownHandshake else { return false }
        switch progress {
        case .started: return true
        case .unseen: return memory.unverified != nil || memory.failure?.isDeclared == true
        default: return inFlight == .start
        }
    }

    /// What the next look should include.
    package var curiosity: Curiosity {
        guard let supervised else { return [] }
        if memory.goal == .run && (!progress.isUp || memory.aim.restartsAnew || inFlight == .load) {
            return .managementExits
        }
        if progress.isUp, supervised.policy.liveness?.source == .exits { return .totalExits }
        if case .started = progress { return .managementExits }
        return []
    }

    /// When the cell should be looked at again, if sooner than the poll interval; never before `now`.
    package func nextLook(after now: Moment) -> Moment? {
        guard inFlight == nil else { return nil }
        let soon = now + .microseconds(500)
        switch progress {
        case .loaded(let settling) where memory.goal == .run:
            return max(now, memory.aim.backingOffUntil ?? min(settling.end, soon))
        case .started: return soon
        default: break
        }
        // while its state is transient nothing is repeated
        if let denial = memory.aim.denial { return isPassing(at: now) ? nil : max(now, denial.retry) }
        if let until = memory.aim.backingOffUntil { return max(now, until) }
        if let until = guestDeadline { return max(now, until) }
        if wantsExitsBeforeLoad { return now }
        return nil
    }

    private var wantsExitsBeforeLoad: Bool {
        guard memory.goal == .run, let observation = sighting?.observation else { return false }
        return curiosity.contains(.managementExits) && observation.managementExits == nil
            && !(observation.state == .invalid)
    }
}

// MARK: - Condition

extension CellLifecycle {
    mutating func noteCondition(at now: Moment, _ actions: inout [Action]) {
        let next = currentCondition
        guard next != condition else { return }
        actions.append(.report(.conditionChanged(from: condition, to: next)))
        // a condition that an earlier daemon recorded keeps its time
        since = memory.shown?.condition == next ? memory.shown?.since ?? now : now
        condition = next
        memory.shown = LifecycleMemory.Shown(condition: next, since: since)
    }

    var currentCondition: Condition {
        guard let sighting else { return condition }
        guard supervised != nil else { return sighting.observation == nil ? .absent : .foreign }
        if memory.isGivenUp { return .gaveUp }
        switch memory.aim {
        case .run(.backingOff): return .backingOff
        case .run(.underWay(let steps)) where steps.restartsAnew: return .stopping
        case .run where !progress.isUp && sighting != .disabled: return .starting
        case .stop, .absent:
            if sighting.observation != nil { return .stopping }
        default: break
        }
        guard let observation = sighting.observation else {
            // a create that was refused has left nothing that could have failed
            if case .refused(.create, _) = memory.failure { return .absent }
            return memory.failure == nil || sighting == .disabled ? .absent : .failed
        }
        switch progress {
        case .up:
            if !observation.failedCPUs.isEmpty { return .degraded }
            return isQuiet ? .silent : .running
        case .down(.failed): return memory.failure == nil ? .stopped : .failed
        case .down(.created): return .created
        case .started: return .starting
        case .down(.stopped), .loaded, .nothing, .unseen: return observation.state.isRunning ? .running : .stopped
        }
    }
}
