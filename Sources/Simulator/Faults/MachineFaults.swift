// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a machine beyond what happens in its cells.
package struct MachineFaults: Hashable, Sendable {
    package var commands: [CommandFault] = []
    package var sysfs: [SysfsFault] = []

    package init() {}

    /// A line each, for people.
    package var descriptions: [String] {
        commands.map { "command: \($0)" } + sysfs.map { "sysfs: \($0)" }
    }
}

extension Machine {
    package mutating func inject(_ fault: CommandFault) {
        faults.commands.append(fault)
        report("fault: \(fault)")
    }

    package mutating func inject(_ fault: SysfsFault) {
        faults.sysfs.append(fault)
        report("fault: \(fault)")
    }

    /// Ends all faults of commands and of sysfs, a command's that is held up at the moment as well; what they have done
    /// stays done.
    package mutating func clearFaults() {
        let isHeldUp =
            switch current?.stage {
            case .waited?: (current?.due ?? now) > now
            case .heldUp?: true
            default: false
            }
        if isHeldUp { current?.due = now }
        guard isHeldUp || faults != MachineFaults() else { return }
        faults = MachineFaults()
        report("all faults cleared")
    }
}

/// Times as people write them: `30s`, `250ms`, `1m`.
package enum DurationText {
    package static func text(_ time: Duration) -> String {
        let milliseconds = Double(time.components.seconds) * 1000 + Double(time.components.attoseconds) / 1e15
        if milliseconds < 1000 { return "\(number(milliseconds))ms" }
        return "\(number(milliseconds / 1000))s"
    }

    private static func number(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// Nil for what is no time, a negative one, or one of more than a century.
    package static func duration(_ text: String) -> Duration? {
        let units: [(String, Double)] = [("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number >= 0, number * seconds < 4e9 else { continue }
            return .nanoseconds(Int64(number * seconds * 1e9))
        }
        return nil
    }
}
