// SPDX-License-Identifier: Apache-2.0

import CellDefinition

/// `jailhoused --check`: prints what the daemon would report about its configuration, without touching anything.
struct ConfigurationTest {
    let files: DefinitionFiles

    /// - Returns: whether there are no errors.
    func run() -> Bool {
        let loaded = files.load()
        for warning in loaded.warnings { print("warning: \(warning)") }
        for problem in loaded.problems { print("error: \(problem.message)") }
        for definition in loaded.definitions {
            do {
                _ = try definition.loadPlan { try files.reader.read($0).contents }
            } catch {
                print("error: \(definition.path): \(error)")
                return false
            }
        }
        guard loaded.problems.isEmpty else { return false }
        let system = loaded.system.map { "system \($0.path)" } ?? "no system"
        let cells = loaded.definitions.map(\.name).joined(separator: ", ")
        print("ok: \(system), \(loaded.definitions.count) cells\(cells.isEmpty ? "" : ": " + cells)")
        return true
    }
}
