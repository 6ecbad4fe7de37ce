// SPDX-License-Identifier: Apache-2.0

/// A rule about configurations: its text, and how to see that something breaks it.
package struct Rule<Subject>: Sendable {
    /// A place where it is broken.
    struct Violation {
        /// The key path.
        var location: String
        /// With the numbers.
        var message: String
        /// The file, where a rule compares several.
        var path: String?
        /// Another file that it is about, where a rule compares two.
        var other: String?
        /// Nil: the rule's.
        var severity: Finding.Severity?
        /// Further places of the same fault, which the message names.
        var others: [String] = []
    }

    package let text: RuleText
    /// Whether one mistake breaks it at several places, as a list that was left out of the system does.
    private let isSaidOnce: Bool
    let violations: @Sendable (Subject) -> [Violation]

    /// - Parameter isSaidOnce: whether violations in one file are one finding, which names all places.
    init(
        id: String, severity: Finding.Severity, title: String, consequence: String, remedy: String,
        isSaidOnce: Bool = false, violations: @escaping @Sendable (Subject) -> [Violation]
    ) {
        text = RuleText(id: id, severity: severity, title: title, consequence: consequence, remedy: remedy)
        self.isSaidOnce = isSaidOnce
        self.violations = violations
    }

    func findings(in subject: Subject) -> [Finding] {
        let found = violations(subject)
        return (isSaidOnce ? Self.together(found) : found).map {
            var finding = text.finding(at: $0.location, $0.message, path: $0.path, severity: $0.severity)
            finding.others = $0.others
            return finding
        }
    }

    /// Of those in one file, about the same other one, the first, with the places of the others.
    private static func together(_ violations: [Violation]) -> [Violation] {
        var firsts: [ViolationFiles: Int] = [:]
        var merged: [(violation: Violation, places: [String])] = []
        for violation in violations {
            // graver ones are faults of their own
            let files = ViolationFiles(path: violation.path, other: violation.other, severity: violation.severity)
            if let first = firsts[files] {
                if !merged[first].places.contains(violation.location) {
                    merged[first].places.append(violation.location)
                }
            } else {
                firsts[files] = merged.count
                merged.append((violation, [violation.location]))
            }
        }
        return merged.map { violation, places in
            guard places.count > 1 else { return violation }
            var violation = violation
            let others = places.dropFirst()
            violation.others = Array(others)
            violation.message +=
                "; likewise " + others.prefix(placeLimit).joined(separator: ", ")
                + (others.count > placeLimit ? " and \(others.count - placeLimit) more" : "")
            return violation
        }
    }

    /// More than anybody reads.
    private static var placeLimit: Int { 32 }
}

/// Violations with the same of these are one finding, where a rule says so.
private struct ViolationFiles: Hashable {
    var path: String?
    var other: String?
    var severity: Finding.Severity?
}
