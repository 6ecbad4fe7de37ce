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
        /// Nil: the rule's.
        var severity: Finding.Severity?
    }

    package let text: RuleText
    let violations: @Sendable (Subject) -> [Violation]

    init(
        id: String, severity: Finding.Severity, title: String, consequence: String, remedy: String,
        violations: @escaping @Sendable (Subject) -> [Violation]
    ) {
        text = RuleText(id: id, severity: severity, title: title, consequence: consequence, remedy: remedy)
        self.violations = violations
    }

    func findings(in subject: Subject) -> [Finding] {
        violations(subject).map {
            text.finding(at: $0.location, $0.message, path: $0.path, severity: $0.severity)
        }
    }
}
