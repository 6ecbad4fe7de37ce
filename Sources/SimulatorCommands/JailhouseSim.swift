// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ControlInterface
import Glibc
import Simulator

package struct JailhouseSim: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "jailhouse-sim",
        abstract: "A simulated machine with Jailhouse, for programs that use /dev/jailhouse.",
        discussion: """
            jailhouse-sim serve &
            jailhouse-sim exec -- jailhouse enable q35.system
            jailhouse-sim inject rtems fail
            """,
        version: Product.version,
        subcommands: [
            Serve.self, Run.self, Exec.self, ConsoleCommand.self, Debug.self, Inject.self, State.self, Thaw.self,
            Linux.self,
        ]
    )

    package init() {}

    package static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        JailhouseSim.takeDirectory(of: &arguments)
        main(arguments)
    }

    /// `inject --directory D program …`: an option in front of a subcommand would be the default subcommand's.
    private static func takeDirectory(of arguments: inout [String]) {
        guard let first = arguments.first, ["inject", "linux"].contains(first), arguments.count >= 3 else { return }
        let option = arguments[1]
        if option == "-d" || option == "--directory" {
            setenv("JAILHOUSE_SIM_DIRECTORY", arguments[2], 1)
            arguments.removeSubrange(1...2)
        } else if option.hasPrefix("--directory=") {
            setenv("JAILHOUSE_SIM_DIRECTORY", String(option.dropFirst("--directory=".count)), 1)
            arguments.remove(at: 1)
        }
    }
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
