// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports
import JailhouseInterface
import Supervision
import Testing

@testable import Daemon

@Suite("What is known of an enable that was refused")
struct EnableAttemptsTests {
    private static let first = "Initializing unit: IOAPIC\n"
    private static let error = ManagerError.noDriver(message: "m")

    private static func refusal(_ errno: Int32) -> FleetFailure {
        .machine(.enable, MachineRefusal(message: "no", errno: errno))
    }

    @Test("What the console said before is about an earlier one, unless that ended the same way")
    func earlier() {
        var attempts = EnableAttempts()
        attempts.begin(console: nil)
        #expect(attempts.progress(errno: "EIO", console: nil) == nil)
        #expect(attempts.progress(errno: "EIO", console: Self.first)?.unit == "IOAPIC")
        attempts.fail(Self.refusal(5), Self.error, at: 1, console: Self.first)
        #expect(attempts.refused?.errnoName == "EIO" && attempts.refused?.console?.isEmpty == false)

        attempts.begin(console: Self.first)
        #expect(attempts.progress(errno: "EIO", console: Self.first)?.unit == "IOAPIC", "it says the same again")
        #expect(attempts.progress(errno: "EINVAL", console: Self.first) == nil)
        attempts.fail(Self.refusal(22), Self.error, at: 2, console: Self.first)
        #expect(attempts.refused == Manager.RefusedEnable(at: 2, errnoName: "EINVAL", message: "m"))
    }

    @Test("Of one that the driver was not asked for, only the message is known; one that succeeds ends all")
    func notAsked() {
        var attempts = EnableAttempts()
        attempts.begin(console: nil)
        attempts.fail(Self.refusal(0), Self.error, at: 3, console: Self.first)
        #expect(attempts.refused == Manager.RefusedEnable(at: 3, message: "m"))
        attempts.succeed()
        #expect(attempts.refused == nil)
    }
}
