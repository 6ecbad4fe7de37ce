// SPDX-License-Identifier: Apache-2.0

@testable import Supervision

/// Visits every place that can be reached, breadth first, and judges every step.
struct Explorer {
    let rules: Rules
    private(set) var places: [Place] = []
    private(set) var transitions = 0
    /// The most rounds without faults until the goal is reached, from any place.
    private(set) var rounds = 0
    /// What changed the cell's condition.
    private(set) var table = TransitionTable()
    private var index: [Place: Int32] = [:]
    /// From where, and by what, each place was reached first.
    private var origins: [(from: Int32, what: Happening)] = []

    init(_ rules: Rules) {
        self.rules = rules
    }

    /// The shortest story for each sentence that does not hold; none when everything holds everywhere.
    ///
    /// - Parameter sentence: stop as soon as this one is found broken.
    mutating func explore(until sentence: String? = nil) -> [Counterexample] {
        var found: [String: Counterexample] = [:]
        let start = Place(rules.supervised).abstracted
        places = [start]
        origins = [(-1, .look)]
        index = [start: 0]
        var current = 0
        while current < places.count {
            let place = places[current]
            for what in rules.happenings {
                guard let step = rules.step(place, what) else { continue }
                transitions += 1
                table.note(step)
                for invariant in Invariant.all where !invariant.holds(step, rules.supervised) {
                    guard found[invariant.sentence] == nil else { continue }
                    found[invariant.sentence] = Counterexample(
                        rules: rules, broken: invariant.sentence, happenings: path(to: current) + [what])
                    if invariant.sentence == sentence { return Array(found.values) }
                }
                if step.after == place { continue }
                let next = step.after.abstracted
                if index[next] == nil {
                    index[next] = Int32(places.count)
                    places.append(next)
                    origins.append((Int32(current), what))
                }
            }
            current += 1
        }
        if found.isEmpty || sentence != nil {
            for pace in [Pace.patient, .eager] {
                if let endless = findEndless(pace) { found["\(pace)"] = endless }
            }
        }
        return found.values.sorted { $0.happenings.count < $1.happenings.count }
    }

    private func path(to last: Int) -> [Happening] {
        var path: [Happening] = []
        var current = last
        while current > 0 {
            path.append(origins[current].what)
            current = Int(origins[current].from)
        }
        return path.reversed()
    }
}

// MARK: - When faults cease

extension Explorer {
    enum Pace {
        /// Every wait is over before each look.
        case patient
        /// A wait is over only when looks show nothing new.
        case eager
    }

    /// A place from which the goal is not reached when nothing goes wrong any more.
    ///
    /// One round without faults leads from each place to one other; so from each there is one way, and it either comes
    /// to the goal, where it must stay, or goes in a circle.
    private mutating func findEndless(_ pace: Pace) -> Counterexample? {
        var distance: [Int: Int] = [:]
        for start in places.indices {
            var way: [Int] = []
            var onTheWay: Set<Int> = []
            var current = start
            var isEndless = false
            while distance[current] == nil {
                if !onTheWay.insert(current).inserted {
                    let circle = way[(way.firstIndex(of: current) ?? 0)...]
                    isEndless = !circle.allSatisfy { places[$0].isSettled(rules.supervised) }
                    if !isEndless { distance[current] = 0 }
                    break
                }
                way.append(current)
                let next = places[current].isFrozen ? current : following(current, pace)
                if next == current {
                    isEndless = !places[current].isSettled(rules.supervised)
                    if !isEndless { distance[current] = 0 }
                    break
                }
                current = next
            }
            if isEndless {
                return Counterexample(
                    rules: rules, broken: "when faults cease, what is wanted is reached (\(pace))",
                    happenings: path(to: start), faultless: (pace, 8))
            }
            var steps = distance[current] ?? 0
            for place in way.reversed() where distance[place] == nil {
                steps += 1
                distance[place] = steps
            }
            rounds = max(rounds, steps)
        }
        return nil
    }

    private func following(_ current: Int, _ pace: Pace) -> Int {
        let next = rules.faultless(places[current], pace).last?.after.abstracted
        return next.flatMap { index[$0] }.map(Int.init) ?? current
    }
}

extension Place {
    fileprivate var isFrozen: Bool { world.isFrozen }
}

extension Rules {
    /// One round in which nothing goes wrong: the command in flight ends well, waits come to their ends, and a look.
    func faultless(_ place: Place, _ pace: Explorer.Pace) -> [Transition] {
        var steps: [Transition] = []
        var current = place
        func take(_ what: Happening) -> Bool {
            guard let step = step(current, what) else { return false }
            current = step.after.abstracted
            steps.append(step)
            return true
        }
        _ = take(.befall(.shownAgain))
        _ = [Ending.done, .overtaken, .refused].first { take(.finish($0, then: nil)) }
        switch pace {
        case .patient:
            for deadline in Deadline.allCases { _ = take(.runsOut(deadline)) }
            _ = take(.look)
            _ = take(.listen)
        case .eager:
            let before = current
            _ = take(.look)
            let listens = take(.listen)
            guard current == before, steps.count == (listens ? 2 : 1) else { break }
            for deadline in Deadline.allCases where take(.runsOut(deadline)) { break }
        }
        return steps
    }
}
