// SPDX-License-Identifier: Apache-2.0

package import ConfigurationRules
import Supervision

extension DefinitionSet {
    /// What the rules say of the cells that definitions require or come after.
    ///
    /// - Parameter others: names of cells whose definitions are known of, and are not here.
    package func dependencyFindings(besides others: Set<String> = []) -> [Finding] {
        unknownNames(besides: others) + cycles
    }

    private func unknownNames(besides others: Set<String>) -> [Finding] {
        let known = others.union(definitions.map(\.name))
        return definitions.flatMap { definition in
            let dependencies = definition.dependencies
            let named =
                dependencies.requires.map { (key: "requires", name: $0) }
                + dependencies.after.map { (key: "after", name: $0) }
            return named.filter { !known.contains($0.name) }.map { key, name in
                finding(
                    DefinitionRule.knownDependencies, in: definition, at: "supervision.\(key)",
                    "\"\(definition.name)\" \(key == "requires" ? "requires" : "comes after") \"\(name)\", which no "
                        + "definition describes")
            }
        }
    }

    private var cycles: [Finding] {
        let all = Dictionary(definitions.map { ($0.name, $0.dependencies) }) { first, _ in first }
        return DependencyOrder(all).cycles.flatMap { cycle in
            let path = (cycle + cycle.prefix(1)).map { "\"\($0)\"" }.joined(separator: " needs ")
            return definitions.filter { cycle.contains($0.name) }.map { definition in
                let isRequired = definition.dependencies.requires.contains(where: cycle.contains)
                let files = definitions.filter { cycle.contains($0.name) }.map(\.path).joined(separator: ", ")
                return finding(
                    DefinitionRule.dependencyCycle, in: definition,
                    at: "supervision.\(isRequired ? "requires" : "after")",
                    "\(path) (\(files))")
            }
        }
    }

    private func finding(
        _ rule: RuleText, in definition: CellDefinition, at location: String, _ message: String
    ) -> Finding {
        definition.placed(
            rule.finding(at: location, message, path: definition.path))
    }
}
