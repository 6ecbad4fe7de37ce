import ArgumentParser
import CellDefinition

/// `jailhoused --check`: what the daemon would say of its configuration, without touching anything.
struct ConfigurationTest {
    let files: DefinitionFiles

    func run() throws {
        let loaded = files.load()
        for warning in loaded.warnings { print("warning: \(warning)") }
        for problem in loaded.problems { print("error: \(problem.message)") }
        for definition in loaded.definitions {
            do {
                _ = try definition.loadPlan { try files.reader.read($0).contents }
            } catch {
                print("error: \(definition.path): \(error)")
                throw ExitCode.failure
            }
        }
        guard loaded.problems.isEmpty else { throw ExitCode.failure }
        let system = loaded.system.map { "system \($0.path)" } ?? "no system"
        let cells = loaded.definitions.map(\.name).joined(separator: ", ")
        print("ok: \(system), \(loaded.definitions.count) cells\(cells.isEmpty ? "" : ": " + cells)")
    }
}
