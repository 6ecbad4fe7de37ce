// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import Testing

@testable import RulePages

@Suite struct DefinitionRulePageTests {
    @Test func allRulesAreThereOnceAndInOrder() {
        let ids = RulePage.all.map(\.id)
        #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        #expect(["JH0101", "JH0603", "JH0801", "JH0901", "JH1303"].allSatisfy(ids.contains))
    }

    @Test(arguments: ["JH0901", "JH0902", "JH0903", "JH0904"]) func eachExampleIsFound(id: String) throws {
        let example = try #require(RulePage.all.first { $0.id == id }?.example)
        #expect(try example.judge(example.files).isEmpty)
        #expect(try example.judge(example.brokenFiles).contains { $0.rule == id && $0.line != nil })
    }

    /// The example of each page: sound without its mistake, and with it broken in the way that the page is about.
    @Test(arguments: RulePage.images.map(\.id)) func examplesShowTheirRule(id: String) throws {
        let page = try #require(RulePage.images.first { $0.id == id })
        let example = try #require(page.example)
        #expect(try example.judge(example.files) == [])
        let found = try example.judge(example.brokenFiles)
        #expect(found.contains { $0.rule == id }, "\(found)")
        #expect(example.brokenFiles != example.files)
    }
}
