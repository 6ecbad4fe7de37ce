// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read the definitions again.",
        discussion: """
            Running cells are not affected; a changed definition takes effect at the next start. The exit status is \
            1 if a definition was refused.

            With --json: an object with added, removed, changed (names of cells) and problems (sentences).

            Example: jailhouse-ctl reload
            """
    )

    @OptionGroup var options: DaemonOptions

    func run() throws {
        let reply = try options.daemon.call(Manager.Reload.self)
        try options.screen.show(reply, text: Self.text(reply))
        if !reply.problems.isEmpty {
            throw CommandFailure(
                .failed,
                "\(Text.count(reply.problems.count, "definition")) refused:"
                    + reply.problems.map { "\n  \(Text.printable($0))" }.joined())
        }
    }

    static func text(_ reply: Manager.Reload.Reply) -> String {
        let groups = [("added", reply.added), ("removed", reply.removed), ("changed", reply.changed)]
        let lines = groups.filter { !$0.1.isEmpty }.map { verb, cells in
            "\(verb): " + Text.printable(cells.joined(separator: ", "))
        }
        return lines.isEmpty ? "nothing changed" : lines.joined(separator: "\n")
    }
}
