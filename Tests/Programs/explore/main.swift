// SPDX-License-Identifier: Apache-2.0

import Foundation
// make explore: every alphabet for every kind of definition, then machines with several cells, to the end. Exit status 1
// with the stories if something does not hold. ALPHABET=fleet: only the latter.
//
// make tables: explore tables ARCHITECTURE.md writes the transition tables into the page.

if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "tables" {
    do {
        try writeTables(into: CommandLine.arguments[2])
        exit(0)
    } catch {
        print("\(error)")
        exit(1)
    }
}

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

/// Each table stands between two marks.
func writeTables(into path: String) throws {
    let tables = [
        "cell": TransitionTable.ofCell().markdown(TransitionTable.conditions),
        "machine": TransitionTable.ofMachine().markdown(TransitionTable.machines),
    ]
    var page: [String] = []
    var isInTable = false
    for line in try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n") {
        if line == "<!-- end of the table -->" { isInTable = false }
        if !isInTable { page.append(line) }
        guard let name = tables.keys.first(where: { line == "<!-- what changes a \($0): make tables -->" }) else {
            continue
        }
        page += [""] + (tables[name] ?? []) + [""]
        isInTable = true
    }
    try page.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
}
