// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import SystemCalls

struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Show what the hypervisor printed on its console, and what it prints.",
        discussion: """
            The daemon keeps the last 64 KiB since it was started, also after the hypervisor was disabled. Text that was \
            lost because the hypervisor's own buffer of 2 KB overran is named: <missed N bytes of console log>. Reading \
            waits for the driver; if the daemon could not read for a while, a note on standard error says for how long.

            With a cell, only its lines: those that name it, and the dumps that end with its name. What inmates print on \
            the virtual console does not name its cell; it is shown if no other cell of this machine may use that console.

            With --follow, the command goes on until it is interrupted, also while the hypervisor is disabled and enabled.

            With --json: one object a line with at (when the daemon read it), cell (or null) and text.

            Example: jailhouse-ctl console --follow rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Flag(name: .shortAndLong, help: "Show new lines as they are printed.")
    var follow = false

    @Flag(name: .shortAndLong, help: "Show when the daemon read each line.")
    var time = false

    @Argument(help: "The cell's name; without it, all lines.", completion: .cellNames)
    var cell: String?

    func run() throws {
        var printer = ConsolePrinter(screen: options.screen, withTime: time, filter: try filter(), follows: follow)
        try options.daemon.forEach(Manager.Console.self, .init(follow: follow)) { reply in
            try printer.take(reply)
        }
        try printer.end()
    }

    /// - Throws: when there is no such cell.
    private func filter() throws -> ConsoleFilter? {
        guard let cell else { return nil }
        let cells = try options.daemon.call(Manager.List.self).cells
        guard cells.contains(where: { $0.name == cell }) else {
            // with the nearest name
            _ = try options.daemon.call(Manager.Describe.self, .init(cell: cell))
            return ConsoleFilter(cell: cell, takesInmateLines: false)
        }
        let users = cells.filter { $0.id != nil || $0.name == cell }.filter { mayPrint($0.name) }
        return ConsoleFilter(cell: cell, takesInmateLines: users.map(\.name) == [cell])
    }

    /// Whether a cell may print on the hypervisor's console; one whose configuration is not known may.
    private func mayPrint(_ name: String) -> Bool {
        let region = try? options.daemon.call(Manager.CommunicationRegion.self, .init(cell: name)).region
        return region?.flags.contains("debug-putc-permitted") ?? true
    }
}

/// Prints replies of the daemon as lines.
struct ConsolePrinter {
    let screen: Screen
    let withTime: Bool
    var filter: ConsoleFilter?
    let follows: Bool
    private var lines = ConsoleLines()
    private var state: String?
    private var hasShown = false
    /// What was there has been shown.
    private var isLive = false

    /// Without news for so long, the driver is busy, in µs.
    private static let tolerableAge = 3_000_000

    init(screen: Screen, withTime: Bool, filter: ConsoleFilter?, follows: Bool) {
        self.screen = screen
        self.withTime = withTime
        self.filter = filter
        self.follows = follows
    }

    mutating func take(_ reply: Manager.Console.Reply) throws {
        try show(lines.take(reply.text, time: Moment(known: reply.at)))
        // a reply without text ends what was there, and says how things are
        guard reply.text.isEmpty || isLive else { return }
        if reply.text.isEmpty { try show(lines.end()) }
        if reply.state != state || !isLive {
            state = reply.state
            note(reply.state)
        }
        isLive = true
        if let age = reply.age, age > Self.tolerableAge, reply.state == "readable" {
            say("read \(Moment.duration(age)) ago; the driver is busy since then")
        }
    }

    mutating func end() throws {
        try show(lines.end())
    }

    private mutating func show(_ lines: [ConsoleLine]) throws {
        for line in lines {
            let chosen = filter?.take(line) ?? [line]
            for line in chosen {
                hasShown = true
                try screen.showLine(line, text: line.text(withTime: withTime, screen.style))
            }
        }
    }

    private func note(_ state: String?) {
        switch state {
        case "disabled":
            say(hasShown ? "the hypervisor is disabled; these are its last lines" : "the hypervisor is disabled")
        case "no-driver": say("there is no /dev/jailhouse: the driver is not loaded, or the daemon may not open it")
        case "not-permitted":
            say("the system configuration does not have the flag virtual-debug-console: Linux may not read the console")
        case "readable":
            if !hasShown && !follows { say(filter == nil ? "nothing was printed" : "no line is about this cell") }
        case nil: say("the console has not been read yet: the driver is busy")
        default: break
        }
    }

    private func say(_ text: String) {
        try? SystemCall.write(Array("jailhouse-ctl: \(text)\n".utf8), to: STDERR_FILENO)
    }
}
