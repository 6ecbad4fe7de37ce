// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import ControlInterface
import Foundation
import Simulator
import TestSupport

/// One round: at first all is well, then much goes wrong, then nothing more, and then all must be well again.
struct Round {
    let number: Int
    let arena: Arena
    var random: SeededGenerator
    var figures: Figures
    /// How long it may take until all is well.
    let patience: Duration
    private var changes: [(at: Duration, cell: String)] = []
    private var disabledByOther = false
    private var isStateFileBroken = false
    /// Older than this is nothing on which a command is decided.
    private var grace = Duration.zero

    init(_ number: Int, seed: UInt64, arena: Arena, figures: Figures, patience: Duration) {
        self.number = number
        self.arena = arena
        self.figures = figures
        self.patience = patience
        random = SeededGenerator(seed: seed, round: number)
    }

    /// - Throws: ``Wrong``.
    mutating func run() throws {
        arena.story.say("=== round \(number)")
        arena.orders.forget()
        arena.daemonMayGiveUp = false
        let wantedBefore = try desires()
        _ = arena.machine.change { $0.takeDeeds() }
        _ = Lag.take()
        arena.forgetDelay()
        let mayDisable = random.isSo(0.3)
        let length = random.milliseconds(10...60)
        let events = (0..<Int.random(in: 3...20, using: &random)).map { _ in
            let event = Event.random(&random, mayDisable: mayDisable)
            // what is to meet something comes before it
            let latest = event.isForLater ? 0.4 : 1
            return (at: length * Double.random(in: 0...latest, using: &random), event: event)
        }.sorted { $0.at < $1.at }

        let begin = ContinuousClock.now
        for (at, event) in events {
            pause(at - begin.duration(to: .now))
            try perform(event)
        }
        pause(length - begin.duration(to: .now))
        // so that orders meet the faults
        let latest = length + .milliseconds(80)
        while begin.duration(to: .now) < latest, arena.orders.all.contains(where: { $0.end == .pending }) {
            pause(.milliseconds(1))
        }
        arena.story.say("--- the faults cease")
        arena.ceaseFaults()
        for name in arena.removeIntruders() { note(name) }
        if arena.daemon.identifier == nil { try arena.daemon.start() }
        let ceased = ContinuousClock.now
        let wanted: [String: String]
        do {
            wanted = try converge(from: wantedBefore)
        } catch let end as LeftAlone {
            try judgeDeeds()
            throw end
        }
        figures.note(convergence: ceased.duration(to: .now))
        try judge(wanted)
        try arena.bringStranger()
        if let resources = arena.daemon.resources { try figures.note(resources) }
        figures.rounds += 1
    }

    private mutating func perform(_ event: Event) throws {
        figures.count(event.kind)
        switch event {
        case .order(let order): arena.orders.give(order)
        case .cell(let name, let fault):
            do {
                try arena.machine.inject(fault, into: name)
                arena.story.say("fault in \(name): \(fault)")
                note(name)
            } catch {
                // it is not there, or nothing runs in it
                figures.uncount(event.kind)
            }
        case .command(let fault): arena.machine.change { $0.inject(fault) }
        case .sysfs(let place, let form, let time):
            arena.machine.change { machine in
                machine.inject(SysfsFault(place, form, until: .at(machine.now + time)))
            }
        case .program(let fault):
            if !fault.isSlowness { arena.daemonMayGiveUp = true }
            try arena.machine.inject(fault)
        case .otherTool(let steps):
            for step in steps { noteOther(step) }
            arena.machine.change { _ = $0.doBehindTheBack(steps) }
        case .slowDisable:
            noteOther(.disable)
            arena.machine.change { $0.disableByOtherTool() }
        case .lock(let time): arena.machine.change { $0.holdLock(for: time) }
        case .kill(let length, let tampering):
            try arena.noticeEnd()
            try arena.daemon.end(SIGKILL)
            if arena.daemon.saidThatItWillForget { isStateFileBroken = true }
            if let tampering {
                isStateFileBroken = true
                arena.tamper(tampering)
            }
            pause(length)
            try arena.daemon.start()
        }
    }

    private mutating func note(_ cell: String) {
        changes.append((arena.now, cell))
    }

