// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The table `[accept]`: errors that the author of a definition knows of and accepts, each with the reason.
struct AcceptTable {
    /// By the rule's id.
    private(set) var reasons: [String: String] = [:]

    /// The errors that can be accepted: not those with which the cell cannot be created at all, and not those that say
    /// that others decide what runs in it.
    static let rules: [RuleText] = (RuleText.ofConfigurations + DefinitionRule.all).filter {
        $0.severity == .error
            && ![
                "JH0102", "JH0105", "JH0501", "JH0510", "JH0601", DefinitionRule.knownDependencies.id,
                DefinitionRule.dependencyCycle.id, DefinitionRule.simulatedOnly.id, DefinitionRule.ambiguousName.id,
                DefinitionRule.fileTrust.id,
            ].contains($0.id)
    }.sorted { $0.id < $1.id }

    init(_ document: SourceDocument) throws(ConfigurationError) {
        guard let table = try document.root.table("accept") else { return }
        for rule in Self.rules {
            guard let value = table.value(rule.id) else { continue }
            let reason = try value.string()
            guard reason.contains(where: { !$0.isWhitespace }) else {
                throw value.error(.invalidValue, "say why \(rule.id) is accepted")
            }
            reasons[rule.id] = reason
        }
    }
}

extension CellDefinition {
    /// What it accepts: `JH0901: the reason`, ordered by rule.
    package var acceptedReasons: [String] {
        var reasons = accepted
        if acceptsUnboundedHandshake && reasons[DefinitionRule.unboundedHandshake.id] == nil {
            reasons[DefinitionRule.unboundedHandshake.id] = "accept-unbounded-handshake = true"
        }
        return reasons.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    }

    /// A finding as it is judged here: accepted, an error is still shown, but refuses nothing.
    func judged(_ finding: Finding) -> Finding {
        guard finding.severity == .error, let rule = finding.rule, let reason = accepted[rule] else { return finding }
        var finding = finding
        finding.severity = .warning
        finding.remedy = "accepted: \(reason)"
        return finding
    }
}
