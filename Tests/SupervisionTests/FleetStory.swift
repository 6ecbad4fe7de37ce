// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

@testable import Supervision

/// A fleet, a machine, and a clock driven by hand.
struct FleetStory {
    var fleet: Fleet
    var world: FleetWorld
    var now = Moment(nanoseconds: 1_000_000_000_000)
    var definitions: [String: FleetDefinition]
    /// Everything that the fleet has wanted done so far.
    var actions: [FleetAction] = []
    /// How the driver's commands end, in turn; then all are done.
    var endings: [FleetEnding] = []
    /// What the driver has been given stays there.
    var isDriverStuck = false
    private var lastRequest: RequestID = 100

    static let system = FleetSystem(path: "q35.toml", cpus: [0, 1, 2, 3])

    init(
        _ definitions: [String: FleetDefinition], world: FleetWorld = FleetWorld(),
        memory: FleetMemory? = FleetMemory(),
        system: FleetSystem? = nil, readsImages: Bool = false
    ) {
        self.definitions = definitions
        self.world = world
        fleet = Fleet(definitions, system: system, memory: memory, readsImages: readsImages, at: now)
    }

    static func cell(
        _ handshake: Handshake = .bounded, requires: [String] = [], after: [String] = [],
        _ policy: SupervisionPolicy = SupervisionPolicy()
    ) -> FleetDefinition {
        FleetDefinition(
            Supervised(policy: policy, handshake: handshake),
            dependencies: Dependencies(requires: requires, after: after))
    }

    mutating func send(_ event: FleetEvent) { actions += fleet.handle(event, at: now) }

    mutating func look() { send(.looked(world.look(fleet))) }

    /// As the shell takes a request: it looks before and after.
    @discardableResult
    mutating func request(_ request: FleetRequest) -> RequestID {
        look()
        lastRequest += 1
        send(.requested(request, lastRequest))
        look()
        return lastRequest
    }

    /// The driver ends what it works on.
    mutating func finish(_ ending: FleetEnding = .done) {
        guard let work = fleet.inDriver else { return }
        let handshakes = definitions.mapValues(\.supervised.handshake)
        guard let end = world.perform(work, ending, handshakes: handshakes), world.frozenBy == nil else { return }
        send(.finished(end, world.look(fleet)))
    }

    /// Lets time pass, from one moment at which the fleet wants to be woken to the next, and the driver work.
    mutating func run(for duration: Duration = .seconds(2)) {
        let end = now + duration
        var rounds = 0
        while now <= end, world.frozenBy == nil, rounds < 20_000 {
            rounds += 1
            if fleet.inDriver != nil, !isDriverStuck {
                now = now + .milliseconds(1)
                finish(endings.isEmpty ? .done : endings.removeFirst())
                continue
            }
            let wake = fleet.nextWake(after: now) ?? end + .nanoseconds(1)
            now = max(now + .microseconds(200), min(wake, now + .milliseconds(10)))
            look()
        }
    }

    func answer(_ id: RequestID) -> FleetAnswer? {
        for case .answer(id, let answer) in actions { return answer }
        return nil
    }

    var given: [DriverWork] { actions.compactMap { if case .give(let work) = $0 { work } else { nil } } }

    /// Such as `create a`, `disable`.
    var works: [String] {
        given.map { work in
            switch work {
            case .command(let command, let name, _): "\(command.rawValue) \(name)"
            case .enable: "enable"
            case .disable: "disable"
            }
        }
    }

    func condition(_ name: String) -> Condition? { fleet.cells[name]?.lifecycle.condition }

    mutating func befall(_ name: String, _ change: (inout FleetWorld.Cell) -> Void) {
        if let index = world.index(of: name) { change(&world.cells[index]) }
    }
}
