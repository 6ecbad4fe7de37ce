// SPDX-License-Identifier: Apache-2.0

/// What there is to say of a rule, whatever it is about: what its page shows, and what its findings repeat.
package struct RuleText: Hashable, Sendable {
    /// Stable: a number is never given to another rule.
    package let id: String
    package let severity: Finding.Severity
    /// What should be so, in one phrase.
    package let title: String
    /// What happens when it is not.
    package let consequence: String
    /// What to do about it.
    package let remedy: String

    package init(id: String, severity: Finding.Severity, title: String, consequence: String, remedy: String) {
        self.id = id
        self.severity = severity
        self.title = title
        self.consequence = consequence
        self.remedy = remedy
    }

    /// A violation of the rule.
    ///
    /// - Parameters:
    ///   - location: the key path.
    ///   - message: what is the case, with its numbers.
    ///   - severity: nil: the rule's. Likewise `consequence` and `remedy`, for what the rule cannot know in general.
    package func finding(
        at location: String, _ message: String, path: String? = nil, severity: Finding.Severity? = nil,
        consequence: String? = nil, remedy: String? = nil
    ) -> Finding {
        Finding(
            rule: id, severity: severity ?? self.severity, path: path, location: location, message: message,
            consequence: consequence ?? self.consequence, remedy: remedy ?? self.remedy)
    }
}
