// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules

extension RulePage {
    /// Of all rules, in the order of their ids.
    package static let all: [RulePage] = (configurations + images + supervision).sorted { $0.id < $1.id }

    /// Of the rules about configurations, in the order of their ids.
    static let configurations = RuleText.ofConfigurations.map {
        RulePage(text: $0, example: RuleExamples.byRule[$0.id])
    }

    /// Of the rules about images, in the order of their ids.
    static let images = ImageRule.all.map { RulePage(text: $0, example: ImageRuleExamples.example(of: $0.id)) }

    /// Of the rules about how cells are looked after.
    static let supervision = DefinitionRule.all.map {
        RulePage(text: $0, example: DefinitionRuleExamples.example(of: $0.id))
    }
}
