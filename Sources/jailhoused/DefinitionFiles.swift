import CellConfiguration
import CellDefinition
import SystemCalls
import SystemPackage

/// A definition that cannot be used: a sentence that says what, where and what to do.
struct DefinitionProblem: Error, Hashable, Sendable {
    /// The cell's name, or the one that its file suggests; nil when it is not about one cell.
    var cell: String?
    var path: String
    var message: String
    /// It could not be read for want of descriptors or memory, which says nothing about the file.
    var isShortage = false
}

/// A system configuration and where it came from.
struct SystemSource: Hashable, Sendable {
    let path: String
    let descriptor: SystemDescriptor

    /// What the driver takes.
    func configuration() throws -> [UInt8] {
        do {
            return try descriptor.binary()
        } catch {
            throw DefinitionProblem(cell: nil, path: path, message: "\(path): \(error)")
        }
    }
}

/// Everything below the configuration directory, as far as it can be used.
struct LoadedDefinitions: Sendable {
    var settings = DaemonSettings()
    /// False when there is a settings file that cannot be used.
    var areSettingsUsable = true
    /// Nil when none is configured, or when it cannot be used.
    var system: SystemSource?
    /// False when a system is configured that cannot be used.
    var isSystemUsable = true
    /// Ordered by path.
    var definitions: [CellDefinition] = []
    /// By the cell's name.
    var images: [String: JudgedImages] = [:]
    var problems: [DefinitionProblem] = []
    /// What does not keep anything from being used.
    var warnings: [String] = []
}

extension LoadedDefinitions {
    /// What is wrong, with everything or with one file.
    func findings(about path: String?) -> [String] {
        problems.filter { path == nil || $0.path == path }.map(\.message)
            + warnings.filter { path == nil || $0.hasPrefix(path ?? "") }
    }
}

/// Reads the configuration directory.
struct DefinitionFiles: Sendable {
    let directory: String
    /// False when nothing will be loaded.
    var judgesImages = true
    let reader = TrustedFiles()

    var settingsPath: String { directory + "/jailhoused.toml" }

    /// Reads all of it; what is broken is named and left out.
    ///
    /// - Parameter inForce: definitions read before; each stays in force as long as its file cannot be used.
    func load(inForce: [CellDefinition] = []) -> LoadedDefinitions {
        var loaded = LoadedDefinitions()
        loadSettings(&loaded)
        for path in definitionPaths(&loaded) {
            do {
                let definition = try CellDefinition(toml: text(path), path: path) { try reader.read($0).contents }
                try judge(definition, in: loaded.system?.descriptor, &loaded)
                loaded.definitions.append(definition)
            } catch {
                loaded.problems.append(DefinitionProblem(error, cell: Self.stem(path), path: path))
            }
        }
        compare(&loaded, inForce)
        return loaded
    }

    /// A system configuration, as text or binary.
    func system(at path: String) throws -> SystemSource {
        do {
            let contents = try reader.read(path, limit: 1 << 20).contents
            guard case .system(let descriptor) = try ConfigurationFile(contents: contents, path: path) else {
                throw DefinitionProblem(
                    cell: nil, path: path, message: "\(path) is a cell's configuration; a system's is needed here")
            }
            if let finding = descriptor.findings().first(where: { $0.severity == .error }) {
                throw DefinitionProblem(cell: nil, path: path, message: "\(path): \(finding)")
            }
            return SystemSource(path: path, descriptor: descriptor)
        } catch {
            throw DefinitionProblem(error, cell: nil, path: path)
        }
    }

    private func loadSettings(_ loaded: inout LoadedDefinitions) {
        do {
            loaded.settings = try DaemonSettings(toml: text(settingsPath), path: settingsPath)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            // all settings have defaults
        } catch FileProblem.temporary {
            // nor are there any below /tmp
        } catch {
            loaded.areSettingsUsable = false
            loaded.problems.append(DefinitionProblem(error, cell: nil, path: settingsPath))
        }
        guard let path = loaded.settings.system else { return }
        do {
            loaded.system = try system(at: path.hasPrefix("/") ? path : directory + "/" + path)
        } catch {
            loaded.isSystemUsable = false
            loaded.problems.append(DefinitionProblem(error, cell: nil, path: path))
        }
    }

