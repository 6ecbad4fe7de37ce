// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import ConfigurationRules
import SystemCalls
import SystemPackage

/// A system configuration and its file.
package struct SystemSource: Hashable, Sendable {
    package let path: String
    package let descriptor: SystemDescriptor
    /// The lines of its keys, when it is a source.
    let lines: [String: Int]

    package init(path: String, descriptor: SystemDescriptor) {
        self.init(path: path, descriptor: descriptor, lines: [:])
    }

    init(path: String, descriptor: SystemDescriptor, lines: [String: Int]) {
        self.path = path
        self.descriptor = descriptor
        self.lines = lines
    }

    func placed(_ finding: Finding) -> Finding { finding.placed(in: path) { lines[$0] } }
}

/// A file of a configuration directory that is not used.
package struct RefusedFile: Error, Hashable, Sendable {
    /// The cell's name, or the one that its file suggests; nil when it is not about one cell.
    package var cell: String?
    /// The file.
    package var path: String
    /// Why: at least one.
    package var findings: [Finding]
    /// It could not be read for want of descriptors or memory, which says nothing about the file.
    package var isShortage = false

    package init(cell: String? = nil, path: String, findings: [Finding], isShortage: Bool = false) {
        self.cell = cell
        self.path = path
        self.findings = findings
        self.isShortage = isShortage
    }
}

/// What a configuration directory has, as far as it can be used.
package struct LoadedConfiguration: Sendable {
    package var settings = DaemonSettings()
    /// False when there is a settings file that cannot be used.
    package var areSettingsUsable = true
    /// Nil when none is configured, or when it cannot be used.
    package var system: SystemSource?
    /// False when a system is configured that cannot be used.
    package var isSystemUsable = true
    /// Ordered by path.
    package var definitions: [CellDefinition] = []
    /// Ordered by path.
    package var refused: [RefusedFile] = []
    /// What does not keep anything from being used.
    package var remarks: [Finding] = []

    /// Everything that was found, errors first.
    package var findings: [Finding] { refused.flatMap(\.findings) + remarks }
}

