// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
@testable import Supervision

/// How an invariant comes to be broken, as a story that a person can follow.
///
/// To make a test of it, write each line as a call of ``Story``: "the daemon looks" is `see`, "the command returns" is
/// `finish` or `refuse`, "somebody asks" is `request`, "time passes" is `wait`; what happens in the machine shows in the
/// state that the next call names. `ExploredTests` has those that were found so.
struct Counterexample: CustomStringConvertible {
    let rules: Rules
    let broken: String
    let happenings: [Happening]
    /// Rounds without faults that follow, for a goal that is not reached.
    var faultless: (pace: Explorer.Pace, rounds: Int)?

    var description: String {
        var steps: [Transition] = []
        var place = Place(rules.supervised).abstracted
        for what in happenings {
            guard let step = rules.step(place, what) else { break }
            steps.append(step)
            place = step.after.abstracted
        }
        if let faultless {
            for _ in 0..<faultless.rounds {
                let round = rules.faultless(place, faultless.pace)
                steps += round
                place = round.last?.after.abstracted ?? place
            }
        }
        let policy = rules.supervised.policy
        var lines = [
            "not so: \(broken)", "(restart = \(policy.restart.rawValue), handshake \(rules.supervised.handshake))",
        ]
        for (number, step) in steps.enumerated() { lines.append("\(number + 1). \(step.line)") }
        return lines.joined(separator: "\n")
    }
}

extension Transition {
    /// Event → actions → condition.
    fileprivate var line: String {
        var parts = ["\(what)"]
        if case .seen(let sighting) = event { parts[0] += ": \(sighting.word)" }
        if case .finished(let command, let outcome, let sighting) = event {
            parts[0] =
                what.description + ": "
                + "\(command.rawValue) returns \(outcome.word), and the look after it shows: \(sighting.word)"
        }
        let deeds = actions.compactMap(\.word)
        if event != nil { parts.append(deeds.isEmpty ? "nothing is done" : deeds.joined(separator: ", ")) }
        if case .newDaemon = what { return parts[0] }
        if event != nil { parts.append(after.lifecycle.condition.rawValue) }
        return parts.joined(separator: " → ")
    }
}

extension Sighting {
    fileprivate var word: String {
        switch self {
        case .disabled: "the hypervisor is disabled"
        case .absent: "no cell"
        case .present(let cell):
            cell.state.rawValue + (cell.id == 1 ? "" : ", another id")
                + (cell.failedCPUs.isEmpty ? "" : ", a CPU failed")
        }
    }
}

extension Outcome {
    fileprivate var word: String {
        switch self {
        case .done(let unanswered): unanswered == nil ? "success" : "success (the inmate did not answer)"
        case .overtaken: "that it was not given, because the cell had changed"
        case .refused(let refusal): "\(refusal.message) (\(refusal.kind.rawValue))"
        }
    }
}

extension Action {
    fileprivate var word: String? {
        switch self {
        case .keepEvidence, .report(.conditionChanged): nil
        case .run(let command): command.rawValue.uppercased()
        case .report(let report): "\(report)"
        case .answer(let id, let failure):
            "\(Request(id: id)?.rawValue ?? "?") is answered: \(failure.map { "\($0)" } ?? "done")"
        }
    }
}
