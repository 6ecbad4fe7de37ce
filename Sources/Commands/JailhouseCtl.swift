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
            5 'status' of a cell with a failed CPU; 64 wrong usage; 69 no daemon.

            With --json, times are RFC 3339 strings in UTC with milliseconds, keys are in alphabetical order, \
            and values that do not apply are null. Colour is used on a terminal only, and not if NO_COLOR is set.

            Example: jailhouse-ctl start rtems && jailhouse-ctl status rtems
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
                    Start.self, Stop.self, Restart.self, Destroy.self, Attach.self, ResetFailed.self,
                ]),
            CommandGroup(name: "Machine", subcommands: [Enable.self, Disable.self, ShutDownAll.self, Reload.self]),
            CommandGroup(
                name: "File",
                subcommands: [
                    Compile.self, Decompile.self, Schema.self, Check.self, Explain.self, Map.self, Probe.self,
                    NewCell.self,
                ]),
        ]
    )

    package static let _errorPrefix = "jailhouse-ctl: "

    package init() {}

    package static func main() {
        do {
            try refuseUnknownCommand(CommandLine.arguments.dropFirst().first)
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            failure.end()
        } catch {
            exit(withError: error)
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
