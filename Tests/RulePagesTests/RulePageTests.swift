// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import Testing

@testable import RulePages

/// Each rule has an example: sound files in which nothing is found, and a mistake that the rule, and only it or what
/// follows from it, finds.
@Suite struct RulePageTests {
    /// What the TOML source refuses before a rule sees it.
    static let onlyInCompiledFiles: Set<String> = ["JH0102"]
    /// What no page has room for.
    static let onlyInLongFiles: Set<String> = ["JH0111"]

    /// What else is wrong, by necessity, when this is.
    static let companions: [String: Set<String>] = [
        "JH0301": ["JH0205"], "JH0507": ["JH0505"], "JH0505": ["JH0606"], "JH0509": ["JH0703"], "JH0703": ["JH0509"],
    ]

    @Test(arguments: [ExampleMachine.x86, .arm64]) func nothingIsSaidOfSoundFiles(machine: ExampleMachine) throws {
        #expect(try ExampleMachine.findings(in: machine.files) == [])
    }

    @Test(arguments: RulePage.configurations.indices) func eachExampleIsFound(index: Int) throws {
        let page = RulePage.configurations[index]
        guard let example = page.example else {
            #expect(Self.onlyInCompiledFiles.union(Self.onlyInLongFiles).contains(page.id), "\(page.id) has no example")
            return
        }
        for change in example.changes where !change.right.isEmpty {
            let file = try #require(example.files.first { $0.name == change.file })
            #expect(file.text.contains(change.right), "\(page.id): \(change.right)")
        }
        let findings = try example.judge(example.brokenFiles)
        #expect(findings.contains { $0.rule == page.id }, "\(page.id): \(findings)" as Comment)
        for finding in findings where finding.rule == page.id {
            #expect(finding.severity == page.text.severity)
            #expect(finding.line != nil, "\(finding)")
            #expect(!finding.message.isEmpty && !finding.consequence.isEmpty && !finding.remedy.isEmpty)
        }
    }

    @Test func pagesAreInOrderAndEachRuleHasOne() {
        let ids = RulePage.configurations.map(\.id)
        #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.hasPrefix("JH") && $0.count == 6 })
        #expect(Set(RuleExamples.byRule.keys).subtracting(ids).isEmpty)
    }
}
