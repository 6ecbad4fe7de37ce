// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules
import Glibc

/// `jailhoused --check`: prints what the daemon would report about its configuration, without touching anything.
struct ConfigurationTest {
    let files: DefinitionFiles

    /// - Returns: whether there are no errors.
    func run() -> Bool {
        guard access(files.directory, F_OK) == 0 else {
            print("error: \(files.directory): there is no such directory; give the one with jailhoused.toml and cells/")
            return false
        }
        let loaded = files.load()
        for sentence in loaded.unjudged { print("warning: \(sentence)") }
        for finding in loaded.findings where finding.severity != .note { print(finding.lines) }
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

extension Finding {
    /// As a compiler reports it, with the reason and the remedy below, as `jailhouse-ctl check` does.
    fileprivate var lines: String {
        let place = (path ?? "") + (line.map { ":\($0)" } ?? "")
        var text = [place, severity.rawValue, location, message].filter { !$0.isEmpty }.joined(separator: ": ")
        if let rule { text += " [\(rule)]" }
        if !consequence.isEmpty { text += "\n    why: " + consequence }
        if !remedy.isEmpty { text += "\n    fix: " + remedy }
        return text
    }
}
