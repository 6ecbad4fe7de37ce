// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import CellDefinition
import SystemCalls

/// A file as `check` sees it: what it is, and what is wrong with it.
struct CheckedFile: Encodable {
    let file: String
    /// `cell`, `system`, `definition` or `settings`; nil for what cannot be read.
    @JSON.OrNull var kind: String?
    /// The cell's name.
    @JSON.OrNull var name: String?
    /// Whether the daemon would not use it.
    let refused: Bool
    let findings: [Complaint]

    /// - Parameter refused: nil for a file by itself, of which the daemon would use nothing for an error.
    init(file: String, kind: String?, name: String?, refused: Bool? = nil, findings: [Complaint]) {
        self.file = file
        self.kind = kind
        self.name = name
        self.refused = refused ?? findings.contains(where: \.isError)
        self.findings = findings
    }

    var hasErrors: Bool { findings.contains(where: \.isError) }

    func text(_ style: Style) -> String {
        if !findings.isEmpty { return findings.map { $0.text(style) }.joined(separator: "\n") }
        let what = [kind, name.map { "'\(Text.printable($0))'" }].compactMap(\.self).joined(separator: " ")
        return "\(file): \(style("ok", .green)), \(what)"
    }
}

/// Something wrong: a rule that is broken, or a mistake that keeps a file from being understood.
struct Complaint: Encodable {
    @JSON.OrNull var rule: String?
    let severity: String
    let file: String
    @JSON.OrNull var line: Int?
    /// The key.
    let location: String
    /// Further keys of the same fault, which the message names.
    let others: [String]
    let message: String
    let consequence: String
    let remedy: String

    var isError: Bool { severity == Finding.Severity.error.rawValue }

    init(_ finding: Finding, file: String) {
        rule = finding.rule
        severity = finding.severity.rawValue
        self.file = finding.path ?? file
        line = finding.line
        location = finding.location
        others = finding.others
        message = finding.message
        consequence = finding.consequence
        remedy = finding.remedy
    }

    init(_ error: DefinitionError) { self.init(Finding(error), file: error.path) }

    init(_ error: ConfigurationError, file: String) { self.init(Finding(error, file: file), file: file) }

    init(unreadable file: String, because failure: CommandFailure) {
        self.init(Finding(mistake: failure.message, path: file), file: file)
    }

    /// As a compiler says it, with the reason and the way out below.
    func text(_ style: Style) -> String {
        let paint: Style.Paint? = severity == "error" ? .red : severity == "warning" ? .yellow : nil
        let place = Text.printable(file) + (line.map { ":\($0)" } ?? "")
        let parts = [place, style(severity, paint), Text.printable(location), Text.printable(message)]
        var text = parts.filter { !$0.isEmpty }.joined(separator: ": ")
        if let rule { text += " [\(rule)]" }
        if !consequence.isEmpty { text += "\n    why: " + Text.printable(consequence) }
        if !remedy.isEmpty { text += "\n    fix: " + Text.printable(remedy) }
        return text
    }
}
