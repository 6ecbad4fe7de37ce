// SPDX-License-Identifier: Apache-2.0

/// A fault of the driver: a command that answers an error which it has no reason for, or that takes long.
package struct CommandFault: Hashable, Sendable {
    package enum Moment: String, Hashable, Sendable, CaseIterable {
        /// The command does nothing, or waits first.
        case before
        /// Everything has been done, and then it says that it failed, or is not back for a while.
        case after
    }

    package enum Kind: Hashable, Sendable {
        case answers(Refusal)
        /// Holding the driver's lock, so that all commands wait.
        case takes(Duration)
    }

    /// As ``Request/command`` says it; nil: any.
    package var command: String?
    /// Of this cell only; nil: any, and what is for none.
    package var cell: String?
    package var moment: Moment
    package var kind: Kind
    package var uses: FaultUses
    /// Of a refused enable: where the hypervisor refuses it; nil: at its first unit, or in the driver, by the error.
    package var stop: EnableStop?

    /// The words that ``command`` can be.
    package static let commands = ["enable", "disable", "create", "load", "shutdown", "start", "destroy"]

    package init(
        command: String?, cell: String? = nil, _ moment: Moment, _ kind: Kind, uses: FaultUses = FaultUses(),
        stop: EnableStop? = nil
    ) {
        self.command = command
        self.cell = cell
        self.moment = moment
        self.kind = kind
        self.uses = uses
        self.stop = stop
    }

    func concerns(_ command: String, of cell: String?) -> Bool {
        (self.command ?? command) == command && (self.cell == nil || self.cell == cell)
    }
}

extension CommandFault: CustomStringConvertible {
    package var description: String {
        let what =
            switch kind {
            case .answers(let refusal): "answers \(refusal.name) \(moment.rawValue) its effect"
            case .takes(let time): "takes \(DurationText.text(time)) \(moment.rawValue) its effect"
            }
        let whose = cell.map { " of cell \"\($0)\"" } ?? ""
        let place = stop.map { " at \($0.rawValue)" } ?? ""
        return "\(command ?? "any command")\(whose) \(what)\(place), \(uses)"
    }
}

extension MachineFaults {
    /// What is to go wrong with one execution of a command.
    struct Plan: Hashable, Sendable {
        var waitBefore: Duration = .zero
        var refuseBefore: Refusal?
        /// Where the hypervisor refuses an enable.
        var stop: EnableStop?
        var waitAfter: Duration = .zero
        var refuseAfter: Refusal?
    }

    /// Uses the faults that concern a command; the first that answers an error decides which one.
    mutating func plan(
        for command: String, of cell: String?, _ random: inout SeededGenerator
    ) -> Plan {
        var plan = Plan()
        for index in commands.indices where commands[index].concerns(command, of: cell) {
            let fault = commands[index]
            if case .answers = fault.kind, plan.refuseBefore != nil || plan.refuseAfter != nil { continue }
            guard commands[index].uses.take(&random) else { continue }
            switch (fault.moment, fault.kind) {
            case (.before, .answers(let refusal)): (plan.refuseBefore, plan.stop) = (refusal, fault.stop)
            case (.after, .answers(let refusal)): plan.refuseAfter = refusal
            case (.before, .takes(let time)): plan.waitBefore += time
            case (.after, .takes(let time)): plan.waitAfter += time
            }
        }
        commands.removeAll(where: \.uses.areUsedUp)
        return plan
    }
}
