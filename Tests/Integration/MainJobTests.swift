// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The main job, through the commands that people type.
@Suite("The main job") struct MainJobTests {
    @Test("A failed cell is started again without anybody's help")
    func restart() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.cell("rtems")?.condition == "absent")
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.cell("rtems")?.condition == "running")
        try await machine.inject("rtems", "fail")
        try await eventually("it runs again: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
        #expect(try await machine.control("status", "rtems").output.contains("FATAL: "))
        #expect(try await machine.control("stop", "rtems").status == 0)
        #expect(try await machine.control("comm", "rtems").output.contains("approved"))
        #expect(try await machine.control("status", "rtems").status == 3)
        #expect(try await machine.control("destroy", "rtems").status == 0)
        #expect(try await machine.cell("rtems")?.id == nil)
    }

    @Test("The driver of an older release: the cell follows the system's revision", arguments: ["12", "13", "12a"])
    func olderDriver(revision: String) async throws {
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems()], simulator: ["--revision", revision],
            before: { machine in
                let etc = machine.directory.url.appending(path: "etc")
                let keys =
                    Int(revision) == nil
                    ? "revision = \(revision.dropLast())\nvariant = \"\(revision)\"" : "revision = \(revision)"
                let shipped = Place.source.appending(path: "configs/systems/q35.toml")
                let system = try String(contentsOf: shipped, encoding: .utf8)
                    .replacingOccurrences(of: "\n[system]\n", with: "\n[system]\n\(keys)\n")
                #expect(system.contains(keys))
                let path = etc.appending(path: "system.toml")
                try system.write(to: path, atomically: true, encoding: .utf8)
                try "system = \"\(path.path)\"\n".write(
                    to: etc.appending(path: "jailhoused.toml"), atomically: true, encoding: .utf8)
            })
        let start = try await machine.control("start", "rtems")
        #expect(start.status == 0, "\(start) \(machine.log)")
        try await machine.inject("rtems", "fail")
        try await eventually("it runs again: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
        // today's layout is not this driver's
        #expect(try await machine.control("disable").status == 0)
        let today = Place.source.appending(path: "configs/systems/q35.toml").path
        let refused = try await machine.control("enable", today)
        #expect(refused.status == 1 && refused.errors.contains("does not fit"), "\(refused)")
    }

    @Test("An enable that the hypervisor refuses is in status and report, until one succeeds")
    func refusedEnable() async throws {
        let machine = try await LiveMachine.start(
            cells: [:], system: false, simulator: ["--timing", "none"],
            before: { try await $0.inject(["command", "enable", "EIO", "--at", "ioapic"]) })
        let system = Place.source.appending(path: "configs/systems/q35.toml").path
        #expect(try await machine.control("enable", system).status == 1)
        let status = try await machine.control("status")
        #expect(status.output.contains("Not enabled: tried ") && status.output.contains("IOAPIC"), "\(status)")
        #expect(status.output.contains("the hypervisor's last line: Initializing unit: IOAPIC"), "\(status)")
        let json = try await machine.control("status", "--json")
        #expect(json.output.contains("\"refusedEnable\": {\n      \"at\": \"20"), "\(json.output)")
        let report = machine.directory.url.appending(path: "report.html").path
        #expect(try await machine.control("report", "--output", report).status == 0)
        let page = try String(contentsOfFile: report, encoding: .utf8)
        #expect(page.contains("Enable that failed") && page.contains("Initializing unit: IOAPIC"))
        // what the driver refuses next has nothing to do with what the hypervisor said before
        try await machine.inject("command", "enable", "EINVAL")
        let other = try await machine.control("enable", system)
        #expect(other.status == 1 && !(other.errors + other.output).contains("IOAPIC"), "\(other)")
        #expect(try await machine.control("status").output.contains("IOAPIC") == false)
        let again = try await machine.control("enable", system)
        #expect(again.status == 0, "\(again)")
        #expect(try await machine.control("status").output.contains("Not enabled") == false)
    }

    @Test("A cell that fails again and again is given up, until somebody starts it")
    func givenUp() async throws {
        let definition = try Definitions.rtems()
            .replacingOccurrences(of: #"(?m)^delay *=.*$"#, with: #"delay = "1 ms""#, options: .regularExpression)
            .replacingOccurrences(
                of: #"(?m)^limit *=.*$"#, with: #"limit = { attempts = 2, within = "60 s" }"#,
                options: .regularExpression)
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        #expect(try await machine.control("start", "rtems").status == 0)
        for attempt in 1...3 {
            try await machine.inject("rtems", "fail")
            try await eventually("failure \(attempt) is dealt with: \(machine.log)") {
                let cell = try await machine.cell("rtems")
                return attempt == 3
                    ? cell?.condition == "gave-up" : cell?.restarts == attempt && cell?.condition == "running"
            }
        }
        #expect(try await machine.control("reset-failed", "rtems").status == 0)
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.cell("rtems")?.restarts == 0)
    }

    @Test("A lost start is noticed and cured")
    func lostStart() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("create", "rtems").status == 64, "create is no command of its own")
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(try await machine.control("stop", "rtems").status == 0)
        try await machine.inject("rtems", "lose-next-start")
        let started = try await machine.control("start", "rtems")
        #expect(started.status == 0, "\(started)\(machine.log)")
        #expect(machine.log.contains("lost its start"))
        #expect(try await machine.control("stop", "rtems").status == 0, "the inmate answers, so it runs")
    }

    @Test("A cell that would overwrite one that exists is not created")
    func sharedMemory() async throws {
        let rtems = try Definitions.rtems()
        let other = rtems.replacingOccurrences(of: "name = \"rtems\"", with: "name = \"other\"")
            .replacingOccurrences(of: "cpus = [3]", with: "cpus = [2]")
        let machine = try await LiveMachine.start(cells: ["rtems": rtems, "other": other])
        #expect(try await machine.control("start", "rtems").status == 0)
        let refused = try await machine.control("start", "other")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("JH0603"), "\(refused)")
        #expect(try await machine.cell("other")?.id == nil)
        #expect(try await machine.control("destroy", "rtems").status == 0)
        #expect(try await machine.control("start", "other").status == 0, "alone it does no harm")
    }

    @Test("An inmate that denies its shutdown is left running")
    func denied() async throws {
        let definition = try Definitions.rtems()
            .replacingOccurrences(
                of: #"(?m)^stop-timeout *=.*$"#, with: #"stop-timeout = "300 ms""#, options: .regularExpression)
        let machine = try await LiveMachine.start(cells: ["rtems": definition])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await machine.inject("rtems", "deny")
        let stop = try await machine.control("stop", "rtems")
        #expect(stop.status == 1)
        #expect(stop.errors.contains("rejected"))
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(try await machine.control("comm", "rtems").output.contains("denied"))
    }

    @Test("SIGTERM leaves the cell running; a killed daemon's successor adopts it", arguments: [SIGTERM, SIGKILL])
    func daemonGoes(signal: Int32) async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        machine.signalDaemon(signal)
        let ended = try await machine.daemonEnd()
        if signal == SIGTERM { #expect(ended.status == 0) }
        let state = try await Program.run([
            Place.program("jailhouse-sim"), "exec", "--directory",
            machine.directory.url.appending(path: "machine").path, "--", "cat",
            "/sys/devices/jailhouse/cells/1/state",
        ])
        #expect(state.output == "running\n")
    }

    @Test("The hypervisor's console is streamed")
    func console() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let client = try RawClient(machine)
        try client.send(#"{"method":"org.jailhoused.Manager.Console","parameters":{},"more":true}"# + "\0")
        #expect(try await machine.control("start", "rtems").status == 0)
        var text = ""
        while !text.contains(#"Started cell \"rtems\""#) {
            let more = client.text()
            try #require(!more.isEmpty, "\(text)")
            text += more
        }
    }

    @Test("SIGHUP and reload read definitions again: new, changed, broken, gone")
    func reload() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        try machine.write(try Definitions.rtems((#"name = "rtems""#, #"name = "second""#)), toCell: "second")
        machine.signalDaemon(SIGHUP)
        try await eventually("the new cell is known") { try await machine.cell("second")?.condition == "absent" }

        try machine.write(try Definitions.rtems() + "\nrubbish = 1\n", toCell: "rtems")
        let reload = try await machine.control("reload")
        #expect((reload.output + reload.errors).contains("rubbish"))
        #expect(try await machine.cell("rtems")?.condition == "running", "the earlier definition stays in force")
        #expect(try await machine.control("stop", "rtems").status == 0)
    }
}
