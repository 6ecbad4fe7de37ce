// SPDX-License-Identifier: Apache-2.0

import RulePages
import ArgumentParser
import CellConfiguration
import CellDefinition

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain the rules of 'check'.",
        discussion: """
            Without a rule: all of them. The page of a rule says what should be so, what happens otherwise and what \
            to do, with an example and what 'check' says of it. Needs no daemon.

            With --json: an array of objects with rule, severity, title, consequence, remedy, changes (of the \
            example: file, right, wrong) and findings (what check says then).

            Example: jailhouse-ctl explain JH0603
            """
    )

    @OptionGroup var options: FileOptions

    @Argument(
        help: "A rule, such as JH0603.",
        completion: .list(RulePage.all.map(\.id)))
    var rule: String?

    func run() throws {
        let style = options.screen.style
        guard let rule else {
            let pages = RulePage.all
            return try options.screen.show(pages.map(RuleReport.init), text: RuleList(pages: pages).text(style))
        }
        let id = rule.uppercased()
        guard let page = RulePage.all.first(where: { $0.id == id }) else {
            let question = nearestWord(to: id, among: RulePage.all.map(\.id)).map { "; did you mean \($0)?" }
            throw CommandFailure(
                .failed, "there is no rule '\(rule)'\(question ?? ""); for all of them: jailhouse-ctl explain")
        }
        let report = RuleReport(page)
        try options.screen.show([report], text: report.text(style, width: min(Terminal.width, 100)))
    }
}
