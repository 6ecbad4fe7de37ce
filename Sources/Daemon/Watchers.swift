// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// Clients that watch. Each has a bounded queue, so that a slow client loses changes and delays no other.
struct Watchers {
    /// Changes that may wait for one watcher.
    static let queueLength = 256

    private struct Watcher {
        let cell: String?
        let continuation: AsyncStream<Manager.Change>.Continuation
        var missed = 0
    }

    private var watchers: [Int: Watcher] = [:]
    private var next = 0

    /// - Parameter cell: nil for all cells.
    mutating func add(cell: String?, first: [Manager.Change]) -> (id: Int, changes: AsyncStream<Manager.Change>) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Manager.Change.self, bufferingPolicy: .bufferingOldest(Self.queueLength + first.count))
        for change in first { continuation.yield(change) }
        next += 1
        watchers[next] = Watcher(cell: cell, continuation: continuation)
        return (next, stream)
    }

    mutating func remove(_ id: Int) {
        watchers.removeValue(forKey: id)?.continuation.finish()
    }

    mutating func tell(_ change: Manager.Change) {
        for id in watchers.keys {
            guard let watcher = watchers[id], watcher.cell == nil || watcher.cell == change.cell.name else { continue }
            var own = change
            own.missed = watcher.missed
            switch watcher.continuation.yield(own) {
            case .enqueued: watchers[id]?.missed = 0
            case .dropped: watchers[id]?.missed += 1
            default: watchers.removeValue(forKey: id)
            }
        }
    }

    mutating func finish() {
        for watcher in watchers.values { watcher.continuation.finish() }
        watchers = [:]
    }
}
