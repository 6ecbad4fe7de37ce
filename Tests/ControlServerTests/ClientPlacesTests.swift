// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ControlServer

@Suite("Places for clients")
struct ClientPlacesTests {
    private let places = ClientPlaces(ownUser: 990)

    private func enter(_ count: Int, user: UInt32, _ access: Access) -> Int {
        (0..<count).count { _ in places.enter(user, access) == nil }
    }

    @Test("A user has sixteen, and gets each back that is left")
    func perUser() {
        #expect(enter(20, user: 1000, .reading) == 16)
        #expect(places.enter(1000, .everything)?.limit == "connections-per-user")
        #expect(enter(1, user: 1001, .reading) == 1)
        places.leave(1000)
        #expect(enter(2, user: 1000, .reading) == 1)
    }

    @Test("Units that follow a cell run as the daemon's user: they leave places to administrators and to root")
    func ownUser() {
        #expect(enter(100, user: 990, .everything) == 52)
        #expect(places.enter(990, .everything)?.limit == "connections")
        #expect(enter(100, user: 1000, .everything) == 8)
        #expect(enter(100, user: 0, .everything) == 4)
    }

    @Test("Readers leave places to administrators, and these to root")
    func reserved() {
        var readers = 0
        for user in 1000..<1010 { readers += enter(20, user: UInt32(user), .reading) }
        #expect(readers == 48)
        #expect(places.enter(0, .reading)?.limit == "connections")
        #expect(enter(20, user: 2000, .everything) == 12)
        #expect(places.enter(2001, .everything)?.limit == "connections")
        #expect(places.enter(990, .everything)?.limit == "connections")
        #expect(enter(5, user: 0, .everything) == 4)
    }

    @Test("Only so many at a time have their turn, the others in order")
    func turns() async {
        let turns = Turns(2)
        let running = Counter()
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<50 {
                tasks.addTask {
                    await turns.take {
                        await running.enter()
                        await Task.yield()
                        await running.leave()
                    }
                }
            }
        }
        #expect(await running.most <= 2)
        #expect(await running.all == 50)
    }

    @Test("Those who rest have half of the time at the most")
    func rest() async {
        let turns = Turns(1, rests: true)
        let start = ContinuousClock.now
        for _ in 0..<5 { await turns.take { try? await Task.sleep(for: .milliseconds(4)) } }
        // the last rest is nobody's to wait for
        #expect(ContinuousClock.now - start >= .milliseconds(36))
    }

    private actor Counter {
        private var now = 0
        private(set) var most = 0
        private(set) var all = 0

        func enter() {
            now += 1
            all += 1
            most = max(most, now)
        }

        func leave() { now -= 1 }
    }
}
