// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Supervision

@Suite("What VM exits tell of a Linux") struct GuestPulseTests {
    /// - Parameter readings: seconds, and the count of each CPU from 2 on.
    private func hint(_ readings: (at: Int64, exits: [UInt64])...) -> GuestPulse.Hint? {
        var pulse = GuestPulse()
        for reading in readings {
            let exits = Dictionary(uniqueKeysWithValues: zip(2..., reading.exits))
            pulse.take(exits, at: Moment(nanoseconds: reading.at * 1_000_000_000))
        }
        return pulse.hint
    }

    @Test func aLivingOneGivesNone() {
        #expect(hint((0, [100, 200])) == nil, "nothing to compare")
        #expect(hint((0, [100, 200]), (10, [150, 280])) == nil, "idle")
        #expect(hint((0, [100, 200]), (10, [150, 90_000])) == nil, "busy")
        #expect(hint((0, [100, 200]), (10, [100, 230])) == nil, "one sleeps long")
        #expect(hint((0, [100]), (10, [2_600])) == nil, "a single CPU that is busy")
    }

    @Test func itsEndLeavesOneBeating() {
        #expect(hint((0, [100, 200]), (10, [2_600, 200])) == .beatsAlone(cpu: 2, exits: 250))
        #expect(hint((0, [100, 200, 5]), (12, [100, 3_560, 5])) == .beatsAlone(cpu: 3, exits: 280))
        #expect(hint((0, [100, 200]), (10, [2_600, 200]), (20, [2_700, 300])) == nil, "it lives again")
    }

    @Test func allMayStandStill() {
        #expect(hint((0, [100, 200]), (10, [100, 200])) == .standsStill)
        #expect(hint((0, [100]), (10, [100])) == .standsStill)
        #expect(hint((0, [100, 200]), (3, [100, 200])) == nil, "too soon")
    }

    @Test func otherCountsSayNothing() {
        #expect(hint((0, [100, 200]), (10, [50, 200])) == nil, "created anew")
        #expect(hint((0, [100, 200]), (10, [2_600])) == nil, "another number of CPUs")
    }

    @Test func theyAreReadSeldom() {
        var pulse = GuestPulse()
        let start = Moment(nanoseconds: 5)
        #expect(pulse.isDue(at: start))
        pulse.take([2: 1], at: start)
        #expect(!pulse.isDue(at: start + .seconds(9)) && pulse.isDue(at: start + .seconds(10)))
    }
}
