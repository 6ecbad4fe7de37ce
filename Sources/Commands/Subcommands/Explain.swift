// SPDX-License-Identifier: Apache-2.0

import RulePages
import ArgumentParser
import CellConfiguration
import CellDefinition
import FailureReports

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain a rule of 'check', or lines of the hypervisor's console.",
        discussion: """
            Without an argument: the list of all rules. The page of a rule says what must be so, what happens otherwise \
            and what to do, with an example and the findings of 'check'. A line of the console, or a whole dump from \
            standard input (-), is explained: what the program did, what would allow it, and whether to allow it. Needs \
            no daemon.

            With --json: of rules, an array of objects with rule, severity, title, consequence, remedy, changes (of the \
            example: file, right, wrong) and findings; of a console, an array of objects with cpu, cell, programCounter, \
            isStopped and explanation (summary, entry, advice).

            Example: jailhouse-ctl explain JH0603
            Example: jailhouse-ctl explain 'FATAL: Invalid PIO write, port: 70 size: 1'
            Example: jailhouse-ctl explain - < mail.txt
            """
    )

    @OptionGroup var options: FileOptions

    @Option(
        name: .customLong("root-cell"),
        help: ArgumentHelp(
            "With a console: the root cell's name, so that Linux's own failures are explained.", valueName: "name"))
    var rootCell: String?

    @Argument(
        help: "A rule, such as JH0603; a line of the console; or - for a dump on standard input.",
        completion: .list(RulePage.all.map(\.id)))
    var subject: String?

    func run() throws {
        let style = options.screen.style
        guard let subject else {
            let pages = RulePage.all
            return try options.screen.show(pages.map(RuleReport.init), text: RuleList(pages: pages).text(style))
        }
        // rules have no blanks, lines of a console have
        if subject == "-" || subject.contains(" ") { return try explainConsole(subject) }
        let id = subject.uppercased()
        guard let page = RulePage.all.first(where: { $0.id == id }) else {
            let question = nearestWord(to: id, among: RulePage.all.map(\.id)).map { "; did you mean \($0)?" }
            throw CommandFailure(
                .failed, "there is no rule '\(subject)'\(question ?? ""); for all of them: jailhouse-ctl explain")
        }
        let report = RuleReport(page)
        try options.screen.show([report], text: report.text(style, width: min(Terminal.width, 100)))
    }

    private func explainConsole(_ subject: String) throws {
        let text = subject == "-" ? String(decoding: try InputFile("-").contents, as: UTF8.self) : subject
        let report = ConsoleReport(ConsoleText(text), rootCell: rootCell)
        guard !report.entries.isEmpty else {
            throw CommandFailure(
                .failed,
                "there is no failure in \(subject == "-" ? "the text" : "this line"): expected lines of the "
                    + "hypervisor's console, such as 'FATAL: Invalid PIO write, port: 70 size: 1'")
        }
        try options.screen.show(report.entries, text: report.text)
    }
}
