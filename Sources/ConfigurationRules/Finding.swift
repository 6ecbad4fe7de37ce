// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What a rule says about a configuration: something that the hypervisor refuses, that hangs later, or that is
/// not good practice.
package struct Finding: Hashable, Sendable {
    package enum Severity: String, CaseIterable, Hashable, Sendable {
        /// Worth knowing.
        case note
        /// It works, with a drawback.
        case warning
        /// Is refused, or does damage: the daemon does not create such a cell.
        case error
    }

    /// The rule's id, which never changes its meaning: `JH0101`; nil for a mistake that keeps a file from being
    /// understood.
    package var rule: String?
    package var severity: Severity
    /// The file, when it is known.
    package var path: String?
    /// The line in a TOML source, when it is known.
    package var line: Int?
    /// The key concerned: `memory[1]`, `cell.cpus`.
    package var location: String
    /// Further keys of the same fault, which the message names.
    package var others: [String] = []
    /// What is the case, with its numbers.
    package var message: String
    /// What happens, or what the hypervisor or the hardware would object to.
    package var consequence: String
    /// What to do.
    package var remedy: String

    package init(
        rule: String?, severity: Severity, path: String? = nil, line: Int? = nil, location: String, message: String,
        consequence: String, remedy: String
    ) {
        self.rule = rule
        self.severity = severity
        self.path = path
        self.line = line
        self.location = location
        self.message = message
        self.consequence = consequence
        self.remedy = remedy
    }
}

extension Finding: CustomStringConvertible {
    /// `rtems.toml:12: error JH0201: memory[1]: …; …; …` on one line.
    package var description: String {
        let place = (path ?? "") + (line.map { ":\($0)" } ?? "")
        let text = [message, consequence, remedy].filter { !$0.isEmpty }.joined(separator: "; ")
        return [place, rule.map { "\(severity) \($0)" } ?? "\(severity)", location, text].filter { !$0.isEmpty }.joined(
            separator: ": ")
    }
}

extension Finding {
    /// With its file, and the line of its key or of the table that contains it.
    ///
    /// - Parameter line: of a key, see ``SourceDocument/lines``.
    package func placed(in path: String, line: (String) -> Int?) -> Finding {
        var finding = self
        finding.path = path
        var key = location[...]
        while finding.line == nil, !key.isEmpty {
            finding.line = line(String(key))
            key = key[..<(key.lastIndex { $0 == "." || $0 == "[" } ?? key.startIndex)]
        }
        return finding
    }
}

extension Finding {
    /// A mistake that keeps a file from being read or understood.
    package init(mistake message: String, path: String?, line: Int? = nil, location: String = "", remedy: String = "") {
        self.init(
            rule: nil, severity: .error, path: path, line: line, location: location, message: message, consequence: "",
            remedy: remedy)
    }

    /// Without what another finding at the same place says better, so that one fault is one finding: that a serial port is
    /// taken from Linux, where Linux is known to use it; that memory is not the root cell's, where the machine has none
    /// there, or the other way round, or where it is a shared device's; what follows from memory that is Linux's link's, or
    /// from another bdf than its.
    package static func withoutRepetition(_ findings: [Finding]) -> [Finding] {
        let places = Dictionary(grouping: findings) { $0.rule ?? "" }.mapValues { Set($0.flatMap(\.places)) }
        return findings.filter { finding in
            guard let better = finding.rule.flatMap({ betterRules[$0] }) else { return true }
            let known = better.reduce(into: Set<Place>()) { $0.formUnion(places[$1] ?? []) }
            return !finding.places.isSubset(of: known)
        }
    }

    /// By the rule that others make superfluous.
    private static let betterRules = [
        "JH0206": ["JH0511"], "JH0504": ["JH0507", "JH0511"], "JH0505": ["JH0507", "JH0511", "JH1307"],
        "JH1110": ["JH1021"], "JH1307": ["JH0504", "JH0507", "JH0511"], "JH1505": ["JH1301"],
    ]

    private struct Place: Hashable {
        var path: String?
        var location: String
    }

    private var places: Set<Place> { Set(([location] + others).map { Place(path: path, location: $0) }) }
}
