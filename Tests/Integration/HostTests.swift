// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `jailhouse-ctl --host`: the command, the bridge and the daemon are the real ones; a script has the place of ssh.
@Suite("Other machines")
struct HostTests {
    /// Seconds that nobody else sleeps.
    private static let muteTime = 86_123

    /// Two simulated machines, and an ssh that leads to them.
    private static func fleet(_ body: (_ run: (String...) async throws -> Ended, [LiveMachine]) async throws -> Void)
        async throws
    {
        let machines = [
            try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()]),
            try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()]),
        ]
        let directory = try TemporaryDirectory()
        let script = directory.url.appending(path: "ssh")
        // ssh's own arguments up to --, then the host, then a line for a shell there
        let cases = machines.enumerated().map {
            "board-\($0.offset)) export JAILHOUSED_SOCKET='\($0.element.directory.url.path)/run/control' ;;"
        }
        try """
        #!/bin/sh
        while [ "$1" != -- ]; do shift; done
        case "$2" in
        \(cases.joined(separator: "\n"))
        mute*) exec sleep \(Self.muteTime) ;;
        *) echo "ssh: Could not resolve hostname $2" >&2; exit 255 ;;
        esac
        shift 2
        [ "$1" = jailhouse-ctl ] && shift
        exec '\(Place.program("jailhouse-ctl"))' "$@"
        """.write(to: directory.url.appending(path: "ssh.text"), atomically: true, encoding: .utf8)
        // by another process: while a child of this one has inherited the file for writing, nobody can execute it (ETXTBSY)
        let installed = try await Program.run(["install", "-m", "755", script.path + ".text", script.path])
        try #require(installed.status == 0, "\(installed.errors)")
        let run = { (arguments: String...) async throws -> Ended in
            try await Program.run(
                [Place.program("jailhouse-ctl")] + arguments, environment: ["JAILHOUSE_SSH": script.path])
        }
        try await body(run, machines)
    }

    @Test("A command works on another machine as it does here")
    func one() async throws {
        try await Self.fleet { run, machines in
            #expect(try await run("--host", "root@board-0", "list").status == 69)
            let started = try await run("--host", "board-0", "start", "rtems")
            #expect(started.status == 0 && started.output.contains("rtems: running"), "\(started.errors)")
            #expect(try await machines[0].cell("rtems")?.condition == "running")
            #expect(try await machines[1].cell("rtems")?.condition == "absent")
            #expect(try await run("status", "rtems", "-H", "board-1").status == 3)
            let missing = try await run("stop", "nothing", "--host=board-0")
            #expect(missing.status == 4 && missing.errors.hasPrefix("jailhouse-ctl: board-0: "), "\(missing.errors)")
        }
    }

    @Test("A shell completes the cells of the host that is named, in front of the command or behind it")
    func completion() async throws {
        let script = try await Program.run([Place.program("jailhouse-ctl"), "--generate-completion-script", "bash"])
        #expect(script.status == 0, "\(script.errors)")
        try await Self.fleet { run, _ in
            for words in [["--host", "board-0", "start"], ["start", "-H", "board-1"]] {
                let asked = try await run(
                    "---completion", "start", "--", "positional@0", "0", "0", "jailhouse-ctl", words[0], words[1],
                    words[2], "")
                #expect(asked.output == "rtems\n", "\(words): \(asked)")
            }
            // bash breaks words at = and @
            for words in [
                ["--host", "board-0", "start"], ["start", "-H", "board-1"], ["--host", "=", "board-0", "start"],
                ["--host", "root", "@", "board-0", "start"], ["--host", "=", "root", "@", "board-0", "start"],
            ] {
                let line = (["jailhouse-ctl"] + words + [""]).map { "'\($0)'" }.joined(separator: " ")
                let shell = try await Program.run(
                    [
                        "bash", "-c",
                        """
                        \(script.output)
                        jailhouse-ctl() { [ "$1" = ---completion ] && echo a-cell; }
                        COMP_WORDS=(\(line)); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
                        COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
                        _jailhouse-ctl jailhouse-ctl '' "${COMP_WORDS[COMP_CWORD - 1]}"
                        echo "${COMPREPLY[@]}"
                        """,
                    ])
                #expect(shell.output.contains("a-cell"), "\(words): \(shell)")
            }
        }
    }

    @Test("Several are side by side, and one that cannot be reached hides none of the others")
    func several() async throws {
        try await Self.fleet { run, machines in
            let started = try await run("--host", "board-1", "start", "rtems")
            #expect(started.status == 0, "\(started.errors)")
            let list = try await run("--host", "board-0,board-1", "list")
            let rows = list.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(rows.count == 3 && rows[0].starts(with: ["HOST", "CELL"]), "\(list.output)\(list.errors)")
            #expect(rows[1].starts(with: ["board-0", "rtems"]) && rows[2].starts(with: ["board-1", "rtems", "1"]))
            let json = try await run("list", "--json", "--host", "board-0", "--host", "board-1")
            #expect(json.output.contains(#""host": "board-1""#))
            // each answer is a line of its own, and so is what cannot be answered
            let status = try await run("status", "--json", "--host", "board-0,nowhere,board-1")
            let lines = try status.output.split(separator: "\n").map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
            #expect(lines.map { $0?["host"] as? String } == ["board-0", "nowhere", "board-1"], "\(status.output)")
            #expect(lines.map { $0?["reply"] != nil } == [true, false, true] && lines[1]?["error"] is String)
            #expect(status.status == 69)

            let without = try await Program.run(
                [Place.program("jailhouse-ctl"), "--host", "board-0", "list"],
                environment: ["JAILHOUSE_SSH": "", "PATH": "/nowhere"])
            #expect(without.status == 69 && without.errors.contains("apt install openssh-client"), "\(without)")
            let partial = try await run("--host", "board-0,nowhere,board-1", "list")
            #expect(partial.status == 69)
            #expect(partial.errors.contains("nowhere") && partial.output.contains("board-1"))

            let start = ContinuousClock.now
            let mute = try await run("--host", "mute,board-1,mute2", "list")
            #expect(mute.status == 69 && mute.output.contains("board-1") && mute.errors.contains("mute: "), "\(mute)")
            // what is waited for once is not waited for again
            #expect(ContinuousClock.now - start < .seconds(45))
            // the next host has its turn
            let restarted = try await run("--host", "mute,board-1", "restart", "rtems")
            #expect(restarted.status == 69 && restarted.output.contains("rtems: running"), "\(restarted)")
            let left = try await Program.run(["pgrep", "-f", "sleep \(Self.muteTime)"])
            #expect(left.status == 1, "\(left.output)")

            let metrics = try await run("--host", "board-1", "metrics")
            #expect(metrics.status == 0 && metrics.output.contains("jailhouse_up 1"), "\(metrics.errors)")
            #expect(try await run("metrics", "-H", "nowhere").output.contains("jailhouse_up 0"))
            let twice = try await run("--host", "board-0,board-1", "metrics")
            #expect(twice.status == 64 && twice.output.isEmpty && twice.errors.contains("metrics"), "\(twice)")
            for line in [["bundle", "install", "x"], ["bundle", "rollback"], ["report"], ["linux", "a", "b"]] {
                let ended = try await Program.run([Place.program("jailhouse-ctl")] + line + ["-H", "board-1"])
                #expect(ended.status == 64 && ended.errors.contains("machine"), "\(line): \(ended)")
                let help = try await Program.run([Place.program("jailhouse-ctl")] + line + ["--help"])
                #expect(!help.output.contains("--host"), "\(line)")
            }

            let stopped = try await run("--host", "board-0,board-1", "stop", "rtems")
            #expect(stopped.output.contains("board-0:\n") && stopped.output.contains("board-1:\nrtems: stopped"))
            #expect(try await machines[1].cell("rtems")?.condition == "stopped")
            #expect(try await run("--host", "board-0,board-1", "watch").status == 64)
            #expect(try await run("--host", "-oProxyCommand=x", "list").status == 64)
        }
    }
}
