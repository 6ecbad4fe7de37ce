// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Synchronization

/// Clients that ask for the status, one request after the other.
final class Inquiries: Sendable {
    private static let clients = 3

    private let socket: String
    private let cells: [String]
    private let wanted: Int
    private let done = Mutex(0)
    private let wrong = Mutex<String?>(nil)

    init(socket: String, cells: [String], wanted: Int) {
        self.socket = socket
        self.cells = cells
        self.wanted = wanted
    }

    var count: Int { done.withLock { $0 } }
    var isDone: Bool { count >= wanted }
    var problem: String? { wrong.withLock { $0 } }

    func begin() {
        for number in 0..<Self.clients {
            Thread.detachNewThread { [self] in
                do {
                    try ask(beginningWith: number)
                } catch {
                    wrong.withLock { $0 = $0 ?? "a status request failed: \(error)" }
                }
            }
        }
    }

    private func ask(beginningWith number: Int) throws {
        let client = try ControlClient(socket: socket)
        var turn = number
        while !isDone {
            turn += 1
            if turn.isMultiple(of: 2) {
                let list = try client.call(Manager.List.self)
                guard list.cells.count == cells.count else { throw Finding("\(list.cells.count) cells are listed") }
            } else {
                let cell = cells[turn / 2 % cells.count]
                let details = try client.call(Manager.Describe.self, .init(cell: cell)).details
                guard details.cell.name == cell else {
                    throw Finding("asked for \(cell), told of \(details.cell.name)")
                }
            }
            done.withLock { $0 += 1 }
        }
        // stays connected until the last measurement: as many clients as at the first
        while true { sleep(3600) }
    }
}
