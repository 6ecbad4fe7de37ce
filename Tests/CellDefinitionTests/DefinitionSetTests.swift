// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Testing

@testable import CellDefinition

@Suite struct DefinitionSetTests {
    private func definition(
        _ file: String, _ changes: [(String, String)] = [], _ supervision: String = ""
    ) throws -> CellDefinition {
        var toml = CellDefinitionTests.hardware + supervision
        for (old, new) in changes { toml = toml.replacing(old, with: new) }
        return try CellDefinition(toml: toml, path: "/cells/\(file)", readFile: CellDefinitionTests.noFile)
    }

    @Test func oneNameInTwoFilesNamesBoth() throws {
        let set = DefinitionSet([try definition("b.toml"), try definition("a.toml")])
        #expect(set.ambiguousNames == ["rtems"])
        let finding = set.mutualFindings().first
        #expect(finding?.rule == "JH0601")
        #expect(finding?.path == "/cells/b.toml")
        #expect(finding?.line == 2)
        #expect(finding?.message == "/cells/a.toml defines a cell \"rtems\", too")
    }

    @Test func aCPUOfTwoCellsIsANote() throws {
        let set = DefinitionSet([try definition("a.toml"), try definition("b.toml", [("\"rtems\"", "\"b\"")])])
        #expect(set.mutualFindings().map(\.rule) == ["JH0602"])
        #expect(set.mutualFindings().first?.severity == .note)
        #expect(set.mutualFindings().first?.line == 4)
        #expect(set.ambiguousNames.isEmpty)
    }

    @Test func memoryOfTwoCellsThatCanRunTogetherIsAnError() throws {
        let set = DefinitionSet([
            try definition("a.toml"), try definition("b.toml", [("\"rtems\"", "\"b\""), ("[3]", "[2]")]),
        ])
        #expect(set.mutualFindings().map(\.rule) == ["JH0603"])
        #expect(set.mutualFindings().first?.line == 7)
    }

    @Test func twoThatStartByThemselvesOnOneCPU() throws {
        let supervision = "[supervision]\nautostart = true\n"
        let set = DefinitionSet([
            try definition("a.toml", [], supervision), try definition("b.toml", [("\"rtems\"", "\"b\"")], supervision),
        ])
        #expect(set.mutualFindings().map(\.rule) == ["JH0602", "JH0902"])
        #expect(set.mutualFindings().last?.line == 20)
    }
}