    private mutating func noteOther(_ step: OtherToolStep) {
        switch step {
        case .destroy(let cell), .shutDown(let cell), .restart(let cell), .recreate(let cell), .replace(let cell, _):
            note(cell)
        case .swap(let one, let other):
            note(one)
            note(other)
        case .disable, .enable:
            disabledByOther = true
            for subject in Subject.all { note(subject.name) }
        case .create, .foreign: break
        }
    }

    // MARK: - Afterwards

    /// What the daemon says is wanted of each cell.
    private func desires() throws -> [String: String] {
        var descriptions: [Manager.Details]?
        try arena.eventually({ "the daemon describes all cells" }, within: patience) {
            descriptions = arena.orders.look(at: Subject.all.map(\.name))?.details
            return descriptions != nil
        }
        var desires: [String: String] = [:]
        for (subject, details) in zip(Subject.all, descriptions ?? []) {
            desires[subject.name] = details.supervision?.desired
        }
        return desires
    }

    /// Waits until every order is answered, the hypervisor is enabled, and every cell is as it is wanted.
    ///
    /// - Returns: what is wanted of each cell.
    private mutating func converge(from before: [String: String]) throws -> [String: String] {
        var missing = ""
        var desires: [String: String] = [:]
        var asked = ContinuousClock.now - .seconds(1)
        var overtaken: Set<String> = []
        try arena.eventually({ missing }, within: patience) {
            guard arena.machine.machine.isEnabled else {
                missing = "the hypervisor is enabled"
                // a client or another tool disabled it: then a person enables it again
                if asked.duration(to: .now) > .milliseconds(100) {
                    asked = .now
                    if arena.orders.all.contains(where: \.lacksSystem) {
                        // a daemon that could not read its settings when it began is told to read them again
                        arena.orders.give(Order(kind: .reload, cell: nil))
                    }
                    arena.orders.give(Order(kind: .enable, cell: nil))
                }
                return false
            }
            for name in arena.removeIntruders() { note(name) }
            if let pending = arena.orders.all.first(where: { $0.end == .pending }) {
                missing = "the order \(pending.order) is answered"
                return false
            }
            guard let (list, descriptions) = arena.orders.look(at: Subject.all.map(\.name)) else {
                missing = "the daemon answers"
                return false
            }
            for (subject, details) in zip(Subject.all, descriptions) {
                guard let supervision = details.supervision else {
                    missing = "the daemon knows \(subject.name)"
                    return false
                }
                desires[subject.name] = supervision.desired
                if mustBeLeftAlone(subject, details) { throw LeftAlone() }
                if isOvertaken(subject, details), overtaken.insert(subject.name).inserted {
                    // a person sees that it does nothing, and has it restarted
                    figures.count("cells that nobody could know to be dead")
                    arena.orders.give(Order(kind: .restart, cell: subject.name))
                }
                if let wrong = discrepancy(subject, details, list) {
                    missing = wrong
                    return false
                }
            }
            return true
        }
        return desires
    }

    /// Whether the cell runs without its program, and nothing that the daemon can read tells: because another tool has
    /// used up what was loaded, in the moment between the daemon's last look and its start; or because the start was
    /// lost, and the state file with it in which it stood that the start had not been verified yet.
    private func isOvertaken(_ subject: Subject, _ details: Manager.Details) -> Bool {
        guard details.cell.condition == "running",
            let truth = arena.machine.machine.cells.first(where: { $0.name == subject.name }),
            truth.state.text.hasPrefix("running"), !truth.isAlive
        else { return false }
        if truth.startedWithoutLoad { return changes.contains { $0.cell == subject.name } }
        return isStateFileBroken && truth.lostStarts > 0
    }

    /// Whether nothing can be done about a cell that runs without its program: whoever touched it, or others beside it,
    /// would freeze Linux.
    private func mustBeLeftAlone(_ subject: Subject, _ details: Manager.Details) -> Bool {
        guard subject.isEndless, let truth = arena.machine.machine.cells.first(where: { $0.name == subject.name }),
            truth.state.text.hasPrefix("running")
        else { return false }
        if isOvertaken(subject, details) { return true }
        // what others did to it in the moment of its start may have brought it to life
        let isTouched = changes.contains { $0.cell == subject.name }
        return details.cell.condition == "failed" && (!truth.isAlive || isTouched)
    }

