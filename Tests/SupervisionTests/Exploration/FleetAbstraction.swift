// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// The abstraction by which the reachable places of a fleet become few.
///
/// Time: every event happens at ``Moment/present``; when time passes, all moments move back instead. What lies further
/// back than any wait takes is equally long ago; what is to come in more than two seconds (deadlines of requests) is
/// rounded, so that it comes only when nothing else happens before. Counters and numbers of requests are renamed by
/// their order. What only is shown is dropped.
extension FleetPlace {
    var abstracted: FleetPlace {
        var place = self
        place.fleet.renumberRequests()
        place.dropExits()
        place.fleet.compareAnswerTimes()
        if !world.isBlind { place.fleet.dropBlindness() }
        place.fleet.dropWhatDecidesNothing()
        place.fleet.moveMoments { moment in
            let distance = moment - .present
            if distance < .seconds(-2) { return .longAgo }
            return distance > .seconds(2) ? moment.rounded : moment
        }
        for index in place.record.pending.indices {
            let deadline = place.record.pending[index].deadline
            if deadline - .present > .seconds(2) { place.record.pending[index].deadline = deadline.rounded }
        }
        return place
    }

    /// Where nothing waits for counters, they are of no account.
    private mutating func dropExits() {
        for index in world.cells.indices {
            guard let name = world.cells[index].name.text, let cell = fleet.cells[name] else {
                world.cells[index].exits = 0
                continue
            }
            let isWatched =
                switch cell.lifecycle.progress {
                case .loaded, .started: true
                default: cell.lifecycle.inFlight == .load || cell.lifecycle.memory.unverified != nil
                }
            if !isWatched {
                world.cells[index].exits = 0
                fleet.cells[name]?.lifecycle.dropExits()
            } else {
                let base = cell.lifecycle.leastExits(world.cells[index].exits)
                world.cells[index].exits -= base
                fleet.cells[name]?.lifecycle.shiftExits(by: base)
            }
        }
        fleet.look.guests = fleet.look.guests.map { guest in
            var guest = guest
            guest.observation.managementExits = nil
            guest.observation.totalExits = nil
            return guest
        }
        fleet.look.onlineCPUs = nil
    }
}

extension Moment {
    /// Up to the next whole five seconds from now.
    fileprivate var rounded: Moment {
        let step: Int64 = 5_000_000_000
        let distance = nanoseconds - Moment.present.nanoseconds
        return Moment(nanoseconds: Moment.present.nanoseconds + (distance + step - 1) / step * step)
    }
}

extension CellLifecycle {
    fileprivate mutating func dropExits() {
        if case .present(var observation) = sighting {
            observation.managementExits = nil
            sighting = .present(observation)
        }
        flight?.before?.managementExits = nil
    }

    fileprivate func leastExits(_ world: UInt64) -> UInt64 {
        var values = [world]
        values += sighting?.observation?.managementExits ?? []
        values += flight?.before?.managementExits ?? []
        values += memory.unverified?.before ?? []
        switch progress {
        case .loaded(let settling): values += settling.before + (settling.parkedExits ?? [])
        case .started(let watch): values += watch.before
        default: break
        }
        return values.min() ?? 0
    }

    fileprivate mutating func shiftExits(by base: UInt64) {
        func shifted(_ exits: [UInt64]) -> [UInt64] { exits.map { $0 - base } }
        if case .present(var observation) = sighting {
            observation.managementExits = observation.managementExits.map(shifted)
            sighting = .present(observation)
        }
        if var observation = flight?.before {
            observation.managementExits = observation.managementExits.map(shifted)
            flight?.before = observation
        }
        memory.unverified = memory.unverified.map {
            Verification(before: shifted($0.before), since: $0.since, lostStarts: $0.lostStarts, cell: $0.cell)
        }
        switch progress {
        case .loaded(let old):
            var settling = Settling(before: shifted(old.before), since: old.since, earlierLosses: old.earlierLosses)
            (settling.parked, settling.parkedExits) = (old.parked, old.parkedExits.map(shifted))
            settling.lostStarts = old.lostStarts
            progress = .loaded(settling)
        case .started(let old):
            progress = .started(Verification(before: shifted(old.before), since: old.since, lostStarts: old.lostStarts))
        default: break
        }
    }

