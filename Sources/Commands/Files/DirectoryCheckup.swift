// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import Glibc
import SystemCalls

/// Judges a configuration directory as the daemon does, by the same reader.
struct DirectoryCheckup {
    private let path: String
    private let reader: ProposedFiles
    private let loaded: LoadedConfiguration

    static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// - Parameters:
    ///   - root: of the machine where the cells are to run; nil: this one, if it has the hypervisor's driver.
    ///   - proposals: files that are read as if they were in their places already.
    /// - Throws: ``CommandFailure`` when that machine cannot be seen.
    init(_ directory: String, root: String?, proposals: [ProposedFiles.Proposal] = []) throws {
        path = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        let hasMachine = try RunningMachine(root: root) != nil
        let reader = ProposedFiles(proposals)
        self.reader = reader
        loaded = ConfigurationDirectory(
            path: path, reader: reader, machine: hasMachine ? MachineFiles(root: root ?? "") : nil
        ).load { definition in
            definition.imageFindings { try reader.contents($0, limit: InputFile.limit) }
        }
    }

    /// What was found in each file: the settings, the system, then the definitions by their paths; then what is in the
    /// way of reading the directory itself.
    func files() -> [CheckedFile] {
        var known: [(path: String, kind: String?, name: String?)] = []
        let settings = path + "/jailhoused.toml"
        if reader.has(settings) { known.append((settings, "settings", nil)) }
        if let system = loaded.settings.system {
            known.append((system, "system", loaded.system?.descriptor.rootCell.name))
        }
        var definitions: [(path: String, kind: String?, name: String?)] = loaded.definitions.map {
            ($0.path, "definition", $0.name)
        }
        definitions += loaded.refused.filter { $0.cell != nil }.map { ($0.path, "definition", $0.cell) }
        known += definitions.sorted { $0.path < $1.path }
        let findings = Dictionary(grouping: loaded.findings) { $0.path ?? path }
        // such as the directory of the definitions
        let others = Set(findings.keys).subtracting(known.map(\.path))
        known += others.sorted().map { ($0, nil, nil) }
        if known.isEmpty { known = [(path, "no configuration", nil)] }
        let refused = Set(loaded.refused.map(\.path))
        return known.map { file in
            CheckedFile(
                file: file.path, kind: file.kind, name: file.name, refused: refused.contains(file.path),
                findings: (findings[file.path] ?? []).map { Complaint($0, file: file.path) })
        }
    }
}
