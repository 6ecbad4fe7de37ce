// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import SystemCalls

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract:
            "Show the cells as a table that is drawn again and again: VM exits a second, condition, restarts, failures.",
        discussion: """
            Keys: q quits, s sorts by another column, r reverses the order, p pauses, the arrows select a cell, ? helps. Below \
            the table is the last failure of the selected cell. BY REASON has the most frequent reasons of VM exits. A cell \
            that uses only its own resources has no VM exits.

            Without a terminal, or with --once, one table is printed, measured over one interval.

            With --json: one table, an array of objects with cell (as in 'list --json'), exitsPerSecond (null if it cannot \
            be measured), exitsPerSecondByReason (an object), lastFailure and lastFailureAt (or null).

            Example: jailhouse-ctl top --interval 5
            """
    )

    @OptionGroup var options: DaemonOptions

    @Option(name: .shortAndLong, help: "Seconds between two measurements, 0.2 to 60.")
    var interval = 1.0

    @Flag(help: "Print one table and exit.")
    var once = false

    func validate() throws {
        guard (0.2...60).contains(interval) else { throw ValidationError("--interval is 0.2 to 60") }
    }

    private var pause: Duration { .seconds(interval) }

    func run() throws {
        let isInteractive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !Terminal.isDumb
        if once || options.screen.json || !isInteractive { return try printOnce() }
        try runOnTerminal()
    }

    private func printOnce() throws {
        let daemon = options.daemon
        var model = TopModel()
        do throws(ControlError) {
            var source = TopSource(try daemon.connect(toChange: false))
            model.take(try source.sample())
            SystemCall.sleep(for: pause)
            model.take(try source.sample())
        } catch {
            throw daemon.failure(error)
        }
        try options.screen.show(
            model.rows,
            text: model.rows.isEmpty
                ? "no cells: none is defined, and none exists"
                : TopScreen.table(model.rows, now: .now, style: options.screen.style))
    }

    private func runOnTerminal() throws {
        let daemon = options.daemon
        let isChosen = daemon.chosenSocket != nil
        let session = try TerminalSession()
        defer { session.leave() }
        let feed = try TopFeed(
            {
                do throws(ControlError) {
                    return .success(TopSource(try daemon.connect(toChange: false)))
                } catch {
                    return .failure(CommandFailure(error, socketWasChosen: isChosen))
                }
            }, socketWasChosen: isChosen)
        var (model, keys) = (TopModel(), KeyReader())
        var next = ContinuousClock.now
        var isAsked = true
        while true {
            let size = session.size
            let screen = TopScreen(width: size.width, height: size.height, style: options.screen.style)
            model.scroll(height: screen.rowCount)
            guard session.draw(screen.frame(model, now: .now)) else { return }
            let wait = isAsked ? pause : next - .now
            switch session.wait(for: feed.descriptor, atMost: wait) {
            case .news:
                guard let outcome = feed.take() else { break }
                model.take(try outcome.get())
                isAsked = false
                next = .now + pause
            case .input(let bytes):
                for key in keys.take(bytes) where !model.press(key, height: screen.rowCount) { return }
            case .ended(let number):
                session.leave()
                // by the keyboard it is the user's way to quit
                if number != SIGINT { session.raiseByDefault(number) }
                return
            case .timeOut:
                for key in keys.timeOut() { _ = model.press(key, height: screen.rowCount) }
            case .resized: break
            }
            if !isAsked, ContinuousClock.now >= next {
                feed.ask()
                isAsked = true
            }
        }
    }
}
