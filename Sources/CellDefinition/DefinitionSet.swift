// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules
import Supervision

/// All cell definitions of a machine together.
package struct DefinitionSet: Hashable, Sendable {
    /// In the order of their files' names.
    package let definitions: [CellDefinition]

    package init(_ definitions: [CellDefinition]) {
        self.definitions = definitions.sorted { $0.path < $1.path }
    }

    /// The names that several definitions have; none of these cells is created.
    package var ambiguousNames: Set<String> {
        Set(Dictionary(grouping: definitions, by: \.name).filter { $0.value.count > 1 }.keys)
    }

    /// What the rules say: each definition in its system, then the definitions with each other.
    package func findings(system: SystemDescriptor?) -> [Finding] {
        definitions.flatMap { $0.findings(system: system) } + mutualFindings(in: system)
            + dependencyFindings()
    }

    /// What the rules say of the definitions with each other; each finding has the path of the later file and
    /// names the other in its message.
    ///
    /// - Parameter system: the machine's, if it is known.
    package func mutualFindings(in system: SystemDescriptor? = nil) -> [Finding] {
        placed(CellGroup(members, in: system).findings() + competingStarts)
    }

    /// What the rules say of the definitions, and of a system, on the machine where they are to run.
    package func findings(
        on machine: RunningMachine, system: (path: String, descriptor: SystemDescriptor)?
    ) -> [Finding] {
        let findings = placed(machine.findings(system: system, cells: members))
        let simulated = definitions.filter(\.simulation.isOnly)
        let paths = Set(simulated.map(\.path))
        let rest = findings.filter { finding in
            !(finding.path.map(paths.contains) ?? false)
                || !(finding.rule.map(CellDefinition.rulesOfHardware.contains) ?? false)
        }
        guard !machine.isSimulated else { return rest }
        return rest
            + simulated.map {
                $0.placed(
                    DefinitionRule.simulatedOnly.finding(
                        at: "simulation.only", "the cell \"\($0.name)\" is for the simulated machine only",
                        path: $0.path))
            }
    }

    private var members: [CellGroup.Member] {
        definitions.map { CellGroup.Member(path: $0.path, cell: $0.descriptor) }
    }

    private func placed(_ findings: [Finding]) -> [Finding] {
        let byPath = Dictionary(definitions.map { ($0.path, $0) }) { first, _ in first }
        return findings.map { finding in
            guard let definition = finding.path.flatMap({ byPath[$0] }) else { return finding }
            return definition.judged(definition.placed(finding))
        }
    }

    /// Definitions that want to be started by themselves, but of which only one can be.
    private var competingStarts: [Finding] {
        var owners: [Int: CellDefinition] = [:]
        return definitions.filter(\.policy.autostart).compactMap { definition in
            let rival = definition.descriptor.cpus.members.compactMap { owners[$0] }.first
            for cpu in definition.descriptor.cpus.members where owners[cpu] == nil { owners[cpu] = definition }
            return rival.map {
                DefinitionRule.competingStarts.finding(
                    at: "supervision.autostart",
                    "\"\(definition.name)\" and \"\($0.name)\" (\($0.path)) both have autostart = true and share a CPU",
                    path: definition.path)
            }
        }
    }
}
