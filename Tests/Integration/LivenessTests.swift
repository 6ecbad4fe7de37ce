// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-x86_64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// Running is not alive: signs of life of cells, below the real daemon.
@Suite("Liveness", .serialized) struct LivenessTests {
    private func mute(_ supervision: String) throws -> String {
        try Definitions.shipped(
            "misbehave",
            [
                ("mode=port-read", "mode=mute console=virtual"), ("cpus = \"2-3\"", "cpus = [3]"),
                ("restart = \"never\"", supervision),
            ])
    }

    private struct Status: Decodable {
        var vmExits: Int
    }

    private func exits(_ machine: LiveMachine) async throws -> Int {
        let status = try await machine.control("status", "misbehave", "--json").output
        return try JSONDecoder().decode(Status.self, from: Data(status.utf8)).vmExits
    }

    /// A number of a Varlink reply.
    private func number(_ key: String, in reply: String) throws -> Int {
        let tail = try #require(reply.split(separator: "\"\(key)\":").dropFirst().first, "\(reply)")
        return try #require(Int(tail.prefix { $0.isNumber }))
    }

    @Test("The end of an earlier run, told late, ends no later one")
    func endOfAnEarlierRun() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("start", "rtems").status == 0)
        func call(_ method: String, _ parameters: String) throws -> String {
            let client = try RawClient(machine)
            try client.send(
                #"{"method":"org.jailhoused.Manager.\#(method)","parameters":{"cell":"rtems"\#(parameters)}}"# + "\0")
            return client.text()
        }
        let earlier = try number("life", in: try call("Describe", ""))
        #expect(try await machine.control("restart", "rtems").status == 0)
        let present = try number("life", in: try call("Describe", ""))
        #expect(earlier != present)
        let late = try call("Alive", #","ended":"shutdown","life":\#(earlier)"#)
        #expect(late.contains("earlier run"), "\(late)")
        #expect(try await machine.cell("rtems")?.condition == "running")
        _ = try call("Alive", #","ended":"shutdown","life":\#(present)"#)
        try await eventually("it is stopped: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "stopped"
        }
    }

    @Test(
        "A program that works and prints no more: silent, though its VM exits grow",
        .enabled(if: canExecute, "QEMU runs the cells"))
    func console() async throws {
        let machine = try await LiveMachine.start(
            cells: [
                "misbehave": try mute(
                    "restart = \"never\"\nliveness = { kind = \"console\", within = \"3 s\", after-start = \"1 min\", contains = \"beat \" }"
                )
            ], simulator: ["--cells", "execute", "--timing", "none"])
        #expect(try await machine.control("start", "misbehave").status == 0)
        try await eventually("it is silent: \(machine.log)", within: .seconds(60)) {
            try await machine.cell("misbehave")?.condition == "silent"
        }
        let status = try await machine.control("status", "misbehave")
        #expect(status.status == 6)
        #expect(status.output.contains("Liveness: console within 3s; last sign"), "\(status.output)")
        #expect(try await machine.cell("misbehave")?.state == "running")
        let exits = try await exits(machine)
        try await eventually("it goes on making exits") { try await self.exits(machine) > exits }
        // somebody who knows better
        let alive = try await machine.control("alive", "misbehave")
        #expect(alive.status == 0 && alive.output == "misbehave: running\n", "\(alive)")
        try await eventually("it is silent again: \(machine.log)", within: .seconds(60)) {
            try await machine.cell("misbehave")?.condition == "silent"
        }
        try await machine.killDaemon()
        #expect(try await machine.cell("misbehave")?.condition == "silent")
        #expect(try await machine.control("stop", "misbehave").status == 0)
    }

    @Test(
        "The same is restarted where the policy says so, and given up", .enabled(if: canExecute, "QEMU runs the cells"))
    func restarted() async throws {
        let machine = try await LiveMachine.start(
            cells: [
                "misbehave": try mute(
                    """
                    restart = "on-failure"
                    delay = "1 ms"
                    limit = { attempts = 1, within = "60 s" }
                    liveness = { kind = "console", within = "2 s", after-start = "1 min", contains = "beat " }
                    """)
            ], simulator: ["--cells", "execute", "--timing", "none"])
        #expect(try await machine.control("start", "misbehave").status == 0)
        try await eventually("it is given up: \(machine.log)", within: .seconds(90)) {
            try await machine.cell("misbehave")?.condition == "gave-up"
        }
        let failures = try await machine.control("failures", "misbehave").output
        #expect(failures.contains("it gave no sign of life"), "\(failures)")
        #expect(try await machine.cell("misbehave")?.restarts == 1)
    }

    @Test("Signs from outside: as long as somebody calls Alive, the cell is not silent")
    func external() async throws {
        let rule = "restart-silent = false\nliveness = { kind = \"external\", within = \"5 s\" }\nrestart = "
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems(("\nrestart = ", "\n" + rule))])
        #expect(try await machine.control("alive", "rtems").output.contains("the cell does not run"))
        #expect(try await machine.control("start", "rtems").status == 0)
        for _ in 0..<8 {
            #expect(try await machine.control("alive", "rtems").status == 0)
            #expect(try await machine.cell("rtems")?.condition == "running")
            try await Task.sleep(for: .milliseconds(300))
        }
        try await eventually("it is silent") { try await machine.cell("rtems")?.condition == "silent" }
        #expect(machine.log.contains("it runs, and has given no sign of life for 5.0 s"))
        // calls that succeed are not logged
        #expect(!machine.log.contains("Alive"))
        let command = "\(Place.program("jailhouse-ctl")) alive rtems --each-line --containing beat"
        let lines = try await Program.run(
            ["/bin/sh", "-c", "printf 'nothing\\nbeat 1\\n' | \(command)"],
            environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path])
        #expect(lines.status == 0, "\(lines)")
        try await eventually("it speaks again: \(machine.log)") {
            machine.log.contains("it gives signs of life again")
        }
        #expect(try await machine.control("alive", "nobody").status == 4)
    }

    @Test(
        "A heartbeat in shared memory: while it beats, and when it has stopped",
        .enabled(if: canExecute, "QEMU runs the cells"))
    func heartbeat() async throws {
        let rule =
            "restart = \"never\"\nliveness = { kind = \"heartbeat\", address = 0x3a901000, within = \"3 s\", "
            + "after-start = \"1 min\", every = \"300 ms\" }"
        let machine = try await LiveMachine.start(
            cells: [
                "heartbeat-a": try Definitions.shipped(
                    "heartbeat-a",
                    [
                        ("restart = \"never\"", rule),
                        (
                            "heartbeat.exe\"",
                            "heartbeat.exe\"\ncommand-line = \"forever\"\ncommand-line-address = 0x1000"
                        ),
                    ])
            ], simulator: ["--cells", "execute", "--timing", "none"])
        #expect(try await machine.control("start", "heartbeat-a").status == 0)
        let memory = machine.directory.url.appending(path: "machine/memory").path
        let follower = try machine.follow("check-alive", "heartbeat-a", "--follow", "--memory", memory)
        try await eventually("it beats: \(follower.output)\(follower.errors)") {
            follower.output.contains("heartbeat-a: alive\n")
        }
        #expect(try await machine.cell("heartbeat-a")?.condition == "running")
        try await machine.inject("heartbeat-a", "hang")
        try await eventually("it is silent: \(machine.log)\(follower.output)") {
            try await machine.cell("heartbeat-a")?.condition == "silent"
        }
        #expect(follower.output.contains("no sign of life: the word at 0x3a901000 stays"), "\(follower.output)")
    }

    @Test(
        "A command that fails: silent after the time of the rule; one that nobody runs is said, and holds nothing against the cell"
    )
    func command() async throws {
        let rule =
            "restart-silent = false\nliveness = { kind = \"command\", command = [\"/usr/bin/test\", \"-e\", \"MARK\"], "
            + "within = \"2 s\", every = \"100 ms\" }\nrestart = "
        let directory = try TemporaryDirectory()
        let mark = directory.url.appending(path: "mark")
        try Data().write(to: mark)
        let machine = try await LiveMachine.start(
            cells: [
                "rtems": try Definitions.rtems(
                    ("\nrestart = ", "\n" + rule.replacingOccurrences(of: "MARK", with: mark.path)))
            ])
        #expect(try await machine.control("start", "rtems").status == 0)
        try await eventually("that nobody looks is said") {
            try await machine.control("status", "rtems").output.contains("systemctl start jailhouse-check@rtems")
        }
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(try await machine.control("check-alive", "rtems").output == "rtems: alive\n")
        try FileManager.default.removeItem(at: mark)
        let follower = try machine.follow("check-alive", "rtems", "--follow")
        try await eventually("it is silent: \(machine.log)") {
            try await machine.cell("rtems")?.condition == "silent"
        }
        #expect(
            follower.output.contains("rtems: no sign of life: the command /usr/bin/test exited with status 1"),
            "\(follower.output)")
        let failure = try await machine.control("failures", "rtems", "1").output
        #expect(failure.contains("liveness \"command\" within 2.0 s; its last sign was "), "\(failure)")
        #expect(failure.contains("the command /usr/bin/test exited with status 1"), "\(failure)")
        #expect(machine.log.contains("no sign of life for 2.0 s; liveness \"command\""), "\(machine.log)")
        try Data().write(to: mark)
        try await eventually("it is alive again") { try await machine.cell("rtems")?.condition == "running" }
    }

    @Test(
        "A cell that prints on COM1, whose lines somebody copies to a file: while it prints, and when it hangs",
        .enabled(if: canExecute, "QEMU runs the cells"))
    func serialLine() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.url.appending(path: "com1").path
        try Data().write(to: URL(filePath: file))
        let rule =
            "restart-silent = false\nliveness = { kind = \"console\", contains = \"rtems: \", file = \"\(file)\", "
            + "within = \"3 s\", after-start = \"1 min\", every = \"300 ms\" }\nrestart = "
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems(("\nrestart = ", "\n" + rule))],
            simulator: ["--cells", "execute", "--timing", "none"])
        #expect(try await machine.control("start", "rtems").status == 0)
        let simulated = machine.directory.url.appending(path: "machine").path
        let copy = try Program([
            "/bin/sh", "-c",
            "exec \(Place.program("jailhouse-sim")) console --directory \(simulated) rtems </dev/null >\(file)",
        ])
        let follower = try machine.follow("check-alive", "rtems", "--follow")
        try await eventually("it prints: \(follower.output)\(follower.errors)\(copy.errors)") {
            follower.output.contains("rtems: alive\n")
        }
        try await machine.inject("rtems", "hang")
        try await eventually("it is silent: \(machine.log)\(follower.output)") {
            try await machine.cell("rtems")?.condition == "silent"
        }
        let failure = try await machine.control("failures", "rtems", "1").output
        #expect(failure.contains("no line with \"rtems: \" on \(file); the last line was \"rtems: "), "\(failure)")
    }

    /// In a network namespace of its own: most machines let nobody ping but programs with a right of their own.
    @Test(
        "A ping that is answered, and one that nobody may send", .enabled(if: geteuid() == 0, "root makes a namespace"))
    func ping() async throws {
        let rule = "liveness = { kind = \"probe\", target = \"icmp://127.0.0.1\", within = \"5 s\" }\nrestart = "
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems(("\nrestart = ", "\n" + rule))])
        #expect(try await machine.control("start", "rtems").status == 0)
        func check(_ groups: String) async throws -> Ended {
            let command = Place.programs.appending(path: "jailhouse-ctl").path + " check-alive rtems"
            let prepare = "ip link set lo up; echo '\(groups)' >/proc/sys/net/ipv4/ping_group_range"
            return try await Program.run(
                ["unshare", "--net", "sh", "-c", "\(prepare); exec \(command)"],
                environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path])
        }
        let answered = try await check("0 1000")
        #expect(answered.status == 0 && answered.output == "rtems: alive\n", "\(answered)")
        let forbidden = try await check("1 0")
        #expect(
            forbidden.status == 1 && (forbidden.output + forbidden.errors).contains("ping_group_range"), "\(forbidden)")
    }
}
