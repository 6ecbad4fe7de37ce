// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

// Requests of several steps: the steps that are left, the answer to each, and the deadline of the client's answer.

/// A request that is not answered yet, or whose steps go on after its answer.
struct OpenRequest: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Taken up when the hypervisor is no longer being enabled or disabled.
        case deferred(FleetRequest)
        case journey(Journey)
        /// What is done is the machine's state.
        case machine(MachineCommand)
        case shutDownAll
    }

    let id: RequestID
    let began: Moment
    let deadline: Moment
    var kind: Kind
    var isAnswered = false

    var journey: Journey? {
        get { if case .journey(let journey) = kind { journey } else { nil } }
        set { if let newValue { kind = .journey(newValue) } }
    }
}

/// The steps of a request for one cell.
struct Journey: Hashable, Sendable {
    let request: Request
    let cell: String
    /// Those that are left, the current one first.
    var steps: [DependencyOrder.Step]
    /// The number that the current step's cell was given with it.
    var current: RequestID?
    /// The request itself is done.
    var isDone = false
    /// How long Linux was stalled, since the inmate did not answer.
    var unanswered: Duration?
    /// Cells that were stopped for it, in that order.
    var stops: [Stop] = []
    var undoing: Undoing?

    struct Stop: Hashable, Sendable {
        let cell: String
        /// If the cell's latest request is another one, another client has requested something since.
        let id: RequestID
    }

    /// It failed, and what was stopped for it is started again.
    struct Undoing: Hashable, Sendable {
        let step: DependencyOrder.Step
        let failure: FleetFailure
        /// Those that are left, the current one first.
        var cells: [Stop]
        var left: [ShutDownResult.Left] = []
    }
}

extension Fleet {
    mutating func take(_ request: FleetRequest, _ id: RequestID, _ effects: inout Effects) {
        mustLook = true
        let deadline =
            if case .shutDownAll(let limit) = request { effects.now + min(max(limit, .zero), .seconds(600)) } else {
                effects.now + Self.patience
            }
        requests.append(OpenRequest(id: id, began: effects.now, deadline: deadline, kind: .deferred(request)))
        begin(request, id, &effects)
    }

    private mutating func begin(_ request: FleetRequest, _ id: RequestID, _ effects: inout Effects) {
        switch request {
        case .cell(let request, let name): begin(request, name, id, &effects)
        case .enable(let system): enable(system ?? self.system, id, &effects)
        case .disable(let others): disable(others: others, id, &effects)
        case .shutDownAll: shutDownAll(id, &effects)
        }
    }

    /// Takes up what waited for the hypervisor to be enabled or disabled.
    mutating func beginDeferred(_ effects: inout Effects) {
        for request in requests {
            guard case .deferred(let what) = request.kind, !isMachineBusy else { continue }
            begin(what, request.id, &effects)
        }
    }

    /// Whether the hypervisor is being enabled or disabled.
    var isMachineBusy: Bool {
        switch machine {
        case .enabling, .disabling: true
        default: false
        }
    }

    // MARK: - Journeys

    private mutating func begin(_ request: Request, _ name: String, _ id: RequestID, _ effects: inout Effects) {
        guard !isMachineBusy else { return }
        guard let cell = cells[name] else { return answer(id, .failed(.noSuchCell(name)), &effects) }
        let steps =
            cell.definition == nil
            ? [DependencyOrder.Step(request, name)] : order.steps(for: request, of: name, isRunning: isWanted)
        set(id, .journey(Journey(request: request, cell: name, steps: steps)))
        advance(id, &effects)
    }

    /// Begins the next step, or answers when none is left.
    private mutating func advance(_ id: RequestID, _ effects: inout Effects) {
        guard var journey = open(id)?.journey else { return }
        while let step = journey.steps.first {
            let isOwn = step == journey.ownStep
            if step.request == .start, !isOwn, let stop = journey.stops.last(where: { $0.cell == step.cell }),
                cells[step.cell]?.latestRequest != stop.id
            {
                // another client has stopped it since
                journey.steps.removeFirst()
                continue
            }
            let asked = ask(step.request, step.cell, &effects)
            switch asked {
            case .success(let current):
                journey.current = current
                return set(id, .journey(journey))
            case .failure(let failure):
                set(id, .journey(journey))
                return fail(id, failure, &effects)
            }
        }
        set(id, .journey(journey))
        answer(id, .done(unanswered: journey.unanswered), &effects)
        close(id)
    }

    /// Gives a cell a request.
    private mutating func ask(
        _ request: Request, _ name: String, _ effects: inout Effects
    ) -> Result<RequestID, FleetFailure> {
        guard hasDriver else { return .failure(.noDriver) }
        if case .shuttingDown = machine, request != .stop && request != .destroy {
            return .failure(.shuttingDown(cell: name))
        }
        guard cells[name] != nil else { return .failure(.noSuchCell(name)) }
        let id = nextID()
        cells[name]?.latestRequest = id
        mustLook = true
        feed(name, .requested(request, id), &effects)
        return .success(id)
    }

    mutating func nextID() -> RequestID {
        lastID += 1
        return lastID
    }

    /// Passes on what cells have answered.
    mutating func settleAnswers(_ effects: inout Effects) {
        while !effects.answers.isEmpty {
            let (inner, failure) = effects.answers.removeFirst()
            if settleEnd(inner, failure, &effects) { continue }
            guard let request = requests.first(where: { $0.journey?.current == inner }),
                var journey = request.journey
            else { continue }
            journey.current = nil
            set(request.id, .journey(journey))
            if let failure {
                let name = journey.undoing?.cells.first?.cell ?? journey.steps.first?.cell ?? journey.cell
                fail(request.id, .cell(name, failure), &effects)
            } else {
                succeed(request.id, &effects)
            }
            // so that the next step is decided on, and given to the driver, after a look
            mustLook = true
        }
    }

