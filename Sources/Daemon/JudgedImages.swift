// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import CellDefinition
import InmateImage
import SystemCalls

/// Which versions of a definition's images have been checked. Other versions are checked before they are loaded.
struct JudgedImages: Hashable, Sendable {
    /// By path.
    private var versions: [String: FileStatus.Version] = [:]
    /// Where they are loaded.
    private(set) var places: [MemoryMap.Image] = []

    /// Checks the images as they are now.
    ///
    /// - Returns: the findings, and the versions that they apply to.
    static func judging(
        _ definition: CellDefinition, _ files: TrustedFiles
    ) -> (findings: [Finding], images: JudgedImages) {
        var images = JudgedImages()
        let findings = definition.imageFindings { path in
            let reading = try files.read(path)
            images.versions[path] = reading.version
            images.note(reading.contents, of: path, in: definition)
            return reading.contents
        }
        return (findings, images)
    }

    private mutating func note(_ contents: [UInt8], of path: String, in definition: CellDefinition) {
        places.removeAll { $0.file == path }
        places += definition.images.filter { $0.path == path }.compactMap { definition.placing(of: $0, contents) }
    }

    /// Reads the images for a load. If one has changed since it was checked, all are checked again.
    ///
    /// - Parameter changed: called with the path of each such image.
    /// - Throws: ``ImagesRefused`` when they do not pass, in the words of a check; else `DefinitionError`.
    mutating func plan(
        of definition: CellDefinition, _ files: TrustedFiles, changed: (String) -> Void
    ) throws -> [LoadPiece] {
        var readings: [String: TrustedFiles.Reading] = [:]
        func read(_ path: String) throws -> [UInt8] {
            let reading = try readings[path] ?? files.read(path)
            readings[path] = reading
            return reading.contents
        }
        let pieces: [LoadPiece]
        do throws(DefinitionError) {
            pieces = try definition.loadPlan(readFile: read)
        } catch {
            let errors = definition.imageFindings(readFile: read).filter { $0.severity == .error }
            guard errors.isEmpty else { throw ImagesRefused(errors: errors) }
            throw error
        }
        let strangers = readings.filter { $0.value.version != versions[$0.key] }.keys.sorted()
        guard !strangers.isEmpty else { return pieces }
        strangers.forEach(changed)
        let errors = definition.imageFindings(readFile: read).filter { $0.severity == .error }
        guard errors.isEmpty else { throw ImagesRefused(errors: errors) }
        versions = readings.mapValues(\.version)
        for (path, reading) in readings { note(reading.contents, of: path, in: definition) }
        return pieces
    }
}

/// Images that are not loaded because of errors in them.
struct ImagesRefused: Error, CustomStringConvertible {
    let errors: [Finding]

    var description: String { errors.map { "\($0)" }.joined(separator: "; ") }
}
