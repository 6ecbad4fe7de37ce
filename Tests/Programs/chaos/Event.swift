// SPDX-License-Identifier: Apache-2.0

import Simulator
import TestSupport

/// What happens in a round.
enum Event: Sendable {
    case order(Order)
    case cell(String, Fault)
    case command(CommandFault)
    /// For so long.
    case sysfs(SysfsFault.Place, SysfsFault.Form, Duration)
    case program(ProgramFault)
    case otherTool([OtherToolStep])
    /// Another tool disables the hypervisor in the time that this takes.
    case slowDisable
    /// Somebody else holds the driver's lock: commands wait, and so do reads of the console and the pools.
    case lock(Duration)
    /// SIGKILL, and a successor after a pause.
    case kill(pause: Duration, StateFileTampering?)

    /// The word under which it is counted.
    var kind: String {
        switch self {
        case .order: "orders"
        case .cell: "faults in cells"
        case .command: "faults of commands"
        case .sysfs: "faults of sysfs"
        case .program(let fault) where fault.isSlowness: "slow file systems"
        case .program: "faults of the daemon's Linux"
        case .otherTool(let steps) where steps.contains(where: \.isForeign): "cells of others"
        case .otherTool: "changes by other tools"
        case .slowDisable: "disables by other tools, in their time"
        case .lock: "waits for the lock"
        case .kill(_, nil): "kills"
        case .kill: "kills with a broken state file"
        }
    }
}

extension Event {
    /// Whether it does nothing by itself.
    var isForLater: Bool {
        switch self {
        case .command, .sysfs, .program: true
        case .order, .cell, .otherTool, .slowDisable, .lock, .kill: false
        }
    }
}

/// What becomes of the state file while no daemon is there.
enum StateFileTampering: String, Hashable, Sendable, CaseIterable {
    // not one of another boot: then no cell would be the daemon's, and beside one that runs none could be created
    case garbage, truncated, empty, newer
}