/// Reads a configuration directory, `jailhoused.toml` and `cells/*.toml`, and judges all of it: the one reader for the
/// daemon, its `--check` and its method `Check`, for `jailhouse-ctl check`, and for the simulated machine.
package struct ConfigurationDirectory: Sendable {
    package let path: String
    package let reader: any ConfigurationReader
    /// The machine that the cells are to run on; nil: they are not compared with it.
    package var machine: MachineFiles?

    /// Of settings, definitions and systems, in bytes.
    private static let limit = 1 << 20

    package init(path: String, reader: any ConfigurationReader, machine: MachineFiles? = nil) {
        self.path = path
        self.reader = reader
        self.machine = machine
    }

    package var settingsPath: String { path + "/jailhoused.toml" }

    /// Reads all of it; what is broken is named and left out.
    ///
    /// - Parameters:
    ///   - inForce: definitions read before; each stays in force as long as its file cannot be used.
    ///   - judgeImages: what the rules say of a definition's images; nil: they are not looked at.
    package func load(
        inForce: [CellDefinition] = [], judgeImages: ((CellDefinition) -> [Finding])? = nil
    ) -> LoadedConfiguration {
        var loaded = LoadedConfiguration()
        let view = machine.flatMap { try? $0.machine() }
        loadSettings(&loaded, view)
        for path in definitionPaths(in: path + "/cells", &loaded) {
            do {
                var definition = try definition(at: path)
                if let system = loaded.system { try definition.follow(system.descriptor, on: view) }
                try judge(definition, on: view, judgeImages?(definition) ?? [], &loaded)
                loaded.definitions.append(definition)
            } catch {
                loaded.refused.append(RefusedFile(error, cell: Self.stem(path), path: path))
            }
        }
        compare(&loaded, inForce)
        return loaded
    }

    /// The definitions in a directory of which only the hardware counts; none of them is judged.
    package static func definitions(
        in directory: String, _ reader: any ConfigurationReader
    ) -> (definitions: [CellDefinition], errors: [Finding]) {
        let files = ConfigurationDirectory(path: "", reader: reader)
        var loaded = LoadedConfiguration()
        for path in files.definitionPaths(in: directory, &loaded) {
            do {
                loaded.definitions.append(try files.definition(at: path))
            } catch {
                loaded.refused.append(RefusedFile(error, cell: nil, path: path))
            }
        }
        return (loaded.definitions, loaded.refused.flatMap(\.findings))
    }

    private func definition(at path: String) throws -> CellDefinition {
        try CellDefinition(toml: text(path), path: path) { try reader.contents($0, limit: Self.limit) }
    }

    /// A system configuration, as text or binary.
    ///
    /// - Throws: ``RefusedFile``.
    package func system(at path: String) throws -> SystemSource {
        try system(at: path, on: machine.flatMap { try? $0.machine() }).source
    }

    /// What keeps a cell from being created on this machine as it is now.
    ///
    /// - Parameter system: with which the hypervisor is enabled; nil when that is not known.
    package func errors(ofCreating definition: CellDefinition, in system: SystemSource?) -> [Finding] {
        let view = machine.flatMap { try? $0.machine() }
        let known = system.map { ($0.path, $0.descriptor) }
        let onMachine = view.map { DefinitionSet([definition]).findings(on: $0, system: known) } ?? []
        let findings = Finding.withoutRepetition(
            definition.findings(system: system?.descriptor) + onMachine.filter { $0.path == definition.path })
        return findings.filter { $0.severity == .error }
    }

    /// What keeps a system from being enabled on this machine as it is now.
    package func errors(ofEnabling system: SystemSource) -> [Finding] {
        guard let view = machine.flatMap({ try? $0.machine() }) else { return [] }
        return machineFindings(of: system, on: view).filter { $0.severity == .error }
    }

    private func system(
        at path: String, on view: RunningMachine?
    ) throws -> (source: SystemSource, remarks: [Finding]) {
        do {
            let contents = try reader.contents(path, limit: Self.limit)
            guard case .system(let descriptor) = try ConfigurationFile(contents: contents, path: path) else {
                throw ConfigurationError(
                    .signature, "this is a cell's configuration; a system's is needed here", path: path)
            }
            let source = SystemSource(path: path, descriptor: descriptor, lines: Self.lines(of: contents, path))
            let findings =
                descriptor.findings().map(source.placed) + (view.map { machineFindings(of: source, on: $0) } ?? [])
            let errors = findings.filter { $0.severity == .error }
            guard errors.isEmpty else { throw RefusedFile(path: path, findings: errors) }
            return (source, findings)
        } catch {
            throw RefusedFile(error, cell: nil, path: path)
        }
    }

    private func machineFindings(of system: SystemSource, on view: RunningMachine) -> [Finding] {
        view.findings(system: (system.path, system.descriptor), cells: []).map(system.placed)
    }

    private static func lines(of contents: [UInt8], _ path: String) -> [String: Int] {
        guard !ConfigurationFile.isBinary(contents), let text = String(validating: contents, as: UTF8.self) else {
            return [:]
        }
        return SystemDescriptor.lines(toml: text, path: path)
    }

    private func loadSettings(_ loaded: inout LoadedConfiguration, _ view: RunningMachine?) {
        do {
            loaded.settings = try DaemonSettings(toml: text(settingsPath), path: settingsPath)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            // all settings have defaults
        } catch FileProblem.temporary {
            // nor are there any below /tmp
        } catch {
            loaded.areSettingsUsable = false
            loaded.refused.append(RefusedFile(error, cell: nil, path: settingsPath))
        }
        guard let path = loaded.settings.system else { return }
        do {
            let (source, remarks) = try system(at: path, on: view)
            loaded.system = source
            loaded.remarks += remarks
        } catch {
            loaded.isSystemUsable = false
            loaded.refused.append(RefusedFile(error, cell: nil, path: path))
        }
    }

    private func definitionPaths(in cells: String, _ loaded: inout LoadedConfiguration) -> [String] {
        do {
            try reader.check(directory: cells)
            return try reader.names(inDirectory: cells)
                .filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }
                .sorted().map { cells + "/" + $0 }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return []
        } catch {
            loaded.refused.append(RefusedFile(error, cell: nil, path: cells))
            return []
        }
    }

    /// Refuses a definition for its errors; its warnings are passed on.
    private func judge(
        _ definition: CellDefinition, on view: RunningMachine?, _ imageFindings: [Finding],
        _ loaded: inout LoadedConfiguration
    ) throws {
        // what is missing may be installed later: it is read again for each start
        let missing = imageFindings.filter { $0.rule == ImageRule.readable.id }
        let set = DefinitionSet([definition])
        let system = loaded.system.map { ($0.path, $0.descriptor) }
        let onMachine = view.map { set.findings(on: $0, system: system) } ?? []
        let findings = Finding.withoutRepetition(
            definition.findings(system: loaded.system?.descriptor) + imageFindings.filter { !missing.contains($0) }
                // those of the system have been said
                + onMachine.filter { $0.path == definition.path })
        let errors = findings.filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw RefusedFile(cell: definition.name, path: definition.path, findings: errors)
        }
        loaded.remarks += missing + findings
    }

    /// Two definitions of one name are both refused: whichever was meant, the other would be wrong.
    private func compare(_ loaded: inout LoadedConfiguration, _ inForce: [CellDefinition]) {
        let byName = Dictionary(grouping: loaded.definitions, by: \.name).filter { $0.value.count > 1 }
        for (name, several) in byName {
            let paths = several.map(\.path).joined(separator: " and ")
            for definition in several {
                let finding = DefinitionRule.ambiguousName.finding(
                    at: "cell.name", "\(paths) both define the cell \(name)")
                loaded.refused.append(
                    RefusedFile(cell: name, path: definition.path, findings: [definition.placed(finding)]))
            }
        }
        loaded.definitions.removeAll { byName[$0.name] != nil }
        while refuseImpossibleDependencies(&loaded, inForce) {}
        // one of two cells that cannot live together may: the second is refused when it is to be created
        loaded.remarks += DefinitionSet(loaded.definitions).mutualFindings(in: loaded.system?.descriptor)
        loaded.refused.sort { ($0.path, $0.message) < ($1.path, $1.message) }
    }

    /// A definition that is refused for something else may have one read before in force: it is there to be required,
    /// and what it requires counts.
    ///
    /// - Returns: whether any was refused, which leaves another one in force.
    private func refuseImpossibleDependencies(
        _ loaded: inout LoadedConfiguration, _ inForce: [CellDefinition]
    ) -> Bool {
        let refused = Set(loaded.refused.compactMap(\.cell))
        let usable = Set(loaded.definitions.map(\.name))
        let kept = inForce.filter { old in
            !usable.contains(old.name)
                && (refused.contains(old.name) || loaded.refused.contains { $0.isAbout(path: old.path) })
        }
        let findings = DefinitionSet(loaded.definitions + kept).dependencyFindings(besides: refused)
        let count = loaded.definitions.count
        for definition in loaded.definitions {
            let errors = findings.filter { $0.path == definition.path }
            guard !errors.isEmpty else { continue }
            loaded.refused.append(RefusedFile(cell: definition.name, path: definition.path, findings: errors))
        }
        loaded.definitions.removeAll { definition in findings.contains { $0.path == definition.path } }
        return loaded.definitions.count < count
    }

    private func text(_ path: String) throws -> String {
        let bytes = try reader.contents(path, limit: Self.limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(.signature, "this is not UTF-8 text", path: path)
        }
        return text
    }

    private static func stem(_ path: String) -> String {
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        return String(name.dropLast(".toml".count))
    }
}

