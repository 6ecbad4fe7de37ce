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

extension CommandError.Cause {
    package var explanation: Explanation { Explanation(summary: what, advice: advice, rule: rule) }

    /// With the command's name before it.
    package func explanation(of command: String) -> Explanation {
        Explanation(summary: "\(command): \(what)", advice: advice, rule: rule)
    }
}
