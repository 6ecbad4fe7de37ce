// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Hypervisor
import TestSupport

/// Rounds on the hypervisor that this machine has: no faults but those that happen by themselves.
final class Live {
    private let daemon: Daemon
    private let orders: Orders
    private let story: Story
    private let figures: Figures
    private let patience: Duration
    private let isForeign: Bool
    private var random = SeededGenerator(seed: 0, round: 0)

    /// - Parameter isForeign: whether commands are also given behind the daemon's back.
    init(
        programs: String, configuration: String, runtime: String, isForeign: Bool, patience: Duration, story: Story,
        figures: Figures
    ) {
        daemon = Daemon(
            arguments: [programs + "/jailhoused", "--configuration", configuration, "--runtime", runtime],
            environment: [:], story: story)
        let begin = ContinuousClock.now
        orders = Orders(socket: runtime + "/control", story: story) { begin.duration(to: .now) }
        self.isForeign = isForeign
        self.patience = patience
        self.story = story
        self.figures = figures
    }

    func begin() throws {
        try daemon.start()
        try eventually({ "the daemon answers and the hypervisor is enabled" }) {
            self.orders.list()?.machine.enabled == true
        }
    }

    /// Leaves the cells as they are.
    func end() {
        try? daemon.end(SIGTERM)
    }

    func run(_ number: Int, seed: UInt64) throws {
        story.say("=== round \(number)")
        random = SeededGenerator(seed: seed, round: number)
        orders.forget()
        let before = try cells()
        var touched: Set<String> = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            pause(random.milliseconds(0...200))
            let name = random.one(of: before.map(\.name))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<7: give(&touched, name)
            case 7 where isForeign:
                touched.insert(name)
                meddle(with: name)
            case 8:
                figures.count("kills")
                try daemon.end(SIGKILL)
                pause(random.milliseconds(0...100))
                try daemon.start()
            default: orders.give(Order(kind: .list, cell: nil))
            }
        }
        let ceased = ContinuousClock.now
        var after: [Seen] = []
        var missing = ""
        try eventually({ missing }) {
            if let pending = self.orders.all.first(where: { $0.end == .pending }) {
                missing = "the order \(pending.order) is answered"
                return false
            }
            guard let seen = try? self.cells() else {
                missing = "the daemon answers"
                return false
            }
            after = seen
            guard let restless = seen.first(where: { !$0.isSettled }) else { return true }
            missing = "\(restless.name) is wanted \(restless.desired), is \(restless.condition)"
            return false
        }
        figures.note(convergence: ceased.duration(to: .now))
        for cell in before where !touched.contains(cell.name) && cell.condition == "running" {
            let now = after.first { $0.name == cell.name }
            // one that failed meanwhile has a failure more
            guard now?.failures == cell.failures else { continue }
            if now?.id != cell.id || now?.parks != cell.parks {
                throw Wrong(
                    "\(cell.name) ran, nobody touched it, and now it is another: \(cell) → \(String(describing: now))")
            }
        }
        if let resources = daemon.resources { try figures.note(resources) }
        figures.rounds += 1
        for given in orders.all { figures.note(given.end) }
    }

    private func give(_ touched: inout Set<String>, _ name: String) {
        let kind = random.one(of: [Order.Kind.start, .start, .start, .restart, .stop, .destroy, .reload, .describe])
        if [.restart, .stop, .destroy].contains(kind) { touched.insert(name) }
        figures.count("orders")
        orders.give(Order(kind: kind, cell: kind == .reload ? nil : name))
    }

    /// Stops or destroys a cell through the device, as another tool would; never one that could freeze Linux.
    private func meddle(with name: String) {
        guard let region = orders.region(name), region.passive || region.messageReplyTimeout > 0 else { return }
        figures.count("changes by other tools")
        let hypervisor = HypervisorCommands()
        let destroys = random.isSo(0.5)
        story.say("another tool: \(destroys ? "destroy" : "shut down") \(name)")
        do {
            if destroys {
                try hypervisor.destroy(CellReference(name: name))
            } else {
                try hypervisor.load(CellReference(name: name), [])
            }
        } catch {
            story.say("another tool: \(error)")
        }
    }

    private struct Seen {
        let name: String
        let id: Int?
        let condition: String
        let desired: String
        let failures: Int
        /// Grows with each load and each start.
        let parks: Int?

        var isSettled: Bool {
            if condition == "gave-up" { return true }
            if desired == "running" { return condition == "running" || condition == "degraded" }
            return !["starting", "stopping", "backing-off"].contains(condition)
        }
    }

    /// All cells that are defined.
    private func cells() throws -> [Seen] {
        guard let list = orders.list() else { throw Wrong("the daemon does not answer") }
        return try list.cells.filter(\.defined).map { cell in
            guard let details = orders.details(cell.name), let statistics = orders.statistics(cell.name) else {
                throw Wrong("the daemon does not describe \(cell.name)")
            }
            return Seen(
                name: cell.name, id: cell.id, condition: cell.condition,
                desired: details.supervision?.desired ?? "stopped", failures: orders.failures(cell.name),
                parks: statistics.first { $0.name == "vmexits_management" }?.value)
        }
    }

    private func eventually(_ what: () -> String, _ condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + patience
        while !condition() {
            try daemon.noticeEnd()
            guard ContinuousClock.now < deadline else { throw Wrong("not within \(patience): \(what())") }
            pause(.milliseconds(5))
        }
    }
}
