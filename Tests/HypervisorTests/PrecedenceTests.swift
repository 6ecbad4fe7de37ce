// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import SystemCalls
import Testing

/// Whether this process may do by its capabilities what the service manager allows by limits.
private let mayTakePrecedence: Bool = {
    let thread = Mutex(false)
    let bell = Bell()
    BackgroundThread {
        let isTaken = (try? Precedence(priority: 1, locksMemory: false).take()) != nil
        thread.withLock { $0 = isTaken }
        bell.ring()
    }?.detach()
    bell.wait(atMost: .seconds(10))
    return thread.withLock(\.self)
}()

@Suite struct PrecedenceTests {
    @Test func nobodyHasGrantedIt() {
        // neither a shell nor a test runner raises these limits
        #expect(Precedence.granted.priority == nil || Precedence.granted.priority ?? 0 <= 40)
        #expect(throws: Never.self) {
            try Precedence.none.take()
            try Precedence.none.lockMemory()
        }
        #expect(sched_getscheduler(0) & 7 == SCHED_OTHER)
    }

    /// The kernel calls SCHED_FIFO 1.
    @Test(.enabled(if: mayTakePrecedence)) func theThreadHasItAndThoseThatItStartsHaveNot() {
        let policies = Mutex<[CInt]>([])
        let bell = Bell()
        let note: @Sendable () -> Void = {
            var parameters = sched_param()
            sched_getparam(0, &parameters)
            policies.withLock { $0 += [sched_getscheduler(0) & 7, parameters.sched_priority] }
        }
        BackgroundThread {
            try? Precedence(priority: 3, locksMemory: false).take()
            note()
            BackgroundThread {
                note()
                bell.ring()
            }?.detach()
        }?.detach()
        bell.wait(atMost: .seconds(10))
        #expect(policies.withLock(\.self) == [SCHED_FIFO, 3, SCHED_OTHER, 0])
    }

    /// Of the whole process, so that it is unlocked again.
    @Test(.enabled(if: geteuid() == 0)) func memoryIsLocked() throws {
        func locked() throws -> Int {
            let status = String(decoding: try SystemCall.contents(ofFile: "/proc/self/status"), as: UTF8.self)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
            return line.split(separator: " ").compactMap { Int($0) }.first ?? -1
        }
        #expect(try locked() == 0)
        try Precedence(priority: nil, locksMemory: true).lockMemory()
        defer { munlockall() }
        #expect(try locked() > 0)
    }
}
