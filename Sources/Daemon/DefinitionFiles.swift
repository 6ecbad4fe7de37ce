// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import SystemCalls

/// A definition that cannot be used: a sentence that says what, where and what to do.
struct DefinitionProblem: Error, Hashable, Sendable {
    /// The cell's name, or the one that its file suggests; nil when it is not about one cell.
    var cell: String?
    var path: String
    var message: String
    /// It could not be read for want of descriptors or memory, which says nothing about the file.
    var isShortage = false

    /// Whether it is of this file, or of the directory that it is in.
    func isAbout(path: String) -> Bool {
        path == self.path || path.hasPrefix(self.path + "/")
    }
}

extension DefinitionProblem {
    init(_ refused: RefusedFile) {
        self.init(
            cell: refused.cell, path: refused.path, message: refused.message, isShortage: refused.isShortage)
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
    /// Why it cannot; nil: it can, or none is configured.
    var systemRefusal: String?
    /// Ordered by path.
    var definitions: [CellDefinition] = []
    /// By the cell's name.
    var images: [String: JudgedImages] = [:]
    var problems: [DefinitionProblem] = []
    /// What does not keep anything from being used.
    var warnings: [String] = []
    /// Problems and warnings in their parts.
    var findings: [Finding] = []
    /// Images that could not be judged, and why; among the warnings, too.
    var unjudged: [String] = []
}

extension LoadedDefinitions {
    /// Takes over what was read again, but for settings and a system that cannot be used.
    mutating func take(_ fresh: LoadedDefinitions) {
        if fresh.areSettingsUsable {
            settings = fresh.settings
            if fresh.isSystemUsable { system = fresh.system }
            systemRefusal = fresh.systemRefusal
        }
        definitions = fresh.definitions
    }
}

/// Reads the configuration directory.
struct DefinitionFiles: Sendable {
    let directory: String
    /// False when nothing will be loaded.
    var judgesImages = true
    /// The machine that cells and systems are compared with; nil: none.
    var machine: MachineFiles?
    /// In bytes; a larger image is not judged.
    var largestImage = 1 << 30
    /// How long the judging of all images may take. Those that are not judged by then are judged when they are loaded.
    var judgingTime = Duration.seconds(10)
    let reader = TrustedFiles()
    let memory = ImageMemory()

    var settingsPath: String { files.settingsPath }

    private var files: ConfigurationDirectory {
        ConfigurationDirectory(path: directory, reader: reader, machine: machine)
    }

    /// Reads all of it; what is broken is named and left out.
    ///
    /// - Parameter inForce: definitions read before; each stays in force as long as its file cannot be used.
    func load(inForce: [CellDefinition] = []) -> LoadedDefinitions {
        var images: [String: JudgedImages] = [:]
        var unjudged: [String] = []
        let loaded: LoadedConfiguration
        if judgesImages {
            let judgingEnd = ContinuousClock.now + judgingTime
            loaded = files.load(inForce: inForce) { definition in
                do {
                    let (findings, judged) = try judgeImages(of: definition, until: judgingEnd)
                    images[definition.name] = judged
                    return findings
                } catch {
                    unjudged.append("\(definition.path): \(error)")
                    return []
                }
            }
        } else {
            loaded = files.load(inForce: inForce)
        }
        let usable = Set(loaded.definitions.map(\.name))
        return LoadedDefinitions(
            settings: loaded.settings, areSettingsUsable: loaded.areSettingsUsable, system: loaded.system,
            isSystemUsable: loaded.isSystemUsable,
            systemRefusal: loaded.isSystemUsable
                ? nil : loaded.refused.first { $0.cell == nil && $0.path == loaded.settings.system }?.message,
            definitions: loaded.definitions,
            images: images.filter { usable.contains($0.key) }, problems: loaded.refused.map(DefinitionProblem.init),
            warnings: unjudged + loaded.remarks.filter { $0.severity != .note }.map { "\($0)" },
            findings: loaded.findings, unjudged: unjudged)
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
            guard let place = memory.place(for: definition.imageMemory, within: limit) else {
                throw ImagesNotRead(message: "the images are checked when they are loaded")
            }
            return withExtendedLifetime(place) { JudgedImages.judging(definition, reader) }
        }
        if let judged { return judged }
        throw ImagesNotRead(
            message: "the images could not be read within \(limit): they are checked when they are loaded")
    }

    /// A system configuration, as text or binary.
    ///
    /// - Throws: ``DefinitionProblem``.
    func system(at path: String) throws -> SystemSource {
        do {
            return try files.system(at: path)
        } catch let refused as RefusedFile {
            throw DefinitionProblem(refused)
        }
    }

    /// What the driver takes, for the machine as it is now.
    ///
    /// - Throws: ``DefinitionProblem``.
    func configuration(of system: SystemSource) throws -> [UInt8] {
        let errors = files.errors(ofEnabling: system)
        guard errors.isEmpty else {
            throw DefinitionProblem(RefusedFile(path: system.path, findings: errors))
        }
        do {
            var descriptor = system.descriptor
            descriptor.rootCell.surplus = []
            return try descriptor.binary()
        } catch {
            throw DefinitionProblem(cell: nil, path: system.path, message: "\(system.path): \(error)")
        }
    }

    /// Why a cell must not be created on this machine as it is now; nil when it may be.
    ///
    /// - Parameter system: with which the hypervisor is enabled; nil when that is not known.
    func objection(toCreating definition: CellDefinition, in system: SystemSource? = nil) -> String? {
        let errors = files.errors(ofCreating: definition, in: system)
        return errors.isEmpty ? nil : errors.map { "\($0)" }.joined(separator: "; ")
    }
}
