// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import ControlInterface
import FoundationEssentials

extension MemoryMap {
    /// That of what a daemon has in force. What cannot be understood is left out.
    ///
    /// - Parameter findings: what the daemon's check says.
    init(_ configurations: Manager.Configurations.Reply, _ findings: [Manager.Finding]) {
        let system = configurations.system.flatMap { system -> (file: String, descriptor: SystemDescriptor)? in
            guard case .system(var descriptor)? = system.file else { return nil }
            descriptor.rootCell.take(names: system.regions)
            return (system.path, descriptor)
        }
        let cells = configurations.cells.compactMap { cell -> MemoryMap.Cell? in
            guard case .cell(var descriptor)? = cell.file else { return nil }
            descriptor.take(names: cell.regions)
            return MemoryMap.Cell(file: cell.path, descriptor: descriptor, images: cell.images.map(Image.init))
        }
        let remarks = findings.map {
            MapRemark(
                severity: Finding.Severity(rawValue: $0.severity) ?? .error, rule: $0.rule, file: $0.path ?? "",
                location: $0.location, others: [], message: $0.message)
        }
        self.init(system: system, cells: cells, remarks: remarks)
    }
}

extension Manager.Configuration {
    fileprivate var file: ConfigurationFile? {
        Data(base64Encoded: data).flatMap { try? ConfigurationFile(contents: Array($0), path: path) }
    }
}

extension CellDescriptor {
    fileprivate mutating func take(names: [String]) {
        for (index, name) in zip(memoryRegions.indices, names) { memoryRegions[index].name = name }
    }
}

extension MemoryMap.Image {
    fileprivate init(_ image: Manager.PlacedImage) {
        self.init(
            file: image.path,
            parts: image.parts.map {
                Part(name: $0.name, start: UInt64(bitPattern: Int64($0.start)), size: UInt64(clamping: $0.size))
            },
            entry: image.entry.map { UInt64(bitPattern: Int64($0)) })
    }
}
