// SPDX-License-Identifier: Apache-2.0

/// What an exploration visited, as a row of a table.
struct Exploration {
    let row: String

    init(_ subject: Subject, _ alphabet: Alphabet, _ explorer: Explorer) {
        let columns = [
            alphabet.rawValue.padded(to: 9), "\(subject)".padded(to: 38), "\(explorer.places.count)".padded(to: -8),
            "\(explorer.transitions)".padded(to: -9), "\(explorer.rounds)".padded(to: -6),
        ]
        row = columns.joined(separator: " ")
    }

    static let head =
        [
            "alphabet".padded(to: 9), "definition".padded(to: 38), "states".padded(to: -8), "steps".padded(to: -9),
            "rounds",
        ]
        .joined(separator: " ")
}

extension String {
    /// - Parameter width: negative to put it to the right.
    fileprivate func padded(to width: Int) -> String {
        let blanks = String(repeating: " ", count: max(0, abs(width) - count))
        return width < 0 ? blanks + self : self + blanks
    }
}
