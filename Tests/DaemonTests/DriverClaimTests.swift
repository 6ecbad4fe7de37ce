// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Daemon

@Suite("The driver belongs to one daemon")
struct DriverClaimTests {
    private let device = FileManager.default.temporaryDirectory.appending(path: "driver-\(UUID().uuidString)").path

    @Test("It is taken once it is there, given up with it, and not taken from another daemon")
    func claim() throws {
        defer { try? FileManager.default.removeItem(atPath: device) }
        let lock = DaemonLock(device: device)
        var claim = DriverClaim.pending
        try claim.take(lock, hasDriver: false)
        #expect(claim == .pending)
        // sysfs shows it, and udev has not made the node yet
        try claim.take(lock, hasDriver: true)
        #expect(claim == .pending)

        try Data().write(to: URL(filePath: device))
        try claim.take(lock, hasDriver: true)
        #expect(claim == .held)
        try claim.take(lock, hasDriver: true)
        #expect(claim == .held)
        try claim.take(lock, hasDriver: false)
        #expect(claim == .pending, "it was unloaded")

        // the lock of before is still held, as another daemon's would be
        var other = DriverClaim.pending
        #expect(throws: StartError.self) { try other.take(lock, hasDriver: true) }
        var end = DriverClaim.notNeeded
        try end.take(lock, hasDriver: true)
        #expect(end == .notNeeded)
    }
}
