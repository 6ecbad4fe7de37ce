// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Glibc
import Simulator
import Synchronization

/// Lets every cell fail as soon as it runs, and measures the restarts by what the daemon tells who watches.
final class Faults: Sendable {
    private struct State {
        var failures = 0
        /// When the daemon said that a cell would be restarted, µs.
        var announced: [String: Int] = [:]
        /// From the announcement to the beginning of the restart.
        var restarts: [Duration] = []
        var missed = 0
        var problem: String?
    }

    private let machine: SimulatedMachine
    private let socket: String
    private let cells: [String]
    private let wanted: Int
    private let state = Mutex(State())

    init(machine: SimulatedMachine, socket: String, cells: [String], wanted: Int) {
        self.machine = machine
        self.socket = socket
        self.cells = cells
        self.wanted = wanted
    }

    var count: Int { state.withLock { $0.failures } }
    var isDone: Bool { count >= wanted }
    var restarts: [Duration] { state.withLock { $0.restarts } }
    var missed: Int { state.withLock { $0.missed } }
    var problem: String? { state.withLock { $0.problem } }

    func begin() {
        for cell in cells {
            Thread.detachNewThread { [self] in
                do {
                    try torment(cell)
                } catch {
                    state.withLock { $0.problem = $0.problem ?? "\(cell): \(error)" }
                }
            }
        }
    }

    private func torment(_ cell: String) throws {
        let client = try ControlClient(socket: socket)
        var changes = try client.stream(Manager.Watch.self, .init(cell: cell))
        while !isDone {
            guard let change = try changes.next()?.change else { throw Finding("the watch ended") }
            state.withLock { note(change, of: cell, &$0) }
            // what was missed may have been that it runs
            if change.cell.condition == "running", change.kind != "adopted" || change.missed > 0 {
                try? machine.inject(Fault(words: ["fail"]), into: cell)
            }
        }
        // stays connected until the last measurement: as many clients as at the first
        while true { sleep(3600) }
    }

    private func note(_ change: Manager.Change, of cell: String, _ state: inout State) {
        state.missed += change.missed
        if change.missed > 0 { state.announced[cell] = nil }
        switch change.kind {
        case "failure": state.failures += 1
        case "restarting": state.announced[cell] = change.at
        case "condition" where change.previous == "backing-off":
            if let announced = state.announced.removeValue(forKey: cell) {
                state.restarts.append(.microseconds(change.at - announced))
            }
        case "gave-up": state.problem = "\(cell) was given up"
        default: break
        }
    }
}
