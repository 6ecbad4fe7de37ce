// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Daemon

@Suite("Runs that many ask for")
struct SharedRunsTests {
    /// 3,000 SIGHUPs used to be 3,000 reloads.
    @Test("Those who ask before a run has begun share it, and it begins after each of them asked")
    func shared() async {
        let (began, gate) = (Happenings(), Happenings())
        let count = Mutex(0)
        let runs = SharedRuns {
            let number = count.withLock { count in
                count += 1
                return count
            }
            began.note("\(number)")
            _ = await gate.next(1)
            return number
        }
        async let first = runs.run()
        #expect(await began.next(1) == ["1"])
        for _ in 0..<3000 { await runs.runSoon() }
        gate.note("go")
        #expect(await first == 1)
        #expect(await began.next(1) == ["2"])
        // the second has begun: this is the third's
        async let last = runs.run()
        gate.note("go")
        #expect(await began.next(1) == ["3"])
        gate.note("go")
        #expect(await last == 3)
        #expect(count.withLock { $0 } == 3)
    }
}
