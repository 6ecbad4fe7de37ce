// SPDX-License-Identifier: Apache-2.0

import Foundation
// make explore: every alphabet for every kind of definition, then machines with several cells, to the end. Exit status 1
// with the stories if something does not hold. ALPHABET=fleet: only the latter.

var areAllSound = true
print(Exploration.head)
fflush(nil)
for alphabet in Alphabet.allCases
where CommandLine.arguments.count == 1 && alphabet != .everything
    || CommandLine.arguments.count > 1 && CommandLine.arguments[1] == alphabet.rawValue
{
    for subject in Subject.all
    where alphabet.isPlayed(for: subject)
        && (CommandLine.arguments.count < 3 || CommandLine.arguments[2] == "\(subject)")
    {
        var explorer = Explorer(Rules(subject.supervised, alphabet))
        let stories = explorer.explore()
        print(Exploration(subject, alphabet, explorer).row)
        for story in stories { print("\n\(story)\n") }
        fflush(nil)
        areAllSound = areAllSound && stories.isEmpty
    }
}
for subject in FleetSubject.large where CommandLine.arguments.count == 1 || CommandLine.arguments[1] == "fleet" {
    if CommandLine.arguments.count > 2, CommandLine.arguments[2] != "\(subject)" { continue }
    var explorer = FleetExplorer(FleetRules(subject))
    let stories = explorer.explore()
    print(explorer.row)
    for story in stories { print("\n\(story)\n") }
    fflush(nil)
    areAllSound = areAllSound && stories.isEmpty
}
print(areAllSound ? "every invariant holds everywhere" : "NOT SOUND")
if !areAllSound { exit(1) }
