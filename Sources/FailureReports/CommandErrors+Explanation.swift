// SPDX-License-Identifier: Apache-2.0

extension CommandError {
    /// All of its causes, the most frequent first.
    package var explanation: Explanation? {
        guard let first = causes.first else { return nil }
        let others = causes.dropFirst().map { "Or: \($0.what) \($0.advice)" }
        return Explanation(
            summary: first.what, advice: first.advice, notes: others, rule: causes.count == 1 ? first.rule : nil)
    }
}

extension CommandError {
    /// The key of the cell's definition that the error is most likely about; nil: none.
    package var key: String? {
        switch (command, errno) {
        case ("create", "EBUSY"), ("create", "EINVAL"): "cell.cpus"
        case ("create", "EEXIST"): "cell.name"
        case ("create", "ERANGE"): "pci-device[0]"
        case ("create", "E2BIG"), ("create", "ENOMEM"): "memory[0]"
        case ("load", "EINVAL"): "image[0]"
        default: nil
        }
    }

    /// That of a failure that the daemon recorded: `create was refused: … (EBUSY)`.
    package static func ofFailure(reason: String) -> CommandError? {
        let words = reason.split(separator: " ", maxSplits: 3)
        guard words.count == 4, words[1] == "was", words[2] == "refused:", reason.hasSuffix(")"),
            let begin = reason.lastIndex(of: "(")
        else { return nil }
        return of(String(words[0]), String(reason[reason.index(after: begin)...].dropLast()))
    }
}

extension CommandError.Cause {
    package var explanation: Explanation { Explanation(summary: what, advice: advice, rule: rule) }

    /// With the command's name before it.
    package func explanation(of command: String) -> Explanation {
        Explanation(summary: "\(command): \(what)", advice: advice, rule: rule)
    }
}