    fileprivate mutating func dropWhatDecidesNothing() {
        since = .present
        let isDegraded = memory.shown?.condition == .degraded
        memory.shown = isDegraded ? LifecycleMemory.Shown(condition: .degraded, since: .present) : nil
        memory.restarts = 0
        memory.answered = memory.answered.map {
            LifecycleMemory.Answered($0.answer, at: $0.at, stall: $0.stall.map { _ in .zero })
        }
        if memory.budget.isUntouched { uptime?.since = .present }
        if memory.aim.backingOffUntil.map({ $0 < .present }) == true { memory.aim.backingOffUntil = .present }
        flight?.before?.totalExits = nil
        // what has lasted longer than any wait for it
        func held(_ moment: Moment, _ wait: Duration) -> Moment { max(moment, .present + (.zero - wait)) }
        switch progress {
        case .loaded(let old):
            var settling = old.copy(since: old.parked == nil ? held(old.since, Settling.patience) : .present)
            settling.parked = old.parked.map { held($0, Settling.pause) }
            progress = .loaded(settling)
        case .started(let old):
            progress = .started(
                Verification(
                    before: old.before, since: held(old.since, Verification.patience), lostStarts: old.lostStarts))
        default: break
        }
        invalidSince = invalidSince.map { held($0, Self.passing) }
        memory.aim.denial = memory.aim.denial.map {
            Aim.Denial(since: held($0.since, .milliseconds(500)), retry: held($0.retry, .zero))
        }
    }

    fileprivate mutating func moveMoments(_ move: (Moment) -> Moment) {
        invalidSince = invalidSince.map(move)
        blindSince = blindSince.map(move)
        memory.aim.backingOffUntil = memory.aim.backingOffUntil.map(move)
        memory.aim.denial = memory.aim.denial.map { Aim.Denial(since: move($0.since), retry: move($0.retry)) }
        if let old = uptime {
            var liveliness = old.liveliness
            if let since = liveliness?.since { liveliness?.since = move(since) }
            if let until = liveliness?.silentUntil { liveliness?.silentUntil = move(until) }
            let since: Moment = move(old.since) < .present + .seconds(-2) ? .longAgo : .present
            uptime = Uptime(since: since, liveliness: liveliness, guestEnd: old.guestEnd)
        }
        switch progress {
        case .loaded(let old):
            var settling = old.copy(since: move(old.since))
            settling.parked = old.parked.map(move)
            progress = .loaded(settling)
        case .started(let old):
            progress = .started(
                Verification(before: old.before, since: move(old.since), lostStarts: old.lostStarts))
        default: break
        }
        memory.move(move)
    }
}

extension LifecycleMemory {
    fileprivate mutating func moveAnswer(to moment: Moment) {
        answered = answered.map { Answered($0.answer, at: moment, stall: $0.stall) }
    }

    fileprivate mutating func move(_ move: (Moment) -> Moment) {
        answered = answered.map { Answered($0.answer, at: move($0.at), stall: $0.stall) }
        budget.attempts = budget.attempts.map { move($0) < .present + .seconds(-2) ? .longAgo : .present }
        unverified = unverified.map {
            Verification(before: $0.before, since: .present, lostStarts: $0.lostStarts, cell: $0.cell)
        }
    }
}

