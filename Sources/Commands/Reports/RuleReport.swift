// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import RulePages

/// A rule's page.
struct RuleReport: Encodable {
    /// One place of the example where something is wrong.
    struct Change: Encodable {
        let file: String
        let right: String
        let wrong: String
    }

    let rule: String
    let severity: String
    let title: String
    let consequence: String
    let remedy: String
    let changes: [Change]
    /// What `check` says of the example.
    let findings: [Complaint]

    init(_ page: RulePage) {
        rule = page.id
        severity = page.text.severity.rawValue
        title = page.text.title
        consequence = page.text.consequence
        remedy = page.text.remedy
        changes = page.example?.changes.map { Change(file: $0.file, right: $0.right, wrong: $0.wrong) } ?? []
        let found = page.example.flatMap { try? $0.judge($0.brokenFiles) } ?? []
        findings = found.filter { $0.rule == page.id }.map { Complaint($0, file: $0.path ?? "") }
    }

    func text(_ style: Style, width: Int) -> String {
        let paint: Style.Paint? = severity == "error" ? .red : severity == "warning" ? .yellow : nil
        var lines = ["\(style(rule, .bold)) (\(style(severity, paint))): \(title)", ""]
        lines += Self.paragraph("Otherwise", consequence, style, width)
        lines += Self.paragraph("What to do", remedy, style, width)
        for change in changes {
            lines += ["", "In \(change.file):", ""]
            lines += Self.lines(change.right, marked: "-", with: style, .green, else: "as it is, with this added:")
            lines += Self.lines(change.wrong, marked: "+", with: style, .red, else: "(nothing)")
        }
        if !findings.isEmpty {
            lines += ["", "Then check says:", ""]
            lines += findings.map { $0.text(style).split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") }
        }
        return lines.joined(separator: "\n")
    }

    private static func paragraph(_ head: String, _ text: String, _ style: Style, _ width: Int) -> [String] {
        let column = 12
        return Text.wrapped(text, to: width - column).enumerated().map { index, line in
            let margin = index == 0 ? head : ""
            return style(margin, .bold) + String(repeating: " ", count: column - margin.count) + line
        }
    }

    private static func lines(
        _ text: String, marked mark: String, with style: Style, _ paint: Style.Paint, else nothing: String
    ) -> [String] {
        text.isEmpty
            ? ["    " + nothing]
            : text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.isEmpty }
                .map { "  " + style("\(mark) \($0)", paint) }
    }
}

/// All rules, by what they are about.
struct RuleList {
    let pages: [RulePage]

    func text(_ style: Style) -> String {
        var lines: [String] = []
        var group = ""
        for page in pages {
            if page.group != group {
                if !lines.isEmpty { lines.append("") }
                lines.append(style(page.group, .bold))
                group = page.group
            }
            let severity = page.text.severity.rawValue
            let padding = String(repeating: " ", count: 8 - severity.count)
            let paint: Style.Paint? =
                page.text.severity == .error ? .red : page.text.severity == .warning ? .yellow : nil
            lines.append("  \(page.id)  \(style(severity, paint))\(padding)\(page.text.title)")
        }
        return lines.joined(separator: "\n")
    }
}
