/// All that is to be said of a rule, for people who met it.
package struct RulePage: Sendable {
    package var id: String
    package var severity: Finding.Severity
    /// What should be so, in one phrase.
    package var title: String
    /// What happens when it is not.
    package var consequence: String
    package var remedy: String
    /// Files in which the rule is broken.
    package var example: RuleExample?

    package init(
        id: String, severity: Finding.Severity, title: String, consequence: String, remedy: String,
        example: RuleExample? = nil
    ) {
        self.id = id
        self.severity = severity
        self.title = title
        self.consequence = consequence
        self.remedy = remedy
        self.example = example
    }
}

/// Sound files, and the mistake in them that a rule finds.
package struct RuleExample: Sendable {
    package struct File: Hashable, Sendable {
        package var name: String
        package var text: String

        package init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// Part of a file's text: as it should be, and the mistake in its place.
    package struct Change: Hashable, Sendable {
        package var file: String
        package var right: String
        package var wrong: String

        package init(in file: String, instead right: String, _ wrong: String) {
            self.file = file
            self.right = right
            self.wrong = wrong
        }
    }

    package var files: [File]
    package var changes: [Change]
    /// What the rules say of such files, each finding with its file.
    package var judge: @Sendable ([File]) throws -> [Finding]

    package init(
        files: [File], changes: [Change], judge: @escaping @Sendable ([File]) throws -> [Finding]
    ) {
        self.files = files
        self.changes = changes
        self.judge = judge
    }

    /// The files with the mistake in them.
    package var brokenFiles: [File] {
        changes.reduce(files) { files, change in
            files.map { $0.name == change.file ? File(name: $0.name, text: $0.text.replacingFirst(change)) : $0 }
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ change: RuleExample.Change) -> String {
        change.right.isEmpty
            ? self + "\n" + change.wrong + "\n" : replacing(change.right, with: change.wrong, maxReplacements: 1)
    }
}

extension Rule {
    func page(_ example: RuleExample?) -> RulePage {
        RulePage(
            id: id, severity: severity, title: title, consequence: consequence, remedy: remedy, example: example)
    }
}

extension Finding {
    /// With its file, and the line of its key or of what that stands in.
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
