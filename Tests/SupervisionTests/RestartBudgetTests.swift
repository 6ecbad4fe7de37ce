// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Supervision

@Suite("Counting restarts")
struct RestartBudgetTests {
    private let policy = SupervisionPolicy(
        delay: .milliseconds(100), maximumDelay: .seconds(1), limit: .init(attempts: 6, within: .seconds(60)))

    @Test("The delay doubles up to the maximum")
    func doubling() {
        var budget = RestartBudget()
        var now = Moment(nanoseconds: 0)
        var delays: [Duration] = []
        while let delay = budget.delayOfNextRestart(at: now, policy: policy) {
            delays.append(delay)
            now = now + .seconds(1)
        }
        #expect(delays == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    }

    @Test("Attempts older than the limit's time are forgotten, one by one")
    func window() {
        var budget = RestartBudget()
        for second in 0..<6 {
            #expect(budget.delayOfNextRestart(at: Moment(nanoseconds: 0) + .seconds(second), policy: policy) != nil)
        }
        #expect(budget.delayOfNextRestart(at: Moment(nanoseconds: 0) + .seconds(59), policy: policy) == nil)
        #expect(budget.delayOfNextRestart(at: Moment(nanoseconds: 0) + .seconds(60), policy: policy) != nil)
        #expect(budget.delayOfNextRestart(at: Moment(nanoseconds: 0) + .seconds(60), policy: policy) == nil)
    }

    @Test("Absurd durations do not overflow")
    func absurd() {
        var absurd = policy
        absurd.maximumDelay = .seconds(Int64.max)
        absurd.limit.attempts = 100
        var budget = RestartBudget()
        for _ in 0..<100 {
            let delay = budget.delayOfNextRestart(at: Moment(nanoseconds: 0), policy: absurd)
            #expect(delay != nil)
            _ = Moment(nanoseconds: .max - 1) + (delay ?? .zero)
        }
    }
}