    /// What is not yet as it should be of a cell; nil: nothing.
    private func discrepancy(
        _ subject: Subject, _ details: Manager.Details, _ list: Manager.List.Reply
    ) -> String? {
        let name = subject.name
        let condition = details.cell.condition
        let truth = arena.machine.machine.cells.first { $0.name == name }
        let says = "\(name) is wanted \(details.supervision?.desired ?? "?"), is \(condition)"
        let really =
            "is really \(truth.map { "\($0.state.text)\($0.isAlive ? "" : ", nothing executes")" } ?? "absent")"
        if list.cells.first(where: { $0.name == name })?.condition != condition { return "\(says), and changes" }
        if condition == "gave-up" { return "\(says)" }
        if details.supervision?.desired == "running" {
            let isUp = truth.map { $0.isAlive && $0.state.text.hasPrefix("running") } ?? false
            return isUp && (condition == "running" || condition == "degraded") ? nil : "\(says) and \(really)"
        }
        // what another tool has started and nobody wants is left alone
        let isStill = ["stopped", "absent", "created", "failed", "running", "degraded"].contains(condition)
        let isSeen = (truth.map { $0.state.text } ?? "absent") == (details.cell.state ?? "absent")
        return isStill && isSeen ? nil : "\(says) and \(really)"
    }

    // MARK: - Judgement

    private mutating func judge(_ wanted: [String: String]) throws {
        try judgeDeeds()
        for subject in Subject.all { try judge(subject, wanted[subject.name] ?? "", arena.orders.all) }
    }

    private mutating func judgeDeeds() throws {
        let deeds = arena.machine.change { $0.takeDeeds() }
        grace = Self.shortestGrace + Lag.take() * 4
        grace += arena.delay
        let given = arena.orders.all
        figures.commands += deeds.count
        figures.starts += deeds.filter { $0.command == "start" && $0.refusal == nil }.count
        figures.refused += deeds.filter { $0.refusal != nil }.count
        for order in given { figures.note(order.end) }
        for deed in deeds {
            if let cell = deed.cell, !Subject.all.contains(where: { $0.name == cell }) {
                throw Wrong("a command for a cell that the daemon does not know: \(deed)")
            }
            for harm in deed.harms { try judge(harm, of: deed, given) }
        }
    }

    private static let shortestGrace = Duration.milliseconds(60)

    private func judge(_ harm: Deed.Harm, of deed: Deed, _ given: [Given]) throws {
        let isAskedFor = given.contains { given in
            guard given.order.entitles(to: harm.cell), given.at <= deed.begun else { return false }
            // after a broken connection the daemon's successor may carry it out; what a later order takes the place of
            // may be on its way to the driver
            guard let endedAt = given.endedAt, given.end == .done else { return true }
            return deed.submitted <= endedAt + grace
        }
        if isAskedFor { return }
        if harm.quietSince + grace > deed.submitted { return }
        throw Wrong(
            "\(harm.cell) was healthy since \(harm.quietSince), nobody asked, and \(deed) at \(deed.begun) ended that")
    }

    /// Where it is known what clients wanted last, that must have been done.
    private func judge(_ subject: Subject, _ desired: String, _ given: [Given]) throws {
        let orders = given.filter { given in
            guard given.end != .undelivered else { return false }
            switch given.order.kind {
            case .start, .restart, .stop, .destroy, .create: return given.order.cell == subject.name
            case .disable: return true
            case .enable, .resetFailed, .reload, .list, .describe: return false
            }
        }
        guard !isStateFileBroken, !disabledByOther, !orders.contains(where: { $0.order.kind == .disable }) else {
            return
        }
        // what it did by itself, or others did to it, changes what is wanted of one that is not always restarted
        guard subject.isAlwaysRestarted || !changes.contains(where: { $0.cell == subject.name }) else { return }
        guard let last = orders.last, orders.allSatisfy({ $0.order.kind == last.order.kind && $0.end == .done }) else {
            return
        }
        let expected: String
        switch last.order.kind {
        case .start, .restart: expected = "running"
        case .stop, .destroy: expected = "stopped"
        default: return
        }
        guard !subject.isNeverRestarted || expected == "stopped" else { return }
        if desired != expected {
            throw Wrong("\(subject.name): \(last.order) was done, and now it is wanted \(desired)")
        }
    }
}
