import CellConfiguration
import CellDefinition
import SystemCalls
import SystemPackage

/// A definition that cannot be used: a sentence that includes the place and the remedy.
struct DefinitionProblem: Error, Hashable, Sendable {
    /// The cell's name, or the one that its file's name suggests; nil when it is not about one cell.
    var cell: String?
    var path: String
    var message: String
    /// It could not be read for lack of descriptors or memory, which implies nothing about the file.
    var isShortage = false
}

/// A system configuration and its file.
struct SystemSource: Hashable, Sendable {
    let path: String
    let descriptor: SystemDescriptor

    /// The binary form, for the driver.
    func configuration() throws -> [UInt8] {
        do {
            return try descriptor.binary()
        } catch {
            throw DefinitionProblem(cell: nil, path: path, message: "\(path): \(error)")
        }
    }
}

/// The contents of the configuration directory, as far as they can be used.
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
    /// Problems that do not prevent the use of anything.
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
    /// In bytes; a larger image is not judged.
    var largestImage = 1 << 30
    /// How long the judging of all images may take. Those that are not judged by then are judged when they are loaded.
    var judgingTime = Duration.seconds(10)
    let reader = TrustedFiles()
    let memory = ImageMemory()

    var settingsPath: String { directory + "/jailhoused.toml" }

    /// Reads all of it. What cannot be used is reported and left out.
    ///
    /// - Parameter inForce: definitions read before; each remains in force as long as its file cannot be used.
    func load(inForce: [CellDefinition] = []) -> LoadedDefinitions {
        var loaded = LoadedDefinitions()
        loadSettings(&loaded)
        let judgingEnd = ContinuousClock.now + judgingTime
        for path in definitionPaths(&loaded) {
            do {
                let definition = try CellDefinition(toml: text(path), path: path) { try reader.read($0).contents }
                try judge(definition, in: loaded.system?.descriptor, until: judgingEnd, &loaded)
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
                    cell: nil, path: path,
                    message: "\(path) is a cell configuration; a system configuration is required")
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
            // nor are there settings below /tmp
        } catch {
            loaded.areSettingsUsable = false
            loaded.problems.append(DefinitionProblem(error, cell: nil, path: settingsPath))
        }
        guard let path = loaded.settings.system else { return }
        do {
            loaded.system = try system(at: path)
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

    /// Rejects a definition for its errors; its warnings are passed on.
    private func judge(
        _ definition: CellDefinition, in system: SystemDescriptor?, until end: ContinuousClock.Instant,
        _ loaded: inout LoadedDefinitions
    ) throws {
        var imageFindings: [Finding] = []
        var images = JudgedImages()
        if judgesImages {
            do {
                (imageFindings, images) = try judgeImages(of: definition, until: end)
            } catch {
                loaded.warnings.append("\(definition.path): \(error)")
            }
        }
        // a missing image may be installed later: images are read again for each start
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

    /// Judges a definition's images, on a thread of their own: a file system that hangs delays nothing else for long.
    private func judgeImages(
        of definition: CellDefinition, until end: ContinuousClock.Instant
    ) throws -> (findings: [Finding], images: JudgedImages) {
        let (reader, memory, largestImage) = (reader, memory, largestImage)
        // those after one that hangs have their turn, too
        let limit = max(end - .now, .milliseconds(200))
        let judged = try LimitedWork.run(within: limit) {
            let size = definition.imageSize
            guard size <= largestImage else {
                throw ImagesNotRead(
                    message: """
                        the images have \(size >> 20) MiB, too much to be checked by the daemon: run jailhouse-ctl check
                        """)
            }
            guard let place = memory.place(for: size, within: limit) else {
                throw ImagesNotRead(message: "the images are checked when they are loaded")
            }
            return withExtendedLifetime(place) { JudgedImages.judging(definition, reader) }
        }
        if let judged { return judged }
        throw ImagesNotRead(
            message: "the images could not be read within \(limit): they are checked when they are loaded")
    }

    /// Two definitions of one name are both rejected: it is not known which one is meant.
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
        // one of two conflicting cells may exist: creating the second one is refused then
        loaded.warnings += DefinitionSet(loaded.definitions).mutualFindings(in: loaded.system?.descriptor)
            .filter { $0.severity != .note }.map { "\($0)" }
        loaded.problems.sort { ($0.path, $0.message) < ($1.path, $1.message) }
    }

    /// A definition that is rejected for another reason may have an earlier version in force, which others may require,
    /// and whose own requirements count.
    ///
    /// - Returns: whether any was rejected, which leaves another one in force.
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
    /// Whether it is about this file, or about the directory that contains it.
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
