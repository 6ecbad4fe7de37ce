// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules

/// All that is to be said of a rule, for people who met it.
package struct RulePage: Sendable {
    package var text: RuleText
    /// Files in which the rule is broken.
    package var example: RuleExample?

    package var id: String { text.id }

    /// What the rules are about that have the same first two digits.
    package var group: String {
        let number = String(id.dropFirst(2).prefix(2))
        return Self.groups[number] ?? number
    }

    private static let groups = [
        "01": "Names and CPUs", "02": "Memory", "03": "Communication region", "04": "How a cell begins",
        "05": "A cell in its system", "06": "Cells with each other", "07": "The system", "08": "Images",
        "09": "Supervision", "10": "PCI and ivshmem", "11": "Interrupt chips", "12": "Caches, IOMMUs, stream ids",
        "13": "The running machine", "14": "Good practice", "15": "I/O ports",
    ]
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
