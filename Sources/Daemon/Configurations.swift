// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import ControlInterface
import FoundationEssentials

extension Inventory {
    func configurations() -> Manager.Configurations.Reply {
        Manager.Configurations.Reply(
            system: system.flatMap(Manager.Configuration.init),
            cells: cells.sorted { $0.key < $1.key }.compactMap { Manager.Configuration($0.value) })
    }
}

extension Manager.Configuration {
    fileprivate init?(_ system: SystemSource) {
        guard
            let file = (try? system.descriptor.binary(revision: .current)) ?? (try? system.descriptor.binary())
        else { return nil }
        self.init(path: system.path, file, system.descriptor.rootCell)
    }

    /// Nil for a cell without a definition in force.
    fileprivate init?(_ cell: ManagedCell) {
        guard let definition = cell.definition else { return nil }
        self.init(
            path: definition.path, definition.configurationWithArchitecture, definition.descriptor,
            images: cell.images.places.map(Manager.PlacedImage.init))
    }

    private init(path: String, _ file: [UInt8], _ cell: CellDescriptor, images: [Manager.PlacedImage] = []) {
        self.init(
            path: path, data: Data(file).base64EncodedString(), regions: cell.memoryRegions.map(\.name), images: images)
    }
}

extension Manager.PlacedImage {
    fileprivate init(_ image: MemoryMap.Image) {
        self.init(
            path: image.file, entry: image.entry.map { Int(truncatingIfNeeded: $0) },
            parts: image.parts.map {
                Manager.ImagePart(
                    name: $0.name, start: Int(truncatingIfNeeded: $0.start), size: Int(truncatingIfNeeded: $0.size))
            })
    }
}
