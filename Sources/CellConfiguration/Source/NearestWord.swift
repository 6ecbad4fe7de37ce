// SPDX-License-Identifier: Apache-2.0

/// The known word that a misspelled one probably means; nil when none is similar.
///
/// Nearness is the number of letters to insert, remove, replace or swap with their neighbour: at most one in
/// three.
package func nearestWord(to word: String, among words: some Sequence<String>) -> String? {
    words.map { (word: $0, distance: editDistance($0, word)) }
        .filter { $0.distance <= max(1, max($0.word.count, word.count) / 3) }
        .min { $0.distance < $1.distance }?.word
}

private func editDistance(_ first: String, _ second: String) -> Int {
    let first = Array(first.lowercased())
    let second = Array(second.lowercased())
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for (row, letter) in first.enumerated() {
        var current = [row + 1]
        for (column, other) in second.enumerated() {
            var best = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[second.count]
}
