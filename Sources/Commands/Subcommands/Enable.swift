// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import SystemCalls

struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Enable the hypervisor.",
        discussion: """
            Uses the given system configuration (TOML or compiled); by default, the one in the daemon's settings. The \
            daemon reads the file, so it must be readable by the user jailhouse.

            On Arm64, while it is enabled, a Linux that panics or is rebooted by SysRq cannot reset the machine: the hypervisor \
            refuses it, and only a watchdog device helps. Creating a cell may take 4 s there.

            With --json: the machine, as in 'status --json'.

            Example: jailhouse-ctl enable /etc/jailhoused/q35.toml
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "A system configuration.", completion: .file())
    var file: String?

    func run() throws {
        let path = try file.map(Self.absolute)
        try options.changeMachine(Manager.Enable.self, .init(configuration: path), system: path) { machine in
            let configuration = (path ?? machine.system).map { " with \(Text.printable($0))" }
            return "the hypervisor is enabled" + (configuration ?? "")
        }
    }

    /// The daemon has another working directory than we.
    static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        guard let directory = getcwd(nil, 0) else {
            throw CommandFailure(.failed, "cannot determine the working directory: \(String(cString: strerror(errno)))")
        }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}
