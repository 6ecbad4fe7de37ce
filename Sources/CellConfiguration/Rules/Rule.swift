/// A rule: what it is about, and how to see that something breaks it.
struct Rule<Subject>: Sendable {
    /// A place where it is broken.
    struct Violation {
        /// The key path.
        var location: String
        /// With the numbers.
        var message: String
        /// The file, where a rule compares several.
        var path: String?
    }

    /// Stable: a number is never given to another rule.
    let id: String
    let severity: Finding.Severity
    /// What should be so, in one phrase.
    let title: String
    /// What happens when it is not.
    let consequence: String
    let remedy: String
    let violations: @Sendable (Subject) -> [Violation]

    func findings(in subject: Subject) -> [Finding] {
        violations(subject).map {
            Finding(
                rule: id, severity: severity, path: $0.path, location: $0.location, message: $0.message,
                consequence: consequence,
                remedy: remedy
            )
        }
    }
}
