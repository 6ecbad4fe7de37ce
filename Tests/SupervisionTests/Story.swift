// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// Tells a lifecycle what happens, with a clock driven by hand, and keeps what it wants done.
struct Story {
    var lifecycle: CellLifecycle
    var now = Moment(nanoseconds: 1_000_000_000_000)
    /// What the last event led to.
    var actions: [Action] = []
    var exits: [UInt64] = [3]
    private var nextRequest: RequestID = 0

    init(
        _ policy: SupervisionPolicy = SupervisionPolicy(), handshake: Handshake = .bounded,
        memory: LifecycleMemory? = nil
    ) {
        lifecycle = CellLifecycle(Supervised(policy: policy, handshake: handshake), memory: memory, at: now)
        // the first cell that is seen was not made by another tool, unless the story is about that
        lifecycle.memory.trustsFirstSight = true
    }

    var commands: [Command] {
        actions.compactMap { if case .run(let command) = $0 { command } else { nil } }
    }

    var reports: [Report] {
        actions.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }

    var condition: Condition { lifecycle.condition }

    func answer(to id: RequestID) -> RequestFailure?? {
        for case .answer(id, let failure) in actions { return .some(failure) }
        return nil
    }

    func isDone(_ id: RequestID) -> Bool { answer(to: id) == .some(nil) }

    mutating func wait(_ duration: Duration) { now = now + duration }

    mutating func send(_ event: Event) {
        actions = lifecycle.handle(event, at: now)
    }

    /// The number of the cell's directory.
    var incarnation: UInt64?

    func observation(_ state: CellState, id: Int = 1, failedCPUs: [Int] = [], total: UInt64? = nil) -> Observation {
        Observation(
            id: id, incarnation: incarnation, state: state, failedCPUs: failedCPUs, managementExits: exits,
            totalExits: total)
    }

    mutating func see(_ state: CellState?, id: Int = 1, failedCPUs: [Int] = [], total: UInt64? = nil) {
        send(.seen(state.map { .present(observation($0, id: id, failedCPUs: failedCPUs, total: total)) } ?? .absent))
    }

    mutating func finish(
        _ command: Command, _ state: CellState?, id: Int = 1, failedCPUs: [Int] = [], timedOut: Bool = false
    ) {
        let sighting = state.map { Sighting.present(observation($0, id: id, failedCPUs: failedCPUs)) } ?? .absent
        send(.finished(command, .done(unanswered: timedOut ? .milliseconds(700) : nil), sighting))
    }

    mutating func refuse(_ command: Command, _ kind: Refusal.Kind = .other, _ state: CellState?) {
        let sighting = state.map { Sighting.present(observation($0)) } ?? .absent
        send(.finished(command, .refused(Refusal(kind: kind, message: "no", errno: 1)), sighting))
    }

    /// A request without the look that follows it.
    @discardableResult
    mutating func send(_ request: Request) -> RequestID {
        nextRequest += 1
        send(.requested(request, nextRequest))
        return nextRequest
    }

    @discardableResult
    mutating func request(_ request: Request) -> RequestID {
        nextRequest += 1
        send(.requested(request, nextRequest))
        if lifecycle.inFlight == nil, let sighting = lifecycle.sighting {
            // whoever asks looks at once
            actions += lifecycle.handle(.seen(sighting), at: now)
        }
        return nextRequest
    }

    /// The park of a load, or a start, shows in the statistics of every CPU.
    mutating func exitsGrow() { exits = exits.map { $0 + 1 } }

    /// From nothing to the moment in which the start is given.
    @discardableResult
    mutating func goToStart() -> RequestID {
        see(nil)
        let id = request(.start)
        finish(.create, .shutDown)
        loadAndSettle()
        return id
    }

    mutating func loadAndSettle(id: Int = 1) {
        finish(.load, .shutDown, id: id)
        exitsGrow()
        see(.shutDown, id: id)
        wait(.milliseconds(1))
        see(.shutDown, id: id)
    }

    /// From load to running, with everything as it should be.
    mutating func loadAndStart(id: Int = 1) {
        loadAndSettle(id: id)
        finish(.start, .running, id: id)
        exitsGrow()
        see(.running, id: id)
    }

    /// From nothing to running.
    mutating func bringUp() {
        see(nil)
        request(.start)
        finish(.create, .shutDown)
        loadAndStart()
    }
}
