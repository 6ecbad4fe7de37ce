// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// Visits every place of a machine that can be reached, breadth first, and judges every step.
struct FleetExplorer {
    let rules: FleetRules
    private(set) var places: [FleetPlace] = []
    private(set) var transitions = 0
    /// The most rounds without faults until everything is as it is wanted, from any place.
    private(set) var rounds = 0
    /// What changed the machine's state.
    private(set) var table = TransitionTable()
    private var index: [FleetPlace: Int32] = [:]
    /// From where, and by what, each place was reached first.
    private var origins: [(from: Int32, what: FleetHappening)] = []

    static let goal = "when faults cease, what is wanted is reached"

    init(_ rules: FleetRules) {
        self.rules = rules
    }

    /// The shortest story for each sentence that does not hold.
    ///
    /// - Parameters:
    ///   - sentence: stop as soon as this one is found broken.
    ///   - limit: how many places are visited at most.
    mutating func explore(until sentence: String? = nil, limit: Int = .max) -> [FleetCounterexample] {
        var found: [String: FleetCounterexample] = [:]
        let start = rules.start.abstracted
        places = [start]
        origins = [(-1, .wake)]
        index = [start: 0]
        let happenings = rules.subject.happenings
        var current = 0
        while current < places.count, current < limit {
            let place = places[current]
            for what in happenings {
                guard let step = rules.step(place, what) else { continue }
                transitions += 1
                table.note(step)
                for invariant in FleetInvariant.all where found[invariant.sentence] == nil {
                    guard !invariant.holds(step, rules.subject) else { continue }
                    found[invariant.sentence] = FleetCounterexample(
                        rules: rules, broken: invariant.sentence, happenings: path(to: current) + [what])
                    if invariant.sentence == sentence { return Array(found.values) }
                }
                let next = step.after.abstracted
                if index[next] == nil {
                    index[next] = Int32(places.count)
                    places.append(next)
                    origins.append((Int32(current), what))
                }
            }
            current += 1
        }
        if found.isEmpty || sentence == Self.goal, places.count <= limit, let endless = findEndless() {
            found[Self.goal] = endless
        }
        return found.values.sorted { $0.happenings.count < $1.happenings.count }
    }

    private func path(to last: Int) -> [FleetHappening] {
        var path: [FleetHappening] = []
        var current = last
        while current > 0 {
            path.append(origins[current].what)
            current = Int(origins[current].from)
        }
        return path.reversed()
    }

    /// A place from which what is wanted is not reached when nothing goes wrong any more: from each place there is one
    /// way, which comes to an end where it stays, or goes in a circle.
    private mutating func findEndless() -> FleetCounterexample? {
        var distance = [Int32](repeating: -1, count: places.count)
        for start in places.indices where distance[start] < 0 {
            var way: [Int] = []
            var onTheWay: Set<Int> = []
            var current = start
            while distance[current] < 0 {
                guard onTheWay.insert(current).inserted else {
                    let circle = way[(way.firstIndex(of: current) ?? 0)...]
                    guard circle.allSatisfy({ places[$0].isSettled }) else {
                        return FleetCounterexample(
                            rules: rules, broken: Self.goal, happenings: path(to: start), faultlessRounds: 40)
                    }
                    for index in circle { distance[index] = 0 }
                    break
                }
                way.append(current)
                current = following(current)
            }
            var steps = distance[current]
            for place in way.reversed() where distance[place] < 0 {
                steps += 1
                distance[place] = steps
            }
            rounds = max(rounds, Int(steps))
        }
        return nil
    }

    private func following(_ current: Int) -> Int {
        let next = rules.faultless(places[current])?.after.abstracted
        return next.flatMap { index[$0] }.map(Int.init) ?? current
    }
}

extension FleetRules {
    /// One step in which nothing goes wrong.
    func faultless(_ place: FleetPlace) -> FleetTransition? {
        for name in place.fleet.names where place.fleet.cells[name]?.reading != nil {
            if let step = step(place, .imagesRead(name, true)) { return step }
        }
        guard place.fleet.inDriver != nil else { return step(place, .wake) }
        for ending in [FleetEnding.done, .overtaken] {
            if let step = step(place, .finish(ending)) { return step }
        }
        // it is refused since it cannot be done any more
        var generous = place
        generous.record.misfortunes += 1
        return step(generous, .finish(.refused))
    }
}

/// How an invariant comes to be broken, as a story that a person can follow.
///
/// To make a test of it, write each line as a call of ``FleetStory``.
struct FleetCounterexample: CustomStringConvertible {
    let rules: FleetRules
    let broken: String
    let happenings: [FleetHappening]
    var faultlessRounds = 0

    var description: String {
        var lines = ["not so: \(broken)", "(\(rules.subject))"]
        var place = rules.start.abstracted
        func tell(_ step: FleetTransition) {
            let deeds = step.actions.compactMap(\.word)
            let states = step.after.world.cells.map { cell in
                "\(cell.name.escaped) \(cell.state.rawValue), \(cell.inmate)"
            }
            lines.append(
                "\(lines.count - 1). \(step.what.word) → \(deeds.isEmpty ? "nothing" : deeds.joined(separator: ", ")) "
                    + "[\(states.joined(separator: "; "))]")
            place = step.after.abstracted
        }
        for what in happenings {
            guard let step = rules.step(place, what) else { break }
            tell(step)
        }
        for _ in 0..<faultlessRounds {
            guard let step = rules.faultless(place) else { break }
            tell(step)
        }
        if faultlessRounds > 0 {
            let cells = place.fleet.names.compactMap { name in
                place.fleet.cells[name].map { cell in
                    "\(name): wanted \(cell.lifecycle.memory.goal?.rawValue ?? "-"), \(cell.lifecycle.condition.rawValue)"
                }
            }
            lines.append("then: \(place.fleet.machine), \(place.fleet.requests.count) requests, \(cells)")
            lines.append("queue: \(place.fleet.queue), driver: \(place.fleet.inDriver as Any)")
        }
        return lines.joined(separator: "\n")
    }
}

extension FleetHappening {
    fileprivate var word: String {
        switch self {
        case .wake: "the daemon looks"
        case .finish(let ending): "the driver's work ends (\(ending))"
        case .request(let request): "somebody asks: \(request)"
        case .undefined(let name): "the definition of \(name) is removed"
        case .imagesRead(let name, let isDone): "the images of \(name) \(isDone ? "are read" : "cannot be read")"
        case .newDaemon(let isDone): "the daemon dies\(isDone ? " after its command worked" : ""); a new one begins"
        case .befall(let what): "in the machine: \(what)"
        }
    }
}

extension FleetAction {
    fileprivate var word: String? {
        switch self {
        case .keepEvidence, .report(.conditionChanged, _), .machine(.seen): nil
        case .report(let report, let name): "\(name): \(report)"
        case .machine(let report): "\(report)"
        case .answer(let id, let answer): "\(id) is answered: \(answer)"
        case .note(let step, _, _): "done meanwhile: \(step.request.rawValue) \(step.cell)"
        case .give(.command(let command, let name, _)): "\(command.rawValue.uppercased()) \(name)"
        case .readImages(let name, _): "the images of \(name) are to be read"
        case .give(.enable): "ENABLE"
        case .give(.disable): "DISABLE"
        }
    }
}

extension FleetExplorer {
    /// What was visited, as a row of a table.
    var row: String {
        let name = rules.subject.description
        let blanks = String(repeating: " ", count: max(0, 30 - name.count))
        return "\(name)\(blanks) \(places.count) states, \(transitions) steps, \(rounds) rounds at most to the goal"
    }
}
