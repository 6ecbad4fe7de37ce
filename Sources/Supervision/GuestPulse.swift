// SPDX-License-Identifier: Apache-2.0

/// What the VM exits of its CPUs tell of a Linux in an Arm64 cell: a hint, by which nothing is decided.
///
/// There the timer's interrupts are VM exits. Each CPU of a Linux that is idle leaves its cell several times a second. After
/// a panic or a poweroff one CPU spins with its timer on and the others are off; after a reboot that did not happen, or a
/// halt, all stand still.
package struct GuestPulse: Hashable, Sendable {
    package enum Hint: Hashable, Sendable {
        /// - exits: a second.
        case beatsAlone(cpu: Int, exits: Int)
        case standsStill
    }

    /// What is compared is at least so long apart; a CPU that sleeps wakes up within it.
    package static let period = Duration.seconds(10)
    /// Linux's slowest timer has 100 Hz.
    private static let leastBeat = 90

    private var last: (at: Moment, exits: [Int: UInt64])?
    package private(set) var hint: Hint?

    package init() {}

    package static func == (left: GuestPulse, right: GuestPulse) -> Bool {
        left.hint == right.hint && left.last?.at == right.last?.at && left.last?.exits == right.last?.exits
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(hint)
        hasher.combine(last?.at)
    }

    /// Whether the counts are to be read.
    package func isDue(at now: Moment) -> Bool { last.map { now - $0.at >= Self.period } ?? true }

    /// Takes the count of each CPU that the cell has. They start anew with the CPU's owner only.
    package mutating func take(_ exits: [Int: UInt64], at now: Moment) {
        defer { last = (now, exits) }
        hint = nil
        guard let last, last.exits.keys == exits.keys, !exits.isEmpty else { return }
        let seconds = (now - last.at) / .seconds(1)
        guard seconds >= Self.period / .seconds(1) else { return }
        let grown = exits.merging(last.exits) { $0 &- $1 }
        // one that went backwards says nothing
        guard exits.allSatisfy({ $0.value >= last.exits[$0.key] ?? .max }) else { return }
        let beating = grown.filter { $0.value > 0 }
        guard let (cpu, count) = beating.first else { return hint = .standsStill }
        let rate = Int(Double(count) / seconds)
        if beating.count == 1, exits.count > 1, rate >= Self.leastBeat { hint = .beatsAlone(cpu: cpu, exits: rate) }
    }
}
