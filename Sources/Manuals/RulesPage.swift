// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import RulePages

extension ManualPage {
    /// jailhoused-rules(7)
    package static var rules: ManualPage {
        var blocks: [Block] = []
        var group = ""
        for page in RulePage.all {
            if page.group != group { blocks.append(.heading(page.group)) }
            group = page.group
            blocks.append(entry(page))
        }
        return ManualPage(
            "jailhoused-rules", 7, summary: "rules about configurations of Jailhouse and images",
            [
                Section(
                    "DESCRIPTION",
                    [
                        .paragraph(
                            "jailhouse-ctl check and jailhoused(8) judge configurations and images by these rules before "
                                + "the hypervisor is involved. Of a finding with the severity error the daemon does not "
                                + "use the definition. Warnings and notes are reported only. A rule keeps its number."),
                        .paragraph(
                            "In the examples, a line with - is right, and the line with + in its place breaks the rule. "
                                + "jailhouse-ctl explain prints the same page of one rule, with the finding."),
                        .paragraph(
                            "An error that is known and accepted becomes a warning: with its reason in the table [accept] "
                                + "of the definition, where jailhouse-cell(5) lists the rule."),
                    ]),
                Section("RULES", blocks),
                Section(
                    "SEE ALSO",
                    [
                        .paragraph(
                            "jailhouse-ctl-check(1), jailhouse-ctl-explain(1), jailhouse-cell(5), jailhouse-system(5)")
                    ]),
            ])
    }

    private static func entry(_ page: RulePage) -> Block {
        let text = page.text
        var blocks: [Block] = [
            .paragraph("Otherwise: \(text.consequence)"), .paragraph("What to do: \(text.remedy)"),
        ]
        for change in page.example?.changes ?? [] {
            let right = lines(change.right, marked: "-")
            let lines = (right.isEmpty ? ["  (added)"] : right) + lines(change.wrong, marked: "+")
            blocks.append(.literal(([change.file + ":"] + lines).joined(separator: "\n")))
        }
        return .entry("*\(text.id)* (\(text.severity.rawValue)): \(text.title)", blocks)
    }

    private static func lines(_ text: String, marked mark: String) -> [String] {
        text.split(separator: "\n").map { "\(mark) \($0)" }
    }
}