extension Event {
    static func random(_ random: inout SeededGenerator, mayDisable: Bool) -> Event {
        let subject = random.one(of: Subject.all)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40: return .order(order(&random, mayDisable: mayDisable))
        case 40..<58: return .cell(subject.name, cellFault(subject, &random))
        case 58..<74: return .command(commandFault(subject, &random))
        case 74..<83: return sysfsFault(subject, &random)
        case 83..<89: return programFault(&random).map { .program($0) } ?? .order(Order(kind: .list, cell: nil))
        case 89..<91: return mayDisable && random.isSo(0.5) ? .slowDisable : .lock(random.milliseconds(1...60))
        case 91..<95: return .otherTool(otherTool(subject, &random, mayDisable: mayDisable))
        case 95..<97: return .otherTool(foreign(&random))
        default:
            let tampering = random.isSo(0.2) ? random.one(of: StateFileTampering.allCases) : nil
            return .kill(pause: random.isSo(0.5) ? .zero : random.milliseconds(0...20), tampering)
        }
    }

    private static func order(_ random: inout SeededGenerator, mayDisable: Bool) -> Order {
        let kinds: [Order.Kind] = [
            .start, .start, .start, .start, .restart, .restart, .stop, .stop, .destroy, .create, .resetFailed, .reload,
            .list, .describe, .enable,
        ]
        if mayDisable, random.isSo(0.04) { return Order(kind: .disable, cell: nil) }
        let kind = random.one(of: kinds)
        switch kind {
        case .reload, .list, .enable, .disable: return Order(kind: kind, cell: nil)
        default: break
        }
        // now and then one that is not there, or nobody's
        if random.isSo(0.05) { return Order(kind: kind, cell: random.one(of: ["nobody", Subject.stranger])) }
        return Order(kind: kind, cell: random.one(of: Subject.all).name)
    }

    private static func cellFault(_ subject: Subject, _ random: inout SeededGenerator) -> Fault {
        var faults: [Fault] = [
            .fail(random.one(of: Violation.allCases)), .fail(.portWrite), .shutDown, .giveUp, .lock, .unlock, .deny,
            .approve, .print("chaos"), .failCPU(random.one(of: subject.cpus), .memoryWrite),
        ]
        if !subject.isEndless { faults += [.hang, .abiMismatch, .writeUnknownState, .loseNextStart, .loseNextStart] }
        return random.one(of: faults)
    }

    private static func uses(_ random: inout SeededGenerator) -> FaultUses {
        random.isSo(0.3)
            ? FaultUses(times: nil, probability: Double.random(in: 0.05..<0.5, using: &random))
            : FaultUses(times: Int.random(in: 1...4, using: &random))
    }

    private static func commandFault(_ subject: Subject, _ random: inout SeededGenerator) -> CommandFault {
        let command = random.isSo(0.2) ? nil : random.one(of: CommandFault.commands)
        let moment = random.one(of: CommandFault.Moment.allCases)
        let cell = random.isSo(0.5) ? subject.name : nil
        if random.isSo(0.35) {
            return CommandFault(
                command: command, cell: cell, moment, .takes(random.milliseconds(1...40)), uses: uses(&random))
        }
        let errnos = ["EINTR", "EAGAIN", "EBUSY", "EPERM", "EINVAL", "ENOMEM", "EIO", "ENODEV", "EEXIST", "EFAULT"]
        let refusal = Refusal(name: random.one(of: errnos)) ?? .busy
        return CommandFault(command: command, cell: cell, moment, .answers(refusal), uses: uses(&random))
    }

    private static func sysfsFault(_ subject: Subject, _ random: inout SeededGenerator) -> Event {
        let form = random.one(of: SysfsFault.Form.allCases)
        let time = random.milliseconds(1...40)
        let cell = random.isSo(0.6) ? subject.name : nil
        let files = [
            "state", "state", "name", "cpus_assigned_list", "cpus_failed_list",
            "statistics/cpu\(subject.cpus[0])/vmexits_management", "statistics/vmexits_total",
        ]
        return switch Int.random(in: 0..<10, using: &random) {
        case 0..<2: .sysfs(.machine(file: random.one(of: ["enabled", "console", "mem_pool_used"])), form, time)
        case 2..<5: .sysfs(.half(of: cell), form, time)
        default: .sysfs(.cell(cell, file: random.one(of: files)), form, time)
        }
    }

    private static func programFault(_ random: inout SeededGenerator) -> ProgramFault? {
        let choices: [(ProgramFault.Call, [String])] = [
            (.write, ["ENOSPC", "EIO"]), (.fsync, ["EIO"]), (.rename, ["EROFS", "ENOSPC"]),
            (.open, ["EROFS", "ENOSPC", "EMFILE", "ENOMEM"]), (.descriptor, ["EMFILE", "ENFILE", "ENOMEM"]),
            (.accept, ["EMFILE", "ENFILE", "ENOMEM"]), (.socket, ["EMFILE"]),
        ]
        if random.isSo(0.3) {
            let kind = ProgramFault.Kind.takes(random.milliseconds(1...100))
            return try? ProgramFault(.open, kind, program: "jailhoused", uses: uses(&random))
        }
        if random.isSo(0.2) {
            let seconds = Int.random(in: -100_000...100_000, using: &random)
            return try? ProgramFault(.clock, .jumps(.seconds(seconds)), program: "jailhoused")
        }
        let (call, errnos) = random.one(of: choices)
        let times = Int.random(in: 1...(call == .descriptor ? 40 : 10), using: &random)
        return try? ProgramFault(
            call, .fails(Refusal(name: random.one(of: errnos)) ?? .busy), program: "jailhoused",
            uses: FaultUses(times: times))
    }

    /// A cell that nobody has defined, with a name that may be none.
    private static func foreign(_ random: inout SeededGenerator) -> [OtherToolStep] {
        let words = [
            "foreign", random.one(of: ["guest", OtherToolStep.nameless, "guest-\\xff"]),
            random.one(of: OtherToolStep.ForeignKind.allCases).rawValue, "\(random.one(of: Subject.foreignCPUs))",
        ]
        return (try? OtherToolStep(words: words)).map { [$0] } ?? []
    }

    private static func otherTool(
        _ subject: Subject, _ random: inout SeededGenerator, mayDisable: Bool
    ) -> [OtherToolStep] {
        let other = random.one(of: Subject.all.filter { $0.name != subject.name })
        if mayDisable, random.isSo(0.06) { return [.disable, .enable] }
        return switch Int.random(in: 0..<7, using: &random) {
        case 0: [.destroy(subject.name)]
        case 1: [.shutDown(subject.name)]
        case 2, 3: [.restart(subject.name)]
        case 4: [.recreate(subject.name)]
        case 5: [.replace(subject.name, by: "intruder-\(subject.name)")]
        // not started by that tool: nobody would know whether it answers
        default: [.swap(subject.name, other.name)]
        }
    }
}

extension OtherToolStep {
    fileprivate var isForeign: Bool { if case .foreign = self { true } else { false } }
}

extension ProgramFault {
    var isSlowness: Bool { if case .takes = kind { true } else { false } }
}
