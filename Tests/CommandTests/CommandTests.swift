// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Foundation
import SystemCalls
import Testing

@testable import Commands

/// The real executable against a scripted daemon.
struct CommandTests {
    private func run(_ daemon: ScriptedDaemon, _ arguments: String...) throws -> Executable.Outcome {
        try Executable.run(arguments + ["--socket", daemon.socket])
    }

    @Test func list() throws {
        let daemon = try ScriptedDaemon([Samples.cell(), Samples.absent])
        let outcome = try run(daemon, "list")
        #expect(outcome.status == 0)
        #expect(outcome.error == "")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == "CELL        ID  STATE    CONDITION  CPUS  RESTARTS  SINCE")
        #expect(lines[1].hasPrefix("rtems       1   running  running    3     1         "))
    }

    @Test func listAsJSON() throws {
        let daemon = try ScriptedDaemon([Samples.cell(), Samples.absent])
        let outcome = try run(daemon, "list", "--json")
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        let cells = try #require(json)
        #expect(
            Set(cells[1].keys)
                == ["name", "id", "state", "condition", "cpus", "failedCpus", "restarts", "since"])
        #expect(cells[1]["id"] is NSNull)
        #expect(cells[0]["since"] as? String == "2026-11-22T08:41:12.345Z")
    }

    @Test func theEnvironmentNamesTheSocket() throws {
        let daemon = try ScriptedDaemon([])
        let outcome = try Executable.run(["list"], environment: ["JAILHOUSED_SOCKET": daemon.socket])
        #expect(outcome == .init(status: 0, output: "no cells: none is defined, and none exists\n", error: ""))
        let overridden = try Executable.run(
            ["list", "--socket", "/nowhere"], environment: ["JAILHOUSED_SOCKET": daemon.socket])
        #expect(overridden.status == 69)
    }

    @Test(arguments: ["start", "stop", "restart", "destroy"])
    func changesOfACell(verb: String) throws {
        let daemon = try ScriptedDaemon([Samples.cell()])
        #expect(try run(daemon, verb, "rtems") == .init(status: 0, output: "rtems: running, id 1\n", error: ""))
        let name = verb.prefix(1).uppercased() + verb.dropFirst()
        #expect(daemon.calls.map(\.method) == ["org.jailhoused.Manager.\(name)"])
        let unknown = try run(daemon, verb, "rtms")
        #expect(
            unknown
                == .init(
                    status: 4, output: "",
                    error: "jailhouse-ctl: there is no cell 'rtms'; did you mean 'rtems'?\n"))
    }

    @Test func statusOfACell() throws {
        let daemon = try ScriptedDaemon([Samples.cell(), Samples.absent])
        let running = try run(daemon, "status", "rtems")
        #expect(running.status == 0)
        #expect(running.output.hasPrefix("● rtems\n"))
        let absent = try run(daemon, "status", "linux-demo")
        #expect(absent.status == 3)
        #expect(absent.output.hasPrefix("○ linux-demo\n"))
        #expect(absent.error == "")
        #expect(try run(daemon, "status", "linux-demo", "--json").status == 3)
        #expect(try run(daemon, "status", "nothing").status == 4)
        #expect(try run(daemon, "status").status == 0)
    }

    @Test func enableMakesThePathAbsolute() throws {
        let daemon = try ScriptedDaemon([])
        let outcome = try run(daemon, "enable", "configs/q35.toml")
        let path = FileManager.default.currentDirectoryPath + "/configs/q35.toml"
        #expect(outcome == .init(status: 0, output: "the hypervisor is enabled with \(path)\n", error: ""))
        let call = try #require(daemon.calls.first)
        #expect(try call.parameters(of: Manager.Enable.self).configuration == path)
    }

    @Test func machineCommands() throws {
        let daemon = try ScriptedDaemon([])
        #expect(try run(daemon, "enable").output == "the hypervisor is enabled with /etc/jailhoused/q35.toml\n")
        #expect(try run(daemon, "disable").output == "the hypervisor is disabled\n")
        #expect(try run(daemon, "reload").output == "nothing changed\n")
        #expect(try run(daemon, "reset-failed") == .init(status: 0, output: "", error: ""))
        #expect(try run(daemon, "reset-failed", "--json").output == "[]\n")
    }

    @Test func reloadWithProblems() throws {
        let daemon = try ScriptedDaemon { _ in
            .reply(Manager.Reload.self, .init(added: ["a"], problems: ["b.toml: unknown key 'cels'"]))
        }
        #expect(
            try run(daemon, "reload")
                == .init(
                    status: 1, output: "added: a\n",
                    error: "jailhouse-ctl: 1 definition refused:\n  b.toml: unknown key 'cels'\n"))
    }

    @Test func comm() throws {
        let daemon = try ScriptedDaemon([Samples.cell()])
        let outcome = try run(daemon, "comm", "rtems")
        #expect(outcome.output.contains("Address: 0x900000 in the cell\n"))
        let json = try JSONSerialization.jsonObject(
            with: Data(try run(daemon, "comm", "rtems", "--json").output.utf8))
        #expect((json as? [String: Any])?["address"] as? Int == 0x900000)
    }

    @Test func watch() throws {
        let daemon = try ScriptedDaemon { _ in
            .stream([
                Samples.change("running", kind: "current"), Samples.change("failed", previous: "running", message: "m"),
            ])
        }
        let outcome = try run(daemon, "watch", "rtems")
        #expect(outcome.output == "08:41:12.345  rtems  running\n08:41:12.345  rtems  running → failed  m\n")
        #expect(outcome.status == 69)
        #expect(outcome.error.contains("the daemon closed the connection"))
        let call = try #require(daemon.calls.first)
        #expect(call.more)
        let json = try run(daemon, "watch", "--json").output.split(separator: "\n")
        #expect(json.count == 2)
        #expect(json[1].contains(#""previous":"running""#))
    }

    @Test func refusal() throws {
        let daemon = try ScriptedDaemon { _ in
            .error(
                .commandFailed(
                    cell: "rtems", command: "create", errno: 16, errnoName: "EBUSY",
                    message: "cannot create cell 'rtems': CPU 3 is taken\u{1b}]0;x\u{7}"))
        }
        let outcome = try run(daemon, "start", "rtems")
        #expect(outcome.status == 1 && outcome.output.isEmpty)
        // where this user may not read the kernel's log, that follows
        #expect(
            outcome.error.hasPrefix("jailhouse-ctl: cannot create cell 'rtems': CPU 3 is taken\\x1b]0;x\\x07\n"),
            "\(outcome.error)")
    }

    @Test func answersThatMakeNoSense() throws {
        for message in ["nonsense\0", "{}\0", #"{"error":"a.b"}"# + "\0"] {
            let daemon = try ScriptedDaemon { _ in .init(messages: [Array(message.utf8)]) }
            let outcome = try run(daemon, "list")
            #expect(outcome.status == 1)
            #expect(outcome.error.hasPrefix("jailhouse-ctl: invalid reply from the daemon: "))
        }
    }

    @Test func daemonOfAnotherVersion() throws {
        let daemon = try ScriptedDaemon { call in
            .init(messages: [VarlinkReply.message(ServiceError.methodNotFound(method: call.method))])
        }
        let outcome = try run(daemon, "list")
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("another version"))
    }

    @Test func noDaemon() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let missing = try Executable.run(["list", "--socket", directory + "/none"])
        #expect(missing.status == 69)
        #expect(
            missing.error
                == "jailhouse-ctl: cannot reach the daemon: there is no socket \(directory)/none; "
                + "is that the socket of a running jailhoused?\n")
        _ = try SystemCall.listen(onSocket: directory + "/dead", mode: 0o600)
        let dead = try Executable.run(["stop", "x"], environment: ["JAILHOUSED_SOCKET": directory + "/dead"])
        #expect(dead.status == 69)
        #expect(dead.error.contains("no process is listening"))
    }

    @Test func noPermission() {
        // root may connect to everything, so the sentence alone
        let failure = CommandFailure(.notPermitted(path: Daemon.controlSocket), socketWasChosen: false)
        #expect(failure.status == .failed)
        #expect(
            failure.message.hasPrefix("permission denied: you are not in group jailhouse-admin; "),
            "\(failure.message)")
    }

    @Test func daemonThatHangsUp() throws {
        let daemon = try ScriptedDaemon { _ in .init(messages: [], hangsUp: true) }
        #expect(try run(daemon, "list").status == 69)
    }

    @Test(arguments: [
        ["frobnicate"], ["start"], ["start", "a", "b"], ["list", "--jsn"], ["list", "extra"], ["status", "--socket"],
        ["comm"], ["attach"], ["compile"], ["decompile"], ["check"],
    ])
    func wrongUsage(arguments: [String]) throws {
        let outcome = try Executable.run(arguments)
        #expect(outcome.status == 64, "\(arguments)")
        #expect(outcome.error.hasPrefix("jailhouse-ctl: "), "\(outcome.error)")
        #expect(outcome.output == "")
    }

    @Test func commandsThatNeedNoTreeAreThoseOfTheTree() {
        let quick = JailhouseCtl.configuration.subcommands.filter { command in
            guard let found = JailhouseCtl.quickCommand(command._commandName) else { return false }
            let isTheSame = found == command
            #expect(isTheSame, "\(command)")
            return true
        }
        #expect(quick.count == 11)
    }

    /// A command whose name is made from its type's costs each command line a search through all of the program's types.
    @Test func eachCommandSaysItsName() {
        func look(at command: any ParsableCommand.Type) {
            #expect(command.configuration.commandName != nil, "\(command)")
            for each in command.configuration.subcommands { look(at: each) }
        }
        look(at: JailhouseCtl.self)
    }

    @Test(arguments: ["list", "status"])
    func withoutOptionsAsWithThem(command: String) throws {
        let daemon = try ScriptedDaemon([Samples.cell(), Samples.absent])
        let plain = try Executable.run([command], environment: ["JAILHOUSED_SOCKET": daemon.socket])
        #expect(plain.status == 0)
        #expect(plain == (try Executable.run([command, "--socket", daemon.socket])))
        #expect(try Executable.run([command], environment: ["JAILHOUSED_SOCKET": "/nowhere/control"]).status == 69)
    }

    @Test func helpAndVersion() throws {
        for command in JailhouseCtl.configuration.subcommands {
            let name = try #require(command._commandName as String?)
            let outcome = try Executable.run([name, "--help"])
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("Example: jailhouse-ctl \(name)"), "\(name)")
        }
        #expect(try Executable.run(["--version"]) == .init(status: 0, output: "\(Product.version)\n", error: ""))
    }

    @Test func fullDisk() throws {
        let daemon = try ScriptedDaemon([])
        let outcome = try Executable.run(["list", "--socket", daemon.socket], output: "/dev/full")
        #expect(outcome.status == 1)
        #expect(outcome.error == "jailhouse-ctl: cannot write to standard output: No space left on device\n")
    }
}
