// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// The page that shows what is said of each death.
package enum DeathTable {
    package static var page: String {
        var lines = [
            "# Every death explained", "",
            "Made by `make deaths` from the texts in `Tests/DeathTable`, with the code that answers `jailhouse-ctl explain`; a test compares.",
            "The cell of the examples has 2 MiB of RAM; *place* is by the symbols of a sample program. Under *entry* is what a definition would",
            "need, under *advice* whether to grant it. *Rule* is the one of `check` that is about exactly this mistake; with files, `explain` names",
            "a rule only if it finds something in them.",
            "",
        ]
        for group in DeathCase.Group.allCases {
            lines += [
                "## \(group.rawValue)", "", "| what | the report | place | entry | advice | rule |",
                "| --- | --- | --- | --- | --- | --- |",
            ]
            for death in DeathCase.all where death.group == group {
                let explanations = death.explanations
                guard let explanation = death.isOfTheLast ? explanations.last : explanations.first else {
                    lines.append("| \(death.name) | **unexplained** | | | | |")
                    continue
                }
                let report = ([explanation.summary] + explanation.notes).joined(separator: " ")
                let place = explanation.place.map { code("\($0.function) + 0x\(String($0.offset, radix: 16))") }
                lines.append(
                    row([death.name, report, place, entry(explanation.entry), explanation.advice, explanation.rule]))
            }
            lines.append("")
        }
        lines += [
            "## Conditions and deaths without a line", "", "| `explain` … | what it means | advice | rule |",
            "| --- | --- | --- | --- |",
        ]
        for condition in ConditionPage.all {
            let explanation = condition.explanation
            let report = ([explanation.summary] + explanation.notes).joined(separator: " ")
            lines.append(row([code(condition.words[0]), report, explanation.advice, explanation.rule]))
        }
        lines += [
            "", "## Refused commands", "", "| `explain` … | cause | advice | rule |", "| --- | --- | --- | --- |",
        ]
        for error in CommandError.all {
            for cause in error.causes {
                lines.append(row([code("\(error.command) \(error.errno)"), cause.what, cause.advice, cause.rule]))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ entries: [String?]) -> String {
        "| "
            + entries.map {
                ($0 ?? "").split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
            }
            .joined(separator: " | ") + " |"
    }

    private static func code(_ text: String) -> String { "`\(text)`" }

    private static func entry(_ text: String?) -> String? {
        text.map { $0.split(separator: "\n").map { code(String($0)) }.joined(separator: "<br>") }
    }
}
