/// What a rule says about a configuration: something that the hypervisor refuses, that hangs later, or that is
/// not good practice.
package struct Finding: Hashable, Sendable {
    package enum Severity: String, CaseIterable, Hashable, Sendable {
        /// Worth knowing.
        case note
        /// Works, but not as somebody would wish.
        case warning
        /// Is refused, or does damage: the daemon does not create such a cell.
        case error
    }

    /// The rule's id, which never changes its meaning: `JH0101`.
    package var rule: String
    package var severity: Severity
    /// The file, when it is known.
    package var path: String?
    /// The line in a TOML source, when it is known.
    package var line: Int?
    /// The key concerned: `memory[1]`, `cell.cpus`.
    package var location: String
    /// What is the case, with its numbers.
    package var message: String
    /// What happens, or what the hypervisor or the hardware would object to.
    package var consequence: String
    /// What to do.
    package var remedy: String

    package init(
        rule: String, severity: Severity, path: String? = nil, line: Int? = nil, location: String, message: String,
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
        return [place, "\(severity) \(rule)", location, text].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
