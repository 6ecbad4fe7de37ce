// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import CellConfiguration
import ControlInterface

package struct JailhouseCtl: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "jailhouse-ctl",
        abstract: "Query and control the cells of the Jailhouse hypervisor through jailhoused.",
        discussion: """
            Exit status: 0 done; 1 refused or failed; 3 'status' of a cell that is not running; 4 no such cell; \
            5 'status' of a cell with a failed CPU; 6 'status' of a cell that gives no sign of life; 64 wrong usage; 69 no daemon.

            With --json, times are RFC 3339 strings in UTC with milliseconds, keys are in alphabetical order, \
            and values that do not apply are null. Colour is used on a terminal only, and not if NO_COLOR is set.

            With --host, in front of a command or behind it, the command is about another machine, which has to have \
            jailhouse-ctl and is reached through ssh ($JAILHOUSE_SSH names another program). With several hosts, it is \
            done on one after the other; with --json, each host's answer is then a line of its own, an object with host \
            and reply, or host and error; that of 'list' is one array.

            Example: jailhouse-ctl start rtems && jailhouse-ctl status rtems
            Example: jailhouse-ctl --host root@board-1 restart rtems
            """,
        version: Product.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Query",
                subcommands: [
                    List.self, Status.self, Failures.self, Report.self, Top.self, Comm.self, ConsoleCommand.self,
                    Watch.self,
                    Wait.self, MetricsCommand.self,
                ]),
            CommandGroup(
                name: "Cell",
                subcommands: [
                    Start.self, Stop.self, Restart.self, Destroy.self, LinuxCommand.self, Attach.self, ResetFailed.self,
                    Alive.self, CheckAlive.self,
                ]),
            CommandGroup(name: "Machine", subcommands: [Enable.self, Disable.self, ShutDownAll.self, Reload.self]),
            CommandGroup(
                name: "File",
                subcommands: [
                    Bridge.self, BundleCommand.self, Compile.self, Decompile.self, Schema.self, Check.self,
                    Explain.self, Map.self,
                    Probe.self,
                    NewCell.self, DeviceTreeCommand.self,
                ]),
        ]
    )

    package static let _errorPrefix = "jailhouse-ctl: "

    package init() {}

    package static func main() {
        do {
            let line = HostWords(Array(CommandLine.arguments.dropFirst()))
            if line.words.contains(where: { $0.hasPrefix("--generate-completion-script") }) {
                return try CompletionScript.show(line.words)
            }
            if line.hosts.count > 1, line.words.first != List._commandName { return try onEach(line) }
            if line.hosts.isEmpty, try runPlain(line.words) { return }
            var command = try command(of: line.argumentsForAll)
            try command.run()
        } catch let failure as CommandFailure {
            failure.end()
        } catch {
            exit(withError: error)
        }
    }

    /// Runs a command on one host after the other, with the host's name above its output. What fails on one is done on
    /// the others all the same; the exit status is the first one that is not 0.
    private static func onEach(_ line: HostWords) throws {
        let endless = [Watch._commandName, Top._commandName, Attach._commandName]
        if let command = line.words.first, endless.contains(command) || line.words.contains("--follow") {
            throw CommandFailure(.wrongUsage, "'\(command)' follows one host, and \(line.hosts.count) are given")
        }
        if line.words.first == MetricsCommand._commandName {
            throw CommandFailure(
                .wrongUsage, "'metrics' are those of one machine, and \(line.hosts.count) are given: a file for each")
        }
        let json = line.words.contains("--json")
        let screen = Screen(json: json, style: .ofStandardOutput)
        var status: Int32 = 0
        for host in line.hosts {
            if !json { try screen.show(screen.style("\(host):", .bold)) }
            do {
                var command = try command(of: line.arguments(for: host))
                try command.run()
            } catch let failure as CommandFailure {
                failure.tell()
                if json { try screen.showLine(HostFailure(host: host, error: failure.message), text: "") }
                if status == 0 { status = failure.status.rawValue }
            } catch let code as ExitCode {
                if status == 0 { status = code.rawValue }
            }
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// Runs what is asked most if it is asked without any option: there is nothing to parse then, and the parser takes
    /// longer than the command.
    ///
    /// - Returns: whether it was that.
    private static func runPlain(_ words: [String]) throws -> Bool {
        let daemon = Daemon(socket: nil, host: [])
        let screen = Screen(json: false, style: .ofStandardOutput)
        switch words {
        case ["list"]: try List.show(of: daemon, on: screen)
        case ["status"]: try Status.showAll(of: daemon, on: screen, isRemote: false)
        default: return false
        }
        return true
    }

    /// What scripts run again and again. The parser makes a tree of all commands for each command line, which takes
    /// longer than these do.
    static func quickCommand(_ name: String) -> (any ParsableCommand.Type)? {
        switch name {
        case "check": Check.self
        case "check-alive": CheckAlive.self
        case "comm": Comm.self
        case "explain": Explain.self
        case "list": List.self
        case "metrics": MetricsCommand.self
        case "restart": Restart.self
        case "start": Start.self
        case "status": Status.self
        case "stop": Stop.self
        case "wait": Wait.self
        default: nil
        }
    }

    /// - Parameter arguments: without the program's name.
    private static func command(of arguments: [String]) throws -> any ParsableCommand {
        let quick = arguments.first.flatMap(quickCommand)
        // what it cannot read is a mistake or asks for help, which the tree has
        if let command = try? quick?.parse(Array(arguments.dropFirst())) { return command }
        do {
            // a negative number would be taken for an option
            let isQuestion = arguments.first == Explain._commandName
            return try parseAsRoot(
                isQuestion ? arguments.map { Int($0).map { String($0.magnitude) } ?? $0 } : arguments)
        } catch {
            try refuseUnknownCommand(arguments.first)
            throw error
        }
    }

    /// The parser would call it an unexpected argument, without saying which one was meant.
    private static func refuseUnknownCommand(_ word: String?) throws {
        let commands = configuration.subcommands.map { $0._commandName } + ["help"]
        guard let word, !word.hasPrefix("-"), !commands.contains(word) else { return }
        let question = nearestWord(to: word, among: commands).map { "did you mean '\($0)'?" }
        throw CommandFailure(
            .wrongUsage, "there is no command '\(word)'; \(question ?? "for all of them: jailhouse-ctl --help")")
    }
}
