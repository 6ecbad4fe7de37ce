// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import SystemCalls

struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Start a cell and stay until it is stopped.",
        discussion: """
            Prints each change as 'watch' does, and notifies the service manager when the cell runs. Exits with status \
            0 when the cell was stopped, with 1 when it failed and is not restarted. SIGTERM and SIGINT end the \
            command, not the cell. While the daemon restarts, or the hypervisor is not enabled yet, the command waits.

            Example: jailhouse-ctl attach rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String

    func run() throws {
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in _exit(0) }
        }
        var attachment = Attachment(cell: cell, daemon: options.daemon, screen: options.screen)
        try attachment.start()
        switch try attachment.follow() {
        case .stopped: return
        case .givenUp(let condition):
            throw CommandFailure(
                .failed,
                "cell '\(cell)' \(condition == "gave-up" ? "was given up" : "is \(condition) and not restarted"); "
                    + "try: jailhouse-ctl status \(cell)")
        }
    }
}

/// A cell from its start to its end, seen through connections that may break.
struct Attachment {
    enum End: Hashable {
        case stopped
        case givenUp(condition: String)
    }

    /// Between two attempts to reach a daemon that has exited, or a hypervisor that is not enabled yet.
    private static let reconnectionInterval = Duration.milliseconds(200)

    let cell: String
    let daemon: Daemon
    let screen: Screen
    private var watch: ReplyStream<Manager.Watch>?
    /// What the cell was before its start is no end.
    private var hasRun = false
    /// It has been said that the daemon has exited; once, until it answers again.
    private var waits = false

    init(cell: String, daemon: Daemon, screen: Screen) {
        self.cell = cell
        self.daemon = daemon
        self.screen = screen
    }

    /// Starts the cell and reports readiness. The watch begins before it, so that no change is missed.
    mutating func start() throws {
        watch = try daemon.stream(Manager.Watch.self, .init(cell: cell))
        // the daemon watches from its first answer on
        guard let change = try nextChange() else {
            throw daemon.failure(.disconnected)
        }
        try show(change)
        let started = try startWhenEnabled()
        UnitNotification.send(isReady: true, status: "cell \(cell): \(started.condition)")
    }

    /// At boot the cell may be started before the hypervisor is enabled: the driver is not loaded yet, or udev has not
    /// made its node accessible to the daemon. As long as the daemon is going to enable it, this waits; a unit has a
    /// time limit of its own (TimeoutStartSec=).
    private func startWhenEnabled() throws -> Manager.Cell {
        var waits = false
        while true {
            do throws(ControlError) {
                return try daemon.connect(toChange: true).call(Manager.Start.self, .init(cell: cell)).cell
            } catch {
                let failure = daemon.failure(error)
                switch error {
                case .manager(.notEnabled), .manager(.noDriver): break
                default: throw failure
                }
                let machine = try daemon.call(Manager.List.self).machine
                if machine.enabled { continue }
                guard machine.enabling == true else { throw failure }
                if !waits {
                    let text = "jailhouse-ctl: waiting until the hypervisor is enabled\n"
                    try? SystemCall.write(Array(text.utf8), to: STDERR_FILENO)
                    UnitNotification.send(status: "waiting until the hypervisor is enabled")
                }
                waits = true
                SystemCall.sleep(for: Self.reconnectionInterval)
            }
        }
    }

    /// Shows changes until the cell has ended for good.
    mutating func follow() throws -> End {
        while true {
            guard let change = try nextChange() else {
                // the daemon left; the cell did not. What it has become meanwhile counts
                try reconnect()
                hasRun = true
                continue
            }
            try show(change)
            guard hasRun else { continue }
            UnitNotification.send(status: "cell \(cell): \(change.cell.condition)")
            if let end = end(at: change) { return end }
        }
    }

    private mutating func show(_ change: Manager.Change) throws {
        waits = false
        hasRun = hasRun || change.cell.runs
        let line = ChangeLine(change)
        try screen.showLine(line, text: line.text(screen.style))
    }

    /// Nil when the connection is over.
    private mutating func nextChange() throws -> Manager.Change? {
        do {
            return try watch?.next()?.change
        } catch .disconnected {
            return nil
        } catch .connection {
            return nil
        } catch {
            throw daemon.failure(error)
        }
    }

    private mutating func reconnect() throws {
        if !waits {
            try? SystemCall.write(
                Array("jailhouse-ctl: the daemon has exited; waiting for it\n".utf8), to: STDERR_FILENO)
        }
        waits = true
        while true {
            SystemCall.sleep(for: Self.reconnectionInterval)
            do {
                watch = try daemon.stream(Manager.Watch.self, .init(cell: cell))
                return
            } catch let failure as CommandFailure where failure.status == .noDaemon {
                continue
            }
        }
    }

    /// Whether the cell has ended for good: a stop or failure that its policy answers with a restart is none.
    private func end(at change: Manager.Change) -> End? {
        // other kinds of change come beside one of these
        guard ["current", "condition", "gone"].contains(change.kind) else { return nil }
        let condition = change.cell.condition
        switch condition {
        case "gave-up": return .givenUp(condition: condition)
        case "absent": return .stopped
        case "stopped": return isRestarted(after: ["always"]) ? nil : .stopped
        case "failed": return isRestarted(after: ["always", "on-failure"]) ? nil : .givenUp(condition: condition)
        default: return nil
        }
    }

    private func isRestarted(after policies: Set<String>) -> Bool {
        let details = try? daemon.call(Manager.Describe.self, .init(cell: cell)).details
        guard let supervision = details?.supervision else { return false }
        return supervision.desired == "running" && policies.contains(supervision.restart)
    }
}
