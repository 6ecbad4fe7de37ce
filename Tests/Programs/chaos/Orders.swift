// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Synchronization

/// What a client tells the daemon to do.
struct Order: Hashable, Sendable, CustomStringConvertible {
    enum Kind: String, Hashable, Sendable, CaseIterable {
        case create, start, stop, restart, destroy
        case resetFailed = "reset-failed"
        case reload, list, describe, enable, disable
    }

    let kind: Kind
    let cell: String?

    var description: String { cell.map { "\(kind.rawValue) \($0)" } ?? kind.rawValue }

    /// Whether an inmate of this cell may be stopped or started anew for it.
    func entitles(to cell: String) -> Bool {
        switch kind {
        case .stop, .restart, .destroy: self.cell == cell
        case .disable: true
        case .create, .start, .resetFailed, .reload, .list, .describe, .enable: false
        }
    }
}

/// An order that has been given.
struct Given: Hashable, Sendable {
    enum End: Hashable, Sendable {
        case pending
        case done
        case refused(String)
        /// The connection broke: it may have been done or not.
        case lost
        /// The daemon was not there.
        case undelivered
    }

    let order: Order
    /// On the machine's clock.
    let at: Duration
    var endedAt: Duration?
    var end = End.pending

    /// Whether the daemon did not know which system to enable.
    var lacksSystem: Bool {
        if case .refused(let message) = end { message.hasPrefix("no system is configured") } else { false }
    }
}

/// Clients, each order with a thread and a connection of its own.
final class Orders: Sendable {
    private let socket: String
    private let story: Story
    private let time: @Sendable () -> Duration
    private let given = Mutex<[Int: Given]>([:])
    private let count = Mutex(0)

    /// - Parameter time: the machine's clock.
    init(socket: String, story: Story, time: @escaping @Sendable () -> Duration) {
        self.socket = socket
        self.story = story
        self.time = time
    }

    func give(_ order: Order) {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let at = time()
        given.withLock { $0[number] = Given(order: order, at: at) }
        story.say("order \(number): \(order)")
        Thread.detachNewThread { [self] in
            var end = carryOut(order)
            // a daemon that was just killed has a successor soon
            let deadline = ContinuousClock.now + .milliseconds(500)
            while end == .undelivered && ContinuousClock.now < deadline {
                pause(.milliseconds(2))
                end = carryOut(order)
            }
            let now = time()
            given.withLock {
                $0[number]?.end = end
                $0[number]?.endedAt = now
            }
            story.say("order \(number): \(order): \(end)")
        }
    }

    /// Those of this round.
    var all: [Given] { given.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }

    /// Forgets those that have ended.
    func forget() {
        given.withLock { $0 = $0.filter { $0.value.end == .pending } }
    }

    /// What the daemon says of all cells, and of each of these; nil while it does not answer.
    func look(at cells: [String]) -> (list: Manager.List.Reply, details: [Manager.Details])? {
        guard let client = try? ControlClient(socket: socket), let list = try? client.call(Manager.List.self) else {
            return nil
        }
        let details = cells.compactMap { cell in
            try? client.call(Manager.Describe.self, .init(cell: cell)).details
        }
        return details.count == cells.count ? (list, details) : nil
    }

    func list() -> Manager.List.Reply? { look(at: [])?.list }

    func details(_ cell: String) -> Manager.Details? { look(at: [cell])?.details.first }

    func region(_ cell: String) -> Manager.Region? {
        try? ControlClient(socket: socket).call(Manager.CommunicationRegion.self, .init(cell: cell)).region
    }

    func statistics(_ cell: String) -> [Manager.Statistic]? {
        try? ControlClient(socket: socket).call(Manager.Statistics.self, .init(cell: cell)).statistics
    }

    /// How many failures are kept, and when the last one was.
    func failures(_ cell: String) -> Int {
        let failures = try? ControlClient(socket: socket).call(Manager.Failures.self, .init(cell: cell)).failures
        return (failures?.count ?? 0) &+ (failures?.last?.at ?? 0)
    }

    private func carryOut(_ order: Order) -> Given.End {
        do throws(ControlError) {
            let client = try ControlClient(socket: socket)
            let one = Manager.OneCell(cell: order.cell ?? "")
            switch order.kind {
            case .create: _ = try client.call(Manager.Create.self, one)
            case .start: _ = try client.call(Manager.Start.self, one)
            case .stop: _ = try client.call(Manager.Stop.self, one)
            case .restart: _ = try client.call(Manager.Restart.self, one)
            case .destroy: _ = try client.call(Manager.Destroy.self, one)
            case .resetFailed: _ = try client.call(Manager.ResetFailed.self, .init(cell: order.cell))
            case .reload: _ = try client.call(Manager.Reload.self)
            case .list: _ = try client.call(Manager.List.self)
            case .describe: _ = try client.call(Manager.Describe.self, one)
            case .enable: _ = try client.call(Manager.Enable.self, .init())
            case .disable: _ = try client.call(Manager.Disable.self, .init(others: true))
            }
            return .done
        } catch {
            switch error {
            case .noSocket, .nobodyListens: return .undelivered
            case .manager(let error): return .refused(error.message)
            case .service, .unknown: return .refused("\(error)")
            case .connection, .disconnected, .noAnswer, .notPermitted, .malformed, .tooLong, .tooDeep: return .lost
            }
        }
    }
}