extension RefusedFile {
    /// Whether it is of this file, or of the directory that contains it.
    package func isAbout(path: String) -> Bool {
        path == self.path || path.hasPrefix(self.path + "/")
    }

    /// All findings on one line.
    package var message: String { findings.map { "\($0)" }.joined(separator: "; ") }

    init(_ error: any Error, cell: String?, path: String) {
        switch error {
        case let refused as RefusedFile:
            self = refused
            self.cell = self.cell ?? cell
        case let error as DefinitionError: self.init(cell: cell, path: path, findings: [Finding(error)])
        case let error as ConfigurationError: self.init(cell: cell, path: path, findings: [Finding(error, file: path)])
        case let error as UntrustedFile:
            var finding = error.finding()
            finding.path = path
            self.init(cell: cell, path: path, findings: [finding])
        default:
            let isShortage = (error as? SystemCallError)?.isShortage ?? false
            self.init(
                cell: cell, path: path, findings: [Finding(mistake: "\(error)", path: path)], isShortage: isShortage)
        }
    }
}

extension Finding {
    /// A mistake that keeps a definition from being understood.
    package init(_ error: DefinitionError) {
        self.init(
            mistake: error.message, path: error.path, line: error.line, location: error.keyPath ?? "",
            remedy: error.remedy)
    }

    /// A mistake that keeps a configuration from being understood.
    package init(_ error: ConfigurationError, file: String) {
        self.init(
            mistake: error.message, path: error.path ?? file, line: error.line, location: error.keyPath ?? "")
    }
}