extension Fleet {
    /// Moves every moment that decides anything.
    mutating func moveMoments(_ move: (Moment) -> Moment) {
        for name in names { cells[name]?.lifecycle.moveMoments(move) }
        for name in remembered.cells.keys { remembered.cells[name]?.move(move) }
        for index in nameless.indices { nameless[index].since = .present }
        requests = requests.map { old in
            var request = OpenRequest(
                id: old.id, began: move(old.began), deadline: move(old.deadline), kind: old.kind)
            request.isAnswered = old.isAnswered
            return request
        }
        switch machine {
        case .disabled(let wish):
            machine = .disabled(wish.map { EnableWish(retry: $0.retry.map(move), pause: $0.pause) })
        case .shuttingDown(let end):
            var moved = ShutDown(
                request: end.request, deadline: move(end.deadline), lastStop: move(end.lastStop), phase: end.phase)
            moved.interrupted = end.interrupted
            moved.stop = end.stop.map { ShutDown.Stop(cell: $0.cell, id: $0.id, until: move($0.until)) }
            moved.left = end.left
            moved.result = end.result
            machine = .shuttingDown(moved)
        default: break
        }
    }

    fileprivate mutating func dropWhatDecidesNothing() {
        for name in names {
            cells[name]?.lifecycle.dropWhatDecidesNothing()
            if !requests.contains(where: { $0.journey?.cell == name }) {
                cells[name]?.lifecycle.memory.moveAnswer(to: .longAgo)
                if inEnd == false { cells[name]?.lifecycle.memory.answered = nil }
            }
        }
    }

    /// Of the time of an answer it counts only whether it was before the request or after.
    fileprivate mutating func compareAnswerTimes() {
        requests = requests.map { old in
            let time = old.journey.flatMap { cells[$0.cell]?.lifecycle.memory.lastAnswerTime }
            let isAnswered = time.map { $0 >= old.began } ?? false
            if let name = old.journey?.cell {
                cells[name]?.lifecycle.memory.moveAnswer(to: isAnswered ? .present : .longAgo)
            }
            var request = OpenRequest(
                id: old.id, began: isAnswered ? .longAgo : .present,
                deadline: old.isAnswered ? .longAgo : old.deadline, kind: old.kind)
            request.isAnswered = old.isAnswered
            return request
        }
    }

    /// Counters can be read: a look that did not ask for them says nothing.
    fileprivate mutating func dropBlindness() {
        for name in names { cells[name]?.lifecycle.blindSince = nil }
    }

    private var inEnd: Bool { if case .shuttingDown = machine { true } else { false } }

    /// Numbers of requests within the fleet, by their order.
    fileprivate mutating func renumberRequests() {
        var used: Set<RequestID> = []
        for cell in cells.values {
            used.formUnion(cell.lifecycle.waiting.map(\.id))
        }
        for request in requests {
            guard let journey = request.journey else { continue }
            if let current = journey.current { used.insert(current) }
            used.formUnion(journey.stops.map(\.id))
            used.formUnion(journey.undoing?.cells.map(\.id) ?? [])
        }
        if case .shuttingDown(let end) = machine, let stop = end.stop { used.insert(stop.id) }
        used.remove(0)
        let order = used.sorted()
        // one that nobody refers to is some other one
        func renumbered(_ id: RequestID) -> RequestID {
            id == 0 ? 0 : order.firstIndex(of: id).map { RequestID($0 + 2) } ?? 1
        }
        for name in names {
            guard let cell = cells[name] else { continue }
            cells[name]?.latestRequest = renumbered(cell.latestRequest)
            cells[name]?.lifecycle.waiting = cell.lifecycle.waiting.map { waiting in
                CellLifecycle.Waiting(id: renumbered(waiting.id), request: waiting.request)
            }
        }
        for index in requests.indices {
            guard var journey = requests[index].journey else { continue }
            journey.current = journey.current.map(renumbered)
            journey.stops = journey.stops.map { Journey.Stop(cell: $0.cell, id: renumbered($0.id)) }
            if var undoing = journey.undoing {
                undoing.cells = undoing.cells.map { Journey.Stop(cell: $0.cell, id: renumbered($0.id)) }
                journey.undoing = undoing
            }
            requests[index].journey = journey
        }
        if case .shuttingDown(var end) = machine, let stop = end.stop {
            end.stop = ShutDown.Stop(cell: stop.cell, id: renumbered(stop.id), until: stop.until)
            machine = .shuttingDown(end)
        }
        lastID = RequestID(order.count + 1)
    }
}
