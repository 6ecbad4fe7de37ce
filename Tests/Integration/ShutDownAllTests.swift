// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What is done before the machine goes down, in a machine that stays.
@Suite("Shutting all cells down") struct ShutDownAllTests {
    /// Its inmate would be waited for without end, and is known not to be alive.
    private func silentCell() throws -> String {
        try Definitions.rtems(("message-timeout = 1000000", ""), (#"restart = "on-failure""#, #"restart = "never""#))
            + "\naccept-unbounded-handshake = true\nliveness = { kind = \"vm-exits\", stall = \"100 ms\" }\n"
    }

    @Test("Nobody asks an inmate that does not answer, neither the daemon nor who comes after it")
    func silent() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try silentCell()])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("rtems", "hang")
        try await eventually("it is taken for dead: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "silent"
        }
        let disable = try await machine.control("disable")
        #expect(disable.errors.contains("so Linux would hang"), "\(disable)")
        let asked = try await machine.control("shut-down-all", "--within", "5")
        #expect(asked.status == 1)
        let left = "NOT STOPPED: rtems: not responding, and no message-timeout"
        #expect(asked.output.contains(left), "\(asked)")
        #expect(asked.output.contains("THE HYPERVISOR IS NOT DISABLED: disabling would send rtems a shutdown request"))

        machine.signalDaemon(SIGKILL)
        _ = try await machine.daemonEnd()
        let alone = try await machine.daemonCommand("--shut-down-all", "--within", "5")
        #expect(alone.status == 1)
        #expect(alone.output.contains("THE HYPERVISOR IS NOT DISABLED"), "\(alone)")
        #expect(!machine.console.contains("FROZEN"), "\(machine.console)")
        #expect(!machine.console.contains("shut down"), "\(machine.console)")
    }

    @Test("A daemon that is killed in the middle is followed by who asked it")
    func killedDaemon() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("command", "shutdown", "1s", "--cell", "rtems")
        async let ended = machine.daemonCommand("--shut-down-all", "--within", "10")
        try await eventually("it is being stopped: \(machine.log)") { machine.log.contains("running → stopping") }
        machine.signalDaemon(SIGKILL)
        #expect(try await ended.status == 0, "\(machine.log)")
        #expect(machine.console.contains("disabled"), "\(machine.console)")
    }

    @Test("Who comes while somebody else has all cells stopped waits, then takes over")
    func alreadyStopping() async throws {
        let definition = try Definitions.rtems((#"stop-timeout = "5 s""#, #"stop-timeout = "60 s""#))
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("rtems", "deny")
        async let first = machine.control("shut-down-all", "--within", "60")
        try await eventually("it is being stopped: \(machine.log)") { machine.log.contains("running → stopping") }
        let began = ContinuousClock.now
        let ended = try await machine.daemonCommand("--shut-down-all", "--within", "8")
        #expect(ContinuousClock.now - began > .seconds(3), "the daemon has half of the time")
        #expect(!ended.output.contains("NOTHING WAS STOPPED"), "\(ended)")
        #expect(ended.output.contains("NOT STOPPED: rtems: rejected the shutdown request"), "\(ended)")
        #expect(try await first.status != 0)
    }

    @Test("A client that goes while the hypervisor is being enabled leaves no loop behind, and its wish is done")
    func goneClient() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let daemon = try machine.daemonProcess()
        #expect(try await machine.control("disable").status == 0)
        try await machine.inject("command", "enable", "8s")
        async let enabled = machine.control("enable")
        try await eventually("the enable is under way: \(machine.console)") {
            machine.console.contains("enable is held up for 8s")
        }
        do {
            let client = try RawClient(machine)
            let call = #"{"method":"org.jailhoused.Manager.ShutDownAll","parameters":{"timeout":20000000}}"#
            try client.send(call + "\0")
            let other = try RawClient(machine)
            try await eventually("it is taken") {
                try other.send(#"{"method":"org.jailhoused.Manager.Start","parameters":{"cell":"rtems"}}"# + "\0")
                return other.text().contains("shutdown in progress")
            }
            withExtendedLifetime(client) {}
        }
        let before = daemon.processorTime
        try await Task.sleep(for: .seconds(1))
        #expect(daemon.processorTime - before < 0.3, "s of processor time in a second")
        #expect(try await enabled.status == 0)
        try await eventually("it is disabled: \(machine.log)") {
            try await machine.control("status").output.contains("Hypervisor: disabled")
        }
    }

    @Test("Nothing is started meanwhile, and what is being enabled is waited for")
    func meanwhile() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("disable").status == 0)
        try await machine.inject("command", "enable", "1s")
        async let enabled = machine.control("enable")
        try await machine.inject("command", "disable", "1s")
        try await eventually("the enable is under way: \(machine.console)") {
            machine.console.contains("enable is held up for 1s")
        }
        async let ended = machine.control("shut-down-all", "--within", "10")
        #expect(try await enabled.status == 0)
        try await eventually("it is being disabled, or is: \(machine.log)") {
            let refused = try await machine.control("start", "rtems")
            return refused.errors.contains("shutdown in progress") || refused.errors.contains("not enabled")
        }
        #expect(try await ended.status == 0)
        #expect(try await machine.control("status").output.contains("Hypervisor: disabled"))
    }

    @Test("A second daemon is kept away")
    func secondDaemon() async throws {
        let machine = try await LiveMachine.start()
        let second = try await machine.daemonCommand()
        #expect(second.status == 1)
        #expect(second.errors.contains("another daemon"), "\(second)")
    }

    @Test("A second daemon with directories of its own is kept away from the same driver")
    func secondDirectories() async throws {
        let machine = try await LiveMachine.start()
        let runtime = machine.directory.url.appending(path: "other").path
        let second = try await machine.daemonCommand("--runtime", runtime)
        #expect(second.status == 1)
        #expect(second.errors.contains("another daemon controls /dev/jailhouse"), "\(second)")
        #expect(!FileManager.default.fileExists(atPath: runtime + "/control"))
    }

    @Test("A file where the lock was once does not disarm the orderly end")
    func foreignLockFile() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        try Data().write(to: machine.directory.url.appending(path: "run/lock"))
        machine.signalDaemon(SIGSTOP)
        let ended = try await machine.daemonCommand("--shut-down-all", "--within", "6")
        #expect(ended.status == 0, "\(ended)")
        #expect(ended.output == "stopped rtems\nthe hypervisor is disabled\n", "each result once")
        #expect(!ended.errors.contains("stopped rtems"), "\(ended)")
    }

    @Test("After the end of the machine a daemon of the same boot begins as after a boot")
    func softReboot() async throws {
        let definition = try Definitions.rtems(("autostart = false", "autostart = true"))
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        try await eventually("it starts by itself: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "running"
        }
        #expect(try await machine.daemonCommand("--shut-down-all", "--within", "10").status == 0)
        #expect(try await machine.control("status").output.contains("Hypervisor: disabled"))
        machine.signalDaemon(SIGTERM)
        _ = try await machine.daemonEnd()
        try await machine.startDaemon()
        try await eventually("it starts by itself again: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "running"
        }
    }

    @Test("After a person has shut all down the next daemon leaves it so")
    func shutDownByHand() async throws {
        let definition = try Definitions.rtems(("autostart = false", "autostart = true"))
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        #expect(try await machine.control("shut-down-all").status == 0)
        try await machine.killDaemon()
        #expect(try await machine.control("status").output.contains("Hypervisor: disabled"))
    }
}
