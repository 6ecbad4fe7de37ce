// SPDX-License-Identifier: Apache-2.0

extension RuleText {
    /// Of all rules about configurations, in the order of their ids. Those about images and supervision are
    /// `CellDefinition`'s.
    package static let ofConfigurations: [RuleText] = {
        var texts: [RuleText] = CellRules.all.map(\.text)
        texts += RuleTables.ofCells.map(\.text)
        texts += RuleTables.ofSystems.map(\.text)
        texts += RuleTables.ofPlacement.map(\.text)
        texts += RuleTables.ofHardware.map(\.text)
        texts += ConsoleRules.all.map(\.text)
        texts += GroupRules.all.map(\.text)
        texts += ofMachines
        return texts.sorted { $0.id < $1.id }
    }()

    /// Of those that look at the machine on which the cells are to run.
    package static let ofMachines: [RuleText] = MachineRules.all.map(\.text)
}
