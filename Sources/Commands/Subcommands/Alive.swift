// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import FailureReports

struct Alive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alive",
        abstract: "Tell the daemon that a cell gave a sign of life.",
        discussion: """
            For cells with a liveness rule of kind "external": a program that checks the cell calls this each time it \
            finds that it works. With --each-line, each line of standard input is a sign of life: of a serial line \
            that the cell prints on, or of the simulated machine's.

            With --ended, the daemon learns that the cell's operating system has ended, which the hypervisor does not \
            know: a panic is a failure, a shutdown stops the cell, and a reboot starts it again, as the definition's \
            restart says. With --each-line --linux, the lines that Linux prints at its end (Kernel panic, reboot: Power \
            down, …) say so, and every other line is a sign of life.

            With --json: the cell, as in 'list --json'. Not with --each-line.

            Example: jailhouse-ctl alive rtems
            Example: jailhouse-ctl alive rtems --each-line --containing beat < /dev/ttyUSB0
            Example: jailhouse-ctl alive linux --each-line --linux < /dev/ttyUSB1
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String

    @Flag(help: "It was checked, and gave no sign of life.")
    var no = false

    @Option(
        help: ArgumentHelp(
            "With --no: what was seen instead; with --ended: its last words. It is kept with the failure.",
            valueName: "text"))
    var reason: String?

    @Flag(help: "Read lines until the end of standard input.")
    var eachLine = false

    @Option(help: "With --each-line: only lines that contain this text.")
    var containing: String?

    @Option(help: ArgumentHelp("Its operating system has ended: panic, shutdown or reboot.", valueName: "how"))
    var ended: Ending?

    @Flag(help: "With --each-line: lines of Linux's end report it.")
    var linux = false

    /// As `ended` of `Alive` has it.
    enum Ending: String, ExpressibleByArgument, CaseIterable { case panic, shutdown, reboot }

    func validate() throws {
        if linux && !eachLine { throw ValidationError("--linux needs --each-line.") }
        if ended != nil && (no || eachLine) { throw ValidationError("--ended excludes --no and --each-line.") }
        if no && eachLine { throw ValidationError("--no and --each-line exclude each other.") }
        if reason != nil && !no && ended == nil { throw ValidationError("--reason needs --no or --ended.") }
        if containing != nil && !eachLine { throw ValidationError("--containing needs --each-line.") }
    }

    func run() throws {
        guard eachLine else {
            let reply = try options.daemon.call(
                Manager.Alive.self,
                .init(cell: cell, alive: ended == nil ? !no : nil, reason: reason, ended: ended?.rawValue))
            let row = CellRow(reply.cell)
            let condition = options.screen.style(Text.printable(row.condition), Condition(row.condition).paint)
            let message = reply.message.map { "; \(Text.printable($0))" } ?? ""
            try options.screen.show(row, text: "\(Text.printable(row.name)): \(condition)\(message)")
            if reply.message != nil { throw ExitCode.failure }
            return
        }
        var lives = HeardLives()
        var recent = RecentLines()
        // the daemon may be restarted meanwhile: each line is a call of its own
        while let line = readLine() {
            let end = linux ? GuestMessage(line: line) : nil
            do {
                let before = lives.life
                if linux, lives.wantsToKnow(line) { lives.take(try life, after: line) }
                if before != nil, lives.life != before { recent = RecentLines() }
                recent.add(line)
                if end == nil, let containing, !line.contains(containing) { continue }
                _ = try options.daemon.call(
                    Manager.Alive.self,
                    .init(
                        cell: cell, reason: end.map { _ in recent.text }, ended: end?.rawValue,
                        life: end.flatMap { _ in lives.life }))
            } catch let failure as CommandFailure where failure.status == .noDaemon {
                continue
            }
        }
    }

    private var life: Int? {
        get throws { try options.daemon.call(Manager.Describe.self, .init(cell: cell)).details.life }
    }
}
