// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

@testable import Commands

@Suite("A recorded failure of several CPUs")
struct FailureReportTests {
    private static func dump(_ cpu: Int, _ reason: String?) -> [String] {
        (reason.map { ["FATAL: \($0)", "RIP: 0x0000000000000100 RSP: 0x0000000000007000 FLAGS: 2"] } ?? [])
            + ["Parking CPU \(cpu) (Cell: \"a\")"]
    }

    private static func notes(_ console: [String], cpus: [Int]) throws -> [String] {
        let failure = Manager.Failure(
            at: 1, reason: "CPUs 2, 3 were parked after a violation", failedCpus: cpus, console: console)
        return try #require(FailureReport(failure, of: "a").explanation).notes
    }

    private static let port = "Invalid PIO write, port: 70 size: 1"

    @Test("Whose text is lost is said", arguments: [true, false])
    func lost(isParkingShown: Bool) throws {
        let notes = try Self.notes(
            Self.dump(2, Self.port) + (isParkingShown ? Self.dump(3, nil) : []), cpus: [2, 3])
        #expect(notes.contains("This is about CPU 2."))
        #expect(notes.contains { $0.hasPrefix("What CPU 3 did is not on the console") }, "\(notes)")
    }

    @Test("What each did is said")
    func both() throws {
        let notes = try Self.notes(
            Self.dump(2, Self.port) + Self.dump(3, "Unhandled MSR write: 200"), cpus: [2, 3])
        #expect(notes.contains { $0.hasPrefix("CPU 3: The program wrote the MSR 0x200") }, "\(notes)")
        #expect(!notes.contains { $0.contains("not on the console") }, "\(notes)")
    }

    @Test("One CPU has nothing to say of others")
    func one() throws {
        #expect(try !Self.notes(Self.dump(2, Self.port), cpus: [2]).contains { $0.contains("CPU 2") })
    }
}
