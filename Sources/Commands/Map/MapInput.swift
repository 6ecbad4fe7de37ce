// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import CellDefinition
import InmateImage

/// The files of a map.
struct MapInput {
    private let files: [(path: String, file: DaemonFile)]
    private let remarks: [MapRemark]

    /// - Parameter findings: what `check` says of these files, when that is known already.
    /// - Throws: ``CommandFailure`` for a file that cannot be understood, and for a second system.
    init(_ checkup: Checkup, _ findings: [Complaint]? = nil) throws {
        files = try checkup.inputs.map { input in
            do {
                return (path: input.path, file: try input.file.get())
            } catch {
                throw CommandFailure(
                    explaining: error, path: input.path == "-" ? InputFile.standardInput : input.path)
            }
        }
        let systems = files.filter { if case .system = $0.file { true } else { false } }
        guard systems.count < 2 else {
            throw CommandFailure(
                .wrongUsage, "\(systems[0].path) and \(systems[1].path) are both systems; a map shows one machine")
        }
        remarks = (findings ?? checkup.files().flatMap(\.findings)).map(MapRemark.init)
    }

    /// - Parameter accesses: at which cells failed; each is drawn, with what it means below the picture.
    func map(accesses: [FailedAccess] = []) -> MemoryMap {
        var system: (file: String, descriptor: SystemDescriptor)?
        var cells: [MemoryMap.Cell] = []
        var remarks: [MapRemark] = []
        for (path, file) in files {
            switch file {
            case .system(let descriptor): system = (path, descriptor)
            case .cell(let definition), .definition(let definition):
                var cell = MemoryMap.Cell(
                    file: definition.path, descriptor: definition.descriptor,
                    images: definition.images.compactMap { Self.image($0, in: definition) })
                for access in accesses where access.cell == definition.name {
                    remarks.append(
                        MapRemark(
                            severity: .error, rule: nil, file: definition.path,
                            location: MemoryMap.Access.key(cell.accesses.count), message: access.summary))
                    cell.accesses.append(.init(address: access.address, size: access.size, text: access.text))
                }
                cells.append(cell)
            case .settings: continue
            }
        }
        return MemoryMap(system: system, cells: cells, remarks: remarks + self.remarks)
    }

    /// Nil for what cannot be read: `check` says so, among the remarks.
    private static func image(_ reference: ImageReference, in definition: CellDefinition) -> MemoryMap.Image? {
        guard let contents = try? InputFile.read(reference.path) else { return nil }
        let start = definition.startParts(of: reference, contents).map { part in
            MemoryMap.Image.Part(name: part.name, start: part.piece.address, size: UInt64(part.piece.contents.count))
        }
        if ELFFile.isELF(contents) {
            guard let file = try? ELFFile(contents) else { return nil }
            let isOne = file.segments.count == 1
            let parts = file.segments.map {
                MemoryMap.Image.Part(name: isOne ? "" : "segment \($0.index)", start: $0.address, size: $0.memorySize)
            }
            return MemoryMap.Image(file: reference.path, parts: parts + start, entry: file.entry)
        }
        guard let address = reference.address else { return nil }
        let part = MemoryMap.Image.Part(name: "", start: address, size: UInt64(contents.count))
        return MemoryMap.Image(file: reference.path, parts: [part] + start)
    }
}

extension MapRemark {
    init(_ complaint: Complaint) {
        self.init(
            severity: Finding.Severity(rawValue: complaint.severity) ?? .error, rule: complaint.rule,
            file: complaint.file, location: complaint.location, others: complaint.others, message: complaint.message)
    }
}
