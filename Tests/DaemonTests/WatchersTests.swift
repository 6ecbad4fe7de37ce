// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

@testable import Daemon

@Suite("Watchers")
struct WatchersTests {
    private func change(_ number: Int) -> Manager.Change {
        let cell = Manager.Cell(
            name: "rtems", condition: "running", restarts: number, since: 0, sinceMonotonic: 0, defined: true)
        return Manager.Change(at: number, kind: "condition", cell: cell, message: "", missed: 0)
    }

    @Test("A watcher that does not read misses what is beyond its queue, is told how much, and holds up nobody")
    func slow() async {
        var watchers = Watchers()
        let slow = watchers.add(cell: nil, first: [change(0)])
        let other = watchers.add(cell: "rtems", first: [])
        var otherChanges = other.changes.makeAsyncIterator()
        for number in 1...300 {
            watchers.tell(change(number))
            #expect(await otherChanges.next()?.at == number)
        }
        var changes = slow.changes.makeAsyncIterator()
        for number in 0...Watchers.queueLength { #expect(await changes.next()?.at == number) }
        watchers.tell(change(301))
        watchers.tell(change(302))
        #expect(await changes.next()?.missed == 300 - Watchers.queueLength)
        #expect(await changes.next()?.missed == 0)
        watchers.finish()
        #expect(await changes.next() == nil)
    }
}
