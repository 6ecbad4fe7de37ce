// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc

struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until a cell is running, stopped or failed.",
        discussion: """
            running: its program executes on all of its CPUs. stopped: it is stopped, created or absent. failed: it has \
            failed, is waiting for its restart, was given up, has a failed CPU, or gives no sign of life. Returns at once if \
            that is so already. The exit status is 124 when the time is up.

            With --json: the cell, as in 'list --json'.

            Example: jailhouse-ctl wait rtems --for running --timeout 10
            """
    )

    enum Goal: String, ExpressibleByArgument, CaseIterable {
        case running, stopped, failed

        func isReached(by condition: String) -> Bool {
            switch self {
            case .running: condition == "running"
            case .stopped: ["stopped", "created", "absent"].contains(condition)
            case .failed: ["failed", "gave-up", "backing-off", "degraded", "silent"].contains(condition)
            }
        }
    }

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String

    @Option(name: .customLong("for"), help: "What to wait for.")
    var goal = Goal.running

    @Option(help: "Seconds until the command gives up; by default, it waits indefinitely.")
    var timeout: UInt32?

    func validate() throws {
        guard timeout != 0 else { throw ValidationError("--timeout must be 1 or more.") }
    }

    func run() throws {
        if let timeout {
            signal(SIGALRM) { _ in
                let message: StaticString = "jailhouse-ctl: timed out\n"
                _ = Glibc.write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
                _exit(124)
            }
            alarm(timeout)
        }
        var stream = try options.daemon.stream(Manager.Watch.self, .init(cell: cell))
        while true {
            let reply: Manager.Watch.Reply?
            do throws(ControlError) { reply = try stream.next() } catch {
                throw options.daemon.failure(error)
            }
            guard let reply else {
                throw options.daemon.failure(.disconnected)
            }
            let seen = reply.change.cell
            guard goal.isReached(by: seen.condition) else { continue }
            let row = CellRow(seen)
            let condition = options.screen.style(Text.printable(row.condition), Condition(row.condition).paint)
            return try options.screen.show(row, text: "\(Text.printable(row.name)): \(condition)")
        }
    }
}
