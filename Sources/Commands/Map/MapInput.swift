// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import CellDefinition

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
                    images: definition.images.compactMap { image in
                        // what cannot be read, `check` says, among the remarks
                        (try? InputFile.read(image.path)).flatMap { definition.placing(of: image, $0) }
                    })
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
}

extension MapRemark {
    init(_ complaint: Complaint) {
        self.init(
            severity: Finding.Severity(rawValue: complaint.severity) ?? .error, rule: complaint.rule,
            file: complaint.file, location: complaint.location, others: complaint.others, message: complaint.message)
    }
}
