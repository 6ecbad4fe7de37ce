// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// A lifecycle with one deliberate mistake, which the invariants must find: what cannot fail proves nothing.
enum Mutant: String, CaseIterable, Driver {
    case startsWithoutLoad
    case restartsWhatItAdopts
    case restartsOnReload
    case ignoresTheLimit
    case ignoresTheHandshake
    case gives2Commands
    case touchesForeignCells
    case countsFailuresAgain
    case startsWhatWasStopped
    case forgetsWhoAsked
    case doesNotWait
    case trustsEveryStart
    case keepsNoEvidence
    case overlooksFailures
    case doesNothingAfterADenial
    case remembersADenial
    case isDeaf
    case restartsWhatIsSilent

    func handle(_ event: Event, _ lifecycle: inout CellLifecycle) -> [Action] {
        switch self {
        case .startsWithoutLoad:
            let actions = lifecycle.handle(event, at: .present)
            guard lifecycle.inFlight == .load else { return actions }
            lifecycle.flight?.command = .start
            return actions.map { $0 == .run(.load) ? .run(.start) : $0 }
        case .restartsWhatItAdopts:
            let isNew = lifecycle.sighting == nil
            let actions = lifecycle.handle(event, at: .present)
            guard isNew, lifecycle.progress.isUp, lifecycle.inFlight == nil else { return actions }
            lifecycle.memory.aim.restartsAnew = true
            return actions + lifecycle.handle(event, at: .present)
        case .restartsOnReload:
            let actions = lifecycle.handle(event, at: .present)
            if case .defined(.some) = event { lifecycle.memory.aim.restartsAnew = lifecycle.progress.isUp }
            return actions
        case .ignoresTheLimit:
            lifecycle.memory.budget.reset()
            return lifecycle.handle(event, at: .present)
        case .ignoresTheHandshake:
            let supervised = lifecycle.supervised
            lifecycle.supervised?.handshake = .bounded
            let actions = lifecycle.handle(event, at: .present)
            if case .defined = event { return actions }
            lifecycle.supervised = supervised
            return actions
        case .gives2Commands:
            if event.isLook, lifecycle.inFlight == .load { lifecycle.flight = nil }
            return lifecycle.handle(event, at: .present)
        case .touchesForeignCells:
            if event == .defined(nil) { return [] }
            return lifecycle.handle(event, at: .present)
        case .countsFailuresAgain:
            lifecycle.memory.failedID = nil
            return lifecycle.handle(event, at: .present)
        case .startsWhatWasStopped:
            if lifecycle.sighting == nil, lifecycle.memory.goal == .leave { lifecycle.memory.aim = .run() }
            return lifecycle.handle(event, at: .present)
        case .forgetsWhoAsked:
            if case .finished(_, .refused, _) = event { lifecycle.waiting = [] }
            return lifecycle.handle(event, at: .present)
        case .doesNotWait:
            if lifecycle.memory.aim.backingOffUntil != nil { lifecycle.memory.aim.backingOffUntil = .present }
            return lifecycle.handle(event, at: .present)
        case .trustsEveryStart:
            let actions = lifecycle.handle(event, at: .present)
            if case .started = lifecycle.progress { lifecycle.come(upAt: .present) }
            return actions
        case .keepsNoEvidence:
            return lifecycle.handle(event, at: .present).filter { if case .keepEvidence = $0 { false } else { true } }
        case .overlooksFailures:
            if case .seen(.present(let cell)) = event, cell.state == .failed { return [] }
            return lifecycle.handle(event, at: .present)
        case .doesNothingAfterADenial:
            lifecycle.memory.aim.denial?.retry = .toCome
            return lifecycle.handle(event, at: .present)
        case .isDeaf:
            // it takes each word for silence
            if event == .heard(.sign) { return lifecycle.handle(.heard(.silence), at: .present) }
            return lifecycle.handle(event, at: .present)
        case .restartsWhatIsSilent:
            guard lifecycle.uptime?.liveliness?.silentUntil != nil, event.isLook else {
                return lifecycle.handle(event, at: .present)
            }
            let supervised = lifecycle.supervised
            lifecycle.supervised?.policy.restart = .onFailure
            let actions = lifecycle.handle(event, at: .present)
            lifecycle.supervised = supervised
            return actions
        case .remembersADenial:
            let denial = lifecycle.memory.aim.denial
            let actions = lifecycle.handle(event, at: .present)
            if lifecycle.inFlight == nil, lifecycle.memory.aim.denial == nil { lifecycle.memory.aim.denial = denial }
            return actions
        }
    }

    /// Where it is found out.
    var subject: Subject {
        switch self {
        case .ignoresTheHandshake: Subject(restart: .onFailure, handshake: .unbounded(accepted: false))
        case .isDeaf: Subject(restart: .onFailure, handshake: .bounded, signs: .listener)
        case .restartsWhatIsSilent: Subject(restart: .never, handshake: .bounded, signs: .listener)
        default: Subject(restart: .onFailure, handshake: .bounded)
        }
    }

    var alphabet: Alphabet {
        switch self {
        case .restartsOnReload, .touchesForeignCells, .ignoresTheHandshake: .people
        case .trustsEveryStart: .inmates
        case .isDeaf, .restartsWhatIsSilent: .liveness
        default: .everyday
        }
    }

    /// What must be found wrong with it.
    var broken: String {
        switch self {
        case .startsWithoutLoad: "never a start without a load before it"
        case .restartsWhatItAdopts, .restartsOnReload: "a healthy inmate is touched only because somebody asked"
        case .ignoresTheLimit: "the limit of restarts is obeyed"
        case .ignoresTheHandshake: "no command that could freeze Linux, unless the definition accepts it"
        case .gives2Commands: "one command is in flight at a time"
        case .touchesForeignCells: "no command on a cell without a definition"
        case .countsFailuresAgain: "a failure is counted once"
        case .startsWhatWasStopped: "what should be stopped is never loaded or started"
        case .doesNotWait: "a restart waits for its delay, unless somebody asks"
        case .keepsNoEvidence: "the evidence of a failure is kept before anything is repaired"
        case .overlooksFailures: "a failure that a look shows is counted"
        case .isDeaf: "silent is said of no cell that gave a sign of life in time"
        case .restartsWhatIsSilent: "a silent cell is restarted only by its policy"
        case .remembersADenial: "a look that shows nothing new is not repeated at once"
        case .forgetsWhoAsked, .trustsEveryStart, .doesNothingAfterADenial:
            "when faults cease, what is wanted is reached"
        }
    }
}