    private func definitionPaths(_ loaded: inout LoadedDefinitions) -> [String] {
        let cells = directory + "/cells"
        do {
            try reader.check(directory: cells)
            return try SystemCall.names(inDirectory: cells)
                .filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }
                .sorted().map { cells + "/" + $0 }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return []
        } catch {
            loaded.problems.append(DefinitionProblem(error, cell: nil, path: cells))
            return []
        }
    }

    /// Refuses a definition for its errors; its warnings are passed on.
    private func judge(
        _ definition: CellDefinition, in system: SystemDescriptor?, _ loaded: inout LoadedDefinitions
    ) throws {
        let (imageFindings, images) =
            judgesImages ? JudgedImages.judging(definition, reader) : ([], JudgedImages())
        // what is missing may be installed later: it is read again for each start
        let missing = imageFindings.filter { $0.rule == ImageRule.readable.id }
        let findings = definition.findings(system: system) + imageFindings.filter { !missing.contains($0) }
        let errors = findings.filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw DefinitionProblem(
                cell: definition.name, path: definition.path,
                message: errors.map { "\($0)" }.joined(separator: "; "))
        }
        loaded.images[definition.name] = images
        loaded.warnings += (missing + findings.filter { $0.severity == .warning }).map { "\($0)" }
    }

    /// Two definitions of one name are both refused: whichever was meant, the other would be wrong.
    private func compare(_ loaded: inout LoadedDefinitions, _ inForce: [CellDefinition]) {
        let byName = Dictionary(grouping: loaded.definitions, by: \.name)
        for (name, several) in byName where several.count > 1 {
            let paths = several.map(\.path).joined(separator: " and ")
            for definition in several {
                loaded.problems.append(
                    DefinitionProblem(
                        cell: name, path: definition.path,
                        message: "\(paths) both define the cell \(name): rename one or remove it"))
            }
        }
        loaded.definitions.removeAll { (byName[$0.name]?.count ?? 0) > 1 }
        while refuseImpossibleDependencies(&loaded, inForce) {}
        // one of two cells that cannot live together may: the second is refused when it is to be created
        loaded.warnings += DefinitionSet(loaded.definitions).mutualFindings(in: loaded.system?.descriptor)
            .filter { $0.severity != .note }.map { "\($0)" }
        loaded.problems.sort { ($0.path, $0.message) < ($1.path, $1.message) }
    }

    /// A definition that is refused for something else may have one read before in force: it is there to be required,
    /// and what it requires counts.
    ///
    /// - Returns: whether any was refused, which leaves another one in force.
    private func refuseImpossibleDependencies(_ loaded: inout LoadedDefinitions, _ inForce: [CellDefinition]) -> Bool {
        let refused = Set(loaded.problems.compactMap(\.cell))
        let usable = Set(loaded.definitions.map(\.name))
        let kept = inForce.filter { old in
            !usable.contains(old.name)
                && (refused.contains(old.name) || loaded.problems.contains { $0.isAbout(path: old.path) })
        }
        let findings = DefinitionSet(loaded.definitions + kept).dependencyFindings(besides: refused)
        let count = loaded.definitions.count
        for definition in loaded.definitions {
            let errors = findings.filter { $0.path == definition.path }
            guard !errors.isEmpty else { continue }
            loaded.problems.append(
                DefinitionProblem(
                    cell: definition.name, path: definition.path,
                    message: errors.map { "\($0)" }.joined(separator: "; ")))
        }
        loaded.definitions.removeAll { definition in findings.contains { $0.path == definition.path } }
        return loaded.definitions.count < count
    }

    private func text(_ path: String) throws -> String {
        let bytes = try reader.read(path, limit: 1 << 20).contents
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DefinitionProblem(cell: nil, path: path, message: "\(path) is not UTF-8 text")
        }
        return text
    }

    private static func stem(_ path: String) -> String {
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        return String(name.dropLast(".toml".count))
    }
}

extension DefinitionProblem {
    /// Whether it is of this file, or of the directory that it stands in.
    func isAbout(path: String) -> Bool {
        path == self.path || path.hasPrefix(self.path + "/")
    }

    init(_ error: any Error, cell: String?, path: String) {
        if let problem = error as? DefinitionProblem {
            self = problem
            self.cell = self.cell ?? cell
        } else {
            let text = "\(error)"
            self.init(
                cell: cell, path: path, message: text.contains(path) ? text : "\(path): \(text)",
                isShortage: (error as? SystemCallError)?.isShortage ?? false)
        }
    }
}
