// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Simulator
import SystemCalls

struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a program that sees the machine's /dev/jailhouse and /sys/devices/jailhouse.",
        discussion: "Example: jailhouse-sim exec -- jailhouse cell list"
    )

    @OptionGroup var machine: MachineOptions

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var command: [String]

    func run() throws {
        if let word = command.first, ["-h", "--help"].contains(word) { throw CleanExit.helpRequest(self) }
        let command = command.first == "--" ? Array(command.dropFirst()) : command
        guard let program = command.first else { throw ValidationError("There is no program to run.") }
        let path = try machine.path
        let preload = getenv("LD_PRELOAD").map { String(cString: $0) }
        for (name, value) in try MachineDirectory.environment(ofMachineAt: path, preload: preload) {
            setenv(name, value, 1)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        execvp(program, arguments)
        let reason = errno
        let message = "jailhouse-sim: \(program): \(String(cString: strerror(reason)))\n"
        _ = try? SystemCall.write(Array(message.utf8), to: STDERR_FILENO)
        // as a shell says it
        throw ExitCode(reason == ENOENT ? 127 : 126)
    }
}
