// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Supervision

@Suite("Every state that can be reached")
struct ExplorationTests {
    @Test("What must always hold, holds; and from everywhere the goal is reached when faults cease")
    func everyday() {
        print(Exploration.head)
        for subject in Subject.all where subject.signs == nil || subject.isUsual { explore(subject, .everyday) }
        for subject in Subject.all where subject.signs != nil && subject.restart != .always {
            explore(subject, .liveness)
        }
    }

    private func explore(_ subject: Subject, _ alphabet: Alphabet) {
        var explorer = Explorer(Rules(subject.supervised, alphabet))
        let stories = explorer.explore()
        print(Exploration(subject, alphabet, explorer).row)
        for story in stories { Issue.record("\(story)") }
    }

    @Test("A lifecycle with a mistake is found out, with a story", arguments: Mutant.allCases)
    func mutant(_ mutant: Mutant) {
        var explorer = Explorer(Rules(mutant.subject.supervised, mutant.alphabet, driver: mutant))
        let stories = explorer.explore(until: mutant.broken)
        let story = stories.first { $0.broken.hasPrefix(mutant.broken) }
        print("\(mutant): \(story?.description ?? "not found out")\n")
        #expect(story != nil)
    }
}
