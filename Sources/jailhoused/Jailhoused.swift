// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Daemon

/// The daemon.
@main
struct Jailhoused: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jailhoused",
        abstract: "Supervise the cells of the Jailhouse hypervisor: start, watch and restart them.",
        discussion: """
            Reads jailhoused.toml and cells/*.toml, enables the hypervisor if a system is configured, starts the cells \
            with autostart, adopts those that run, and answers jailhouse-ctl. SIGHUP reloads the definitions; on \
            SIGTERM it exits and leaves the cells running.

            Example: jailhoused --check --configuration /etc/jailhoused
            """,
        version: DaemonProgram.version)

    @Flag(help: "Check the configuration and exit (0: valid, 1: errors).")
    var check = false

    @Flag(
        help: """
            Stop all cells that can be stopped and disable the hypervisor, through the daemon or, if none is running, \
            directly. Print what is left and exit (0: nothing is left, 1: otherwise). For the end of the machine: a \
            daemon that starts afterwards in the same boot begins as after a boot.
            """)
    var shutDownAll = false

    @Option(help: ArgumentHelp("Time limit of --shut-down-all, 1 to 600.", valueName: "seconds"))
    var within = 30

    @Option(help: ArgumentHelp("The directory of jailhoused.toml and cells/.", valueName: "directory"))
    var configuration = "/etc/jailhoused"

    @Option(help: ArgumentHelp("The directory of the sockets and the state file.", valueName: "directory"))
    var runtime = "/run/jailhoused"

    @Flag(help: "Log debug messages.")
    var verbose = false

    func validate() throws {
        guard (1...600).contains(within) else { throw ValidationError("--within must be from 1 to 600.") }
    }

    func run() async throws {
        let program = DaemonProgram(configuration: configuration, runtime: runtime, verbose: verbose)
        if check {
            guard program.check() else { throw ExitCode.failure }
        } else if shutDownAll {
            guard await program.shutDownAll(within: .seconds(within)) else { throw ExitCode.failure }
        } else {
            do {
                try await program.run()
            } catch is StartError {
                throw ExitCode.failure
            }
        }
    }
}
