import ArgumentParser
import Simulator

@main
struct JailhouseSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jailhouse-sim",
        abstract: "A simulated machine with Jailhouse, for programs that use /dev/jailhouse.",
        discussion: """
            jailhouse-sim serve &
            jailhouse-sim exec -- jailhouse enable q35.system
            jailhouse-sim inject rtems fail
            """,
        subcommands: [
            Serve.self, Run.self, Exec.self, ConsoleCommand.self, Inject.self, State.self, Thaw.self, Linux.self,
        ]
    )
}

/// Where the machine is.
struct MachineOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The machine's directory.",
            discussion: """
                Default: $JAILHOUSE_SIM_DIRECTORY, else /run/jailhouse-sim for root and \
                $XDG_RUNTIME_DIR/jailhouse-sim for others.
                """, valueName: "directory"))
    var directory: String?

    var path: String {
        get throws(SimulatorError) {
            if let directory { return directory }
            return try MachineDirectory.standard()
        }
    }
}
