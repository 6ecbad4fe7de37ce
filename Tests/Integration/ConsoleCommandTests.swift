// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The hypervisor's console, read through the daemon")
struct ConsoleCommandTests {
    @Test("It is followed across disable and enable; a cell's lines are found")
    func follow() async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems((#"restart = "on-failure""#, #"restart = "never""#))],
            simulator: ["--timing", "none"])
        let follower = try machine.follow("console", "--follow")
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("rtems", "fail")
        try await eventually("it is shown: \(follower.output)") {
            follower.output.contains(#"Parking CPU 3 (Cell: "rtems")"#)
        }
        let own = try await machine.control("console", "rtems")
        #expect(own.output.contains("FATAL: Invalid PIO write, port: 70 size: 1\n"))
        #expect(
            own.output.contains("RIP: ") && own.output.hasSuffix("Parking CPU 3 (Cell: \"rtems\")\n"), "\(own.output)")
        #expect(!own.output.contains("Root cell"))

        #expect(try await machine.control("disable").status == 0)
        try await eventually("its end is shown: \(follower.output)") {
            follower.output.contains("Closing cell \"rtems\"") && follower.errors.contains("is disabled")
        }
        let last = try await machine.control("console")
        #expect(last.output.contains("Closing cell \"rtems\""))
        #expect(last.errors == "jailhouse-ctl: the hypervisor is disabled; these are its last lines\n")
        #expect(try await machine.control("enable").status == 0)
        try await eventually("the next log is shown: \(follower.output)") {
            follower.output.components(separatedBy: "Root cell \"").count > 2
        }
        #expect(follower.isRunning)
        #expect(try await machine.control("console", "rtms").status == 4)
    }

    @Test("While another tool holds the driver's lock, it is shown what was read before, with its age")
    func lock() async throws {
        let machine = try await LiveMachine.start(simulator: ["--timing", "none"])
        try await eventually("it was read") { try await machine.control("console").output.contains("Root cell") }
        try await machine.inject("lock", "6s")
        try await eventually("its age is named") {
            let outcome = try await machine.control("console")
            #expect(outcome.output.contains("Root cell"))
            return outcome.errors.contains("ago; the driver is busy since then")
        }
    }

    @Test("Bytes that the ring lost are named")
    func missed() async throws {
        let machine = try await LiveMachine.start(
            cells: [
                "rtems": try Definitions.rtems(
                    (#"name = "rtems""#, "name = \"rtems\"\nvirtual-console = \"permitted\""))
            ], simulator: ["--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        // more than the ring holds
        try await machine.inject("rtems", "print", String(repeating: "x", count: 3000))
        try await eventually("what is missing is said") {
            try await machine.control("console").output.contains("<missed ")
        }
    }
}
