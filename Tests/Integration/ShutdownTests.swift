// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `systemctl poweroff` of a container with cells in a simulated machine. What became of them, the machine tells.
@Suite("The end of the machine") struct ShutdownTests {
    @Test("Cells are stopped in the reverse order of their start, and the hypervisor is disabled")
    func order() async throws {
        let container = try await Container.boot()
        try await define(["a", "b", "c"], in: container)
        try await container.output("systemctl start jailhouse-cell@b.service")
        for cell in ["a", "c"] { try await container.output("jailhouse-ctl start \(cell)") }
        // the order is known to the next daemon, too
        try await container.output("systemctl restart jailhoused.service")
        let manual = try await container.run("systemctl stop jailhouse-shutdown.service")
        #expect(manual.errors.contains("Operation refused"), "nobody stops all cells by a slip")

        let console = try await container.powerOff()
        #expect(
            lines(console, of: "jailhouse-sim").filter { !$0.hasPrefix("destroyed") } == [
                #"shut down: cell "b""#, #"shut down: cell "c""#, #"shut down: cell "a""#, "disabled",
            ], "a cell that is a unit ends as units do, before the others\n\(console)")
        #expect(
            lines(console, of: "jailhouse-shutdown") == [
                "stopped c", "stopped a", "the hypervisor is disabled",
            ], "\(console)")
        try await container.end()
    }

    @Test("What cannot be stopped is named, in time, though there is no daemon")
    func refusals() async throws {
        let container = try await Container.boot()
        try await define(["a", "b", "c"], in: container)
        for cell in ["a", "c", "b"] { try await container.output("jailhouse-ctl start \(cell)") }
        try await container.output("jailhouse-sim inject --directory /run/jailhouse-sim b deny")
        // nobody knows any more how this one answers
        try await container.output("rm /etc/jailhoused/cells/c.toml; jailhouse-ctl reload")
        try await container.output("systemctl stop jailhoused.service; echo lost >/run/jailhoused/state.json")

        let began = ContinuousClock.now
        let console = try await container.powerOff()
        #expect(ContinuousClock.now - began < .seconds(35), "b would deny it for ten minutes")
        let machine = lines(console, of: "jailhouse-sim")
        #expect(machine.contains(#"shut down: cell "a""#), "\(console)")
        #expect(!machine.contains { $0.contains(#""c""#) }, "it is not touched\n\(console)")
        #expect(!machine.contains("disabled"))
        #expect(!console.contains("FROZEN"))
        #expect(
            lines(console, of: "jailhouse-shutdown") == [
                "stopped a",
                "NOT STOPPED: c: not created by the daemon, so it may not respond to a shutdown request; skipped",
                "NOT STOPPED: b: rejected the shutdown request; still running",
                "THE HYPERVISOR IS NOT DISABLED: disabling would send c a shutdown request it may never answer, hanging Linux",
            ], "\(console)")
        try await container.end()
    }

    @Test("However the machine ends, all is stopped in time", arguments: ["reboot", "halt", "start kexec.target"])
    func ends(verb: String) async throws {
        let container = try await Container.boot()
        try await define(["a", "b", "c"], in: container)
        for cell in ["a", "b", "c"] { try await container.output("jailhouse-ctl start \(cell)") }
        try await container.output("jailhouse-sim inject --directory /run/jailhouse-sim b hang")
        let began = ContinuousClock.now
        let console = try await container.leave(by: verb)
        #expect(ContinuousClock.now - began < .seconds(35))
        let machine = lines(console, of: "jailhouse-sim")
        #expect(machine.contains("disabled"), "\(console)")
        #expect(
            lines(console, of: "jailhouse-shutdown") == [
                "stopped c", "stopped b", "stopped a", "the hypervisor is disabled",
            ], "\(console)")
        try await container.end()
    }

    @Test(
        "A forced poweroff skips all units: the daemon is killed in time, also one that is stopped",
        arguments: [false, true])
    func forced(isStopped: Bool) async throws {
        let container = try await Container.boot()
        try await define(["a", "b"], in: container)
        for cell in ["a", "b"] { try await container.output("jailhouse-ctl start \(cell)") }
        try await container.output("jailhouse-sim inject --directory /run/jailhouse-sim b hang")
        if isStopped {
            try await container.output("kill -STOP $(systemctl show --value --property=MainPID jailhoused.service)")
        }
        let began = ContinuousClock.now
        let console = try await container.leave(by: "poweroff --force")
        #expect(ContinuousClock.now - began < .seconds(35))
        #expect(lines(console, of: "jailhouse-shutdown") == [], "no unit is stopped\n\(console)")
        #expect(!console.contains("FROZEN") && !console.contains("OOPSED"), "\(console)")
        try await container.end()
    }

    @Test("A daemon that does not answer is replaced, also where there is no watchdog")
    func frozenDaemon() async throws {
        let container = try await Container.boot()
        try await define(["a"], in: container)
        let dropIn = "/run/systemd/system/jailhoused.service.d"
        try await container.output(
            """
            mkdir -p \(dropIn); printf '[Service]\\nWatchdogSec=0\\n' >\(dropIn)/watchdog.conf
            systemctl daemon-reload; systemctl restart jailhoused.service
            """)
        try await container.output("jailhouse-ctl start a")
        try await container.output("kill -STOP $(systemctl show --value --property=MainPID jailhoused.service)")
        let console = try await container.powerOff()
        #expect(lines(console, of: "jailhouse-shutdown").last == "the hypervisor is disabled", "\(console)")
        let machine = lines(console, of: "jailhouse-sim").filter { !$0.hasPrefix("destroyed") }
        #expect(machine == [#"shut down: cell "a""#, "disabled"], "\(console)")
        try await container.end()
    }

    // MARK: -

    /// Cells with a CPU and memory of their own each.
    private func define(_ cells: [String], in container: Container) async throws {
        for (index, name) in cells.enumerated() {
            let toml = """
                [cell]
                name = "\(name)"
                architecture = "x86"
                cpus = [\(index + 1)]
                message-timeout = 1000000
                reset-address = 0x0

                [[memory]]
                physical = 0x3a\(index)00000
                virtual = 0x0
                size = "1 MiB"
                access = ["read", "write", "execute", "loadable"]

                [[memory]]
                virtual = 0x900000
                size = "4 KiB"
                access = ["read", "write", "communication-region"]

                [[image]]
                path = "/usr/lib/jailhoused/inmates/halt.bin"
                address = 0x0

                [supervision]
                stop-timeout = "10 min"
                """
            try await container.output("cat >/etc/jailhoused/cells/\(name).toml <<'END'\n\(toml)\nEND")
        }
        // HLT
        try await container.output(#"printf '\364' >/usr/lib/jailhoused/inmates/halt.bin"#)
        try await container.output("rm /etc/jailhoused/cells/rtems.toml; jailhouse-ctl reload")
    }

    /// What a unit printed to the console: `[  12.3] jailhouse-sim[88]: disabled`.
    private func lines(_ console: String, of unit: String) -> [String] {
        console.split(whereSeparator: \.isNewline).compactMap { line in
            guard let start = line.range(of: "] \(unit)["), let end = line[start.upperBound...].range(of: "]: ") else {
                return nil
            }
            return String(line[end.upperBound...])
        }
    }
}
