// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Testing

@testable import Supervision

@Suite("Every state of the machine that can be reached")
struct FleetExplorationTests {
    @Test("What must always hold, holds; and from everywhere what is wanted is reached when faults cease")
    func small() {
        for subject in FleetSubject.small {
            var explorer = FleetExplorer(FleetRules(subject))
            let stories = explorer.explore()
            print(explorer.row)
            for story in stories { Issue.record("\(story)") }
        }
    }

    @Test("A fleet with a mistake is found out, with a story", arguments: FleetMutant.allCases)
    func mutant(_ mutant: FleetMutant) {
        var explorer = FleetExplorer(FleetRules(mutant.subject, driver: mutant))
        let stories = explorer.explore(until: mutant.broken[0])
        let story = stories.first { mutant.broken.contains($0.broken) }
        print("\(mutant): \(story?.description ?? "not found out")\n")
        #expect(story != nil)
    }
}
