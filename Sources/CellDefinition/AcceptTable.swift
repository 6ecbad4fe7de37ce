// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import ConfigurationRules

/// The table `[accept]`: what the author of a definition knows of and accepts, each with the reason.
struct AcceptTable {
    /// By the rule's id.
    private(set) var reasons: [String: String] = [:]

    /// What can be accepted.
    static let rules: [RuleText] = known.filter { refusal(of: $0) == nil }

    private static let known = (RuleText.ofConfigurations + DefinitionRule.all + ImageRule.all).sorted { $0.id < $1.id }

    private static let ofImages = Set(ImageRule.all.map(\.id))

    /// With these the cell cannot be created at all.
    private static let ofCreation: Set<String> = [
        "JH0102", "JH0105", "JH0501", "JH0502", "JH0510", "JH0601", DefinitionRule.knownDependencies.id,
        DefinitionRule.dependencyCycle.id, DefinitionRule.simulatedOnly.id, DefinitionRule.ambiguousName.id,
    ]

    /// Why a rule cannot be accepted; nil for one that can.
    private static func refusal(of rule: RuleText) -> String? {
        guard rule.severity == .error else { return nil }
        if ofCreation.contains(rule.id) { return "the cell cannot be created as it is" }
        if rule.id == DefinitionRule.fileTrust.id { return "others could decide what runs in the cell" }
        return ofImages.contains(rule.id) ? "the image cannot be loaded, or cannot run, as it is" : nil
    }

    init(_ document: SourceDocument) throws(ConfigurationError) {
        guard let table = try document.root.table("accept") else { return }
        for key in table.keys where !Self.known.contains(where: { $0.id == key }) {
            let nearest = nearestWord(to: key, among: Self.rules.map(\.id)).map { "did you mean \($0)? " } ?? ""
            throw table.error(
                at: key, .unknownKey,
                "there is no rule \"\(key)\"; \(nearest)'jailhouse-ctl explain' lists the rules of cells")
        }
        for rule in Self.known {
            guard let value = table.value(rule.id) else { continue }
            if let refusal = Self.refusal(of: rule) {
                throw value.error(.invalidValue, "\(rule.id) (\(rule.title)) cannot be accepted: \(refusal)")
            }
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

    /// What is accepted and was not found.
    ///
    /// - Parameters:
    ///   - found: everything that was found in this definition, with its system.
    ///   - isOnMachine: whether the machine was looked at: some rules are about nothing else.
    package func needlessAcceptances(besides found: [Finding], isOnMachine: Bool) -> [Finding] {
        let ids = Set(found.compactMap(\.rule))
        let unknown = Set(isOnMachine ? [] : RuleText.ofMachines.map(\.id))
        return accepted.keys.sorted().filter { !ids.contains($0) && !unknown.contains($0) }.map { id in
            placed(
                DefinitionRule.needlessAcceptance.finding(
                    at: "accept.\(id)", "nothing that \(id) is about was found", path: path))
        }
    }

    /// A finding as it is judged here: accepted, it is still shown, but an error refuses nothing, and a warning is a note.
    func judged(_ finding: Finding) -> Finding {
        guard let rule = finding.rule, let reason = accepted[rule] else { return finding }
        var finding = finding
        finding.severity = finding.severity == .error ? .warning : .note
        finding.remedy = "accepted: \(reason)"
        return finding
    }
}
