// SPDX-License-Identifier: Apache-2.0

import Foundation
import JailhouseInterface
import Supervision
import Testing

/// The state file may say anything of times and counts.
@Suite("A damaged memory")
struct DamagedMemoryTests {
    private static let now = Moment(nanoseconds: 1 << 40)

    private func memory(_ number: Int64, _ count: Int64) throws -> LifecycleMemory {
        let moment = #"{"nanoseconds":\#(number)}"#
        let text = """
            {"goal":"run","restarts":\(count),"gaveUp":false,"condition":"starting","since":\(moment),\
            "budget":{"attempts":[\(moment)],"consecutive":\(count)},"lastAnswer":"denied","lastAnswerTime":\(moment),\
            "unverified":{"before":[1],"since":\(moment),"lostStarts":\(count),"cell":1}}
            """
        return try JSONDecoder().decode(LifecycleMemory.self, from: Data(text.utf8))
    }

    @Test(
        "Times and counts that cannot be are lived with",
        arguments: [Int64.min, -1, 0, .max], [Int64.min, -1, 0, .max])
    func impossible(number: Int64, count: Int64) throws {
        let supervised = Supervised(policy: SupervisionPolicy(), handshake: .bounded)
        var cell = CellLifecycle(supervised, memory: try memory(number, count), at: Self.now)
        let running = Sighting.present(Observation(id: 1, state: .running, managementExits: [1]))
        let failed = Sighting.present(Observation(id: 1, state: .failed, failedCPUs: [3], managementExits: [2]))
        for (round, sighting) in [running, running, failed, failed, failed, .absent, running, failed].enumerated() {
            let now = Self.now + .milliseconds(60 * round)
            if case .run(let command)? = cell.handle(.seen(sighting), at: now).last {
                _ = cell.handle(.finished(command, .done(), sighting), at: now)
            }
            let look = cell.nextLook(after: now) ?? now
            #expect(look >= now && look - now <= .seconds(60))
        }
        #expect(cell.memory.restarts >= min(Int(count), 0))
    }

    @Test("A restart that is still to come is not counted against the limit")
    func future() {
        var budget = RestartBudget()
        let policy = SupervisionPolicy()
        for _ in 0..<policy.limit.attempts {
            _ = budget.delayOfNextRestart(at: Self.now + .seconds(1 << 30), policy: policy)
        }
        #expect(budget.delayOfNextRestart(at: Self.now, policy: policy) != nil)
    }

    @Test("The ends of what a moment can say hold")
    func ends() {
        let (first, last) = (Moment(nanoseconds: .min), Moment(nanoseconds: .max))
        #expect(last - first == .nanoseconds(Int64.max))
        #expect(first - last == .nanoseconds(Int64.min))
        #expect(last + .seconds(1) == last)
        #expect(first + .seconds(-1) == first)
    }
}