    private mutating func succeed(_ id: RequestID, _ effects: inout Effects) {
        guard let request = open(id), var journey = request.journey else { return }
        if journey.undoing != nil {
            journey.undoing?.cells.removeFirst()
            set(id, .journey(journey))
            return undo(id, &effects)
        }
        let step = journey.steps.removeFirst()
        if step == journey.ownStep, !journey.isDone {
            journey.isDone = true
            let memory = cells[step.cell]?.lifecycle.memory
            // an inmate whose start was lost cannot answer the repeated start; that is cured, and the client need not know
            let endsInmate = step.request != .create && step.request != .start
            if endsInmate, memory?.lastAnswer == .timedOut, let time = memory?.lastAnswerTime, time >= request.began {
                journey.unanswered = memory?.lastStall ?? .zero
            }
        } else {
            effects.actions.append(.note(step, of: id, nil))
            if step.request == .stop, let stop = cells[step.cell]?.latestRequest {
                journey.stops.append(Journey.Stop(cell: step.cell, id: stop))
            }
        }
        set(id, .journey(journey))
        advance(id, &effects)
    }

    private mutating func fail(_ id: RequestID, _ failure: FleetFailure, _ effects: inout Effects) {
        guard var journey = open(id)?.journey else { return }
        if let stop = journey.undoing?.cells.first {
            journey.undoing?.left.append(ShutDownResult.Left(cell: stop.cell, reason: failure))
            journey.undoing?.cells.removeFirst()
            set(id, .journey(journey))
            return undo(id, &effects)
        }
        guard let step = journey.steps.first else { return }
        if step != journey.ownStep || journey.isDone { effects.actions.append(.note(step, of: id, failure)) }
        let stopped = journey.request == .restart && !journey.isDone ? journey.stops.reversed() : []
        journey.undoing = Journey.Undoing(step: step, failure: failure, cells: Array(stopped))
        set(id, .journey(journey))
        undo(id, &effects)
    }

    /// Starts what was stopped for a restart that failed, in the reverse order of the stops.
    private mutating func undo(_ id: RequestID, _ effects: inout Effects) {
        guard var journey = open(id)?.journey, var undoing = journey.undoing else { return }
        while let stop = undoing.cells.first {
            guard cells[stop.cell]?.latestRequest == stop.id else {
                undoing.cells.removeFirst()
                continue
            }
            switch ask(.start, stop.cell, &effects) {
            case .success(let current):
                journey.current = current
                journey.undoing = undoing
                return set(id, .journey(journey))
            case .failure(let failure):
                undoing.left.append(ShutDownResult.Left(cell: stop.cell, reason: failure))
                undoing.cells.removeFirst()
            }
        }
        let isOwn = undoing.step == journey.ownStep && !journey.isDone
        let failure: FleetFailure =
            isOwn && undoing.left.isEmpty
            ? undoing.failure
            : .step(
                journey.request, of: journey.cell, isDone: journey.isDone, undoing.step, undoing.failure,
                left: undoing.left)
        answer(id, .failed(failure), &effects)
        close(id)
    }

    /// Answers the clients that wait for a cell that will not come up by itself. It is started when that becomes possible.
    mutating func giveUp(startsOf name: String, _ failure: FleetFailure, _ effects: inout Effects) {
        for request in requests {
            guard let current = request.journey?.current, var journey = request.journey else { continue }
            let step = journey.undoing.map { $0.cells.first.map { DependencyOrder.Step(.start, $0.cell) } }
            let isStart = (step ?? journey.steps.first).map { $0.cell == name && $0.request.bringsUp } ?? false
            guard isStart else { continue }
            feed(name, .withdrawn(current), &effects)
            journey.current = nil
            set(request.id, .journey(journey))
            fail(request.id, failure, &effects)
        }
    }

    // MARK: - Answers

    func open(_ id: RequestID) -> OpenRequest? { requests.first { $0.id == id } }

    mutating func set(_ id: RequestID, _ kind: OpenRequest.Kind) {
        guard let index = requests.firstIndex(where: { $0.id == id }) else { return }
        requests[index].kind = kind
    }

    /// Once only.
    mutating func answer(_ id: RequestID, _ answer: FleetAnswer, _ effects: inout Effects) {
        guard let index = requests.firstIndex(where: { $0.id == id }) else { return }
        if !requests[index].isAnswered { effects.actions.append(.answer(id, answer)) }
        requests[index].isAnswered = true
        if requests[index].journey == nil { requests.remove(at: index) }
    }

    private mutating func close(_ id: RequestID) {
        requests.removeAll { $0.id == id }
    }

    /// Answers the clients whose deadline has passed. What was begun continues.
    mutating func expire(_ effects: inout Effects) {
        expireEnd(&effects)
        for request in requests where !request.isAnswered && effects.now >= request.deadline {
            switch request.kind {
            case .deferred: answer(request.id, .failed(.notBegun), &effects)
            case .journey(let journey): answer(request.id, .failed(.timedOut(cell: journey.cell)), &effects)
            case .machine(let command): expireMachine(command, request.id, &effects)
            case .shutDownAll: break
            }
        }
    }

    /// The daemon exits: all clients are answered, nothing more is begun.
    mutating func end(_ effects: inout Effects) {
        for request in requests {
            answer(request.id, .failed(.daemonEnds(cell: request.journey?.cell)), &effects)
        }
        requests = []
        queue = []
        machine = .ending
    }
}

extension Journey {
    var ownStep: DependencyOrder.Step { DependencyOrder.Step(request, cell) }
}

extension Request {
    fileprivate var bringsUp: Bool { self == .start || self == .restart }
}
