// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulator
import TestSupport

/// The round that ends a machine: something happens about which nothing can be done, but to leave alone all that would
/// freeze Linux.
struct LastRound {
    enum Misfortune: CaseIterable {
        /// The start of a cell is lost whose answers are waited for without limit.
        case silence
        /// The hypervisor parks a CPU of Linux, at any moment: whatever takes a CPU offline would wait for it.
        case lostCPU
    }

    let number: Int
    let arena: Arena
    var random: SeededGenerator
    let figures: Figures
    let patience: Duration

    private static let name = "endless"

    init(_ number: Int, seed: UInt64, arena: Arena, figures: Figures, patience: Duration) {
        self.number = number
        self.arena = arena
        self.figures = figures
        self.patience = patience
        random = SeededGenerator(seed: seed, round: number)
    }

    /// - Throws: ``Wrong``.
    mutating func run() throws {
        let misfortune = random.one(of: Misfortune.allCases)
        arena.story.say("=== round \(number): \(misfortune)")
        arena.orders.forget()
        try arena.waitUntilAlone()
        _ = arena.machine.change { $0.takeDeeds() }
        arena.forgetDelay()
        let kinds: [Order.Kind] = [.start, .stop, .destroy, .create, .restart, .disable]
        let orders = (0..<Int.random(in: 3...10, using: &random)).map { _ in
            let kind = random.one(of: kinds)
            return Order(kind: kind, cell: kind == .disable ? nil : random.one(of: Subject.all).name)
        }
        var lost: Int?
        switch misfortune {
        case .silence:
            try loseStart()
            figures.count("lost starts that nobody may touch")
        case .lostCPU:
            // what is disabled before that cannot lose one
            let last = orders.firstIndex { $0.kind == .disable } ?? orders.count
            lost = Int.random(in: 0...last, using: &random)
        }
        let killed = random.isSo(0.5) ? Int.random(in: 0..<orders.count, using: &random) : nil
        for (index, order) in orders.enumerated() {
            pause(random.milliseconds(0...20))
            if index == lost { try loseCPU() }
            arena.orders.give(order)
            figures.count("orders")
            if index == killed {
                figures.count("kills")
                try arena.daemon.end(SIGKILL)
                try arena.daemon.start()
            }
        }
        if lost == orders.count { try loseCPU() }
        try give([])
        // whatever was still to be done has been done by then
        pause(.milliseconds(100))
        try give([Order(kind: .list, cell: nil)])
        figures.rounds += 1
    }

    private func loseStart() throws {
        try give([Order(kind: .start, cell: Self.name)])
        do {
            try arena.machine.inject(.loseNextStart, into: Self.name)
        } catch {
            throw Wrong("\(Self.name) was started and is not there: \(error)")
        }
        arena.orders.give(Order(kind: .restart, cell: Self.name))
    }

    private func loseCPU() throws {
        arena.story.say("Linux loses CPU 0")
        do {
            try arena.machine.change { (machine) throws(SimulatorError) in
                try machine.inject(.failCPU(0, .portWrite))
            }
        } catch {
            throw Wrong("Linux cannot lose a CPU: \(error)")
        }
        figures.count("CPUs that Linux lost")
    }

    /// Gives orders and waits until all are answered.
    private func give(_ orders: [Order]) throws {
        for order in orders { arena.orders.give(order) }
        try arena.eventually(
            { "answers to \(arena.orders.all.filter { $0.end == .pending }.map(\.order))" }, within: patience
        ) {
            arena.orders.all.allSatisfy { $0.end != .pending }
        }
    }
}
