// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Supervision

/// How long things take since the daemon was started. Nothing is allocated once each kind has come up.
struct Timings: Hashable, Sendable {
    struct Sum: Hashable, Sendable {
        private(set) var count = 0
        private(set) var total = Duration.zero
        private(set) var longest = Duration.zero

        mutating func add(_ time: Duration) {
            count += 1
            total += max(.zero, time)
            longest = max(longest, time)
        }
    }

    /// How much later than wanted the loop looked at the cells.
    private(set) var lateness = Sum()
    private(set) var commands: [Kind: Sum] = [:]

    /// A command of the driver, and how it ended.
    struct Kind: Hashable, Comparable, Sendable {
        enum Result: String, Sendable {
            case done
            /// An inmate did not answer in time, whether the command was done then or refused.
            case unanswered
            case refused
        }

        var command: String
        var result: Result

        static func < (one: Kind, other: Kind) -> Bool {
            (one.command, one.result.rawValue) < (other.command, other.result.rawValue)
        }
    }

    mutating func note(lateness time: Duration) { lateness.add(time) }

    /// - Parameter call: nil: the driver was not called.
    mutating func note(_ work: DriverWork, _ end: DriverEnd, _ call: HypervisorCommands.Call?) {
        guard let call else { return }
        let name =
            switch work {
            case .command(let command, _, _): command.metricName
            case .enable: "enable"
            case .disable: "disable"
            }
        let isDone =
            switch end {
            case .command(.done), .machine(nil): true
            default: false
            }
        let result: Kind.Result = call.isUnanswered ? .unanswered : isDone ? .done : .refused
        commands[Kind(command: name, result: result), default: Sum()].add(call.took)
    }
}
