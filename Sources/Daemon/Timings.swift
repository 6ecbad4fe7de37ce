// SPDX-License-Identifier: Apache-2.0

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
    private(set) var commands: [String: Sum] = [:]

    mutating func note(lateness time: Duration) { lateness.add(time) }

    /// - Parameter time: from the driver's beginning with it to its end.
    mutating func note(_ work: DriverWork, _ end: DriverEnd, took time: Duration) {
        let name: String
        switch (work, end) {
        case (.command(let command, _, _), .command(.done)):
            name = command == .shutDown ? "shut-down" : command.rawValue
        case (.enable, .machine(nil)): name = "enable"
        case (.disable, .machine(nil)): name = "disable"
        // it was refused, or never given
        default: return
        }
        commands[name, default: Sum()].add(time)
    }
}
