// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

// Which boxes there are.

extension MemoryMap {
    static func physical(
        _ system: (file: String, descriptor: SystemDescriptor)?, _ cells: [Cell]
    ) -> AddressSpaceMap {
        var linux: [MapBlock] = []
        var taken: [MapBlock] = []
        if let (file, system) = system {
            linux = blocks(of: system.rootCell, .linux, file)
            taken = platform(of: system, file)
            let memory = system.hypervisorMemory
            let block = MapBlock(
                .hypervisor, "hypervisor", start: memory.physicalStart, size: memory.size,
                anchors: [MapAnchor(file: file, key: "hypervisor-memory")])
            taken += [block].compactMap(\.self)
        }
        for (index, cell) in cells.enumerated() {
            taken += blocks(of: cell.descriptor, .cell(index), cell.file, prefix: cell.descriptor.name + ": ")
        }
        let name = system.map { " of \($0.descriptor.rootCell.name)" } ?? ""
        return AddressSpaceMap(
            title: "Physical memory" + name, cell: nil,
            groups: [
                (title: "Linux", blocks: linux),
                (title: "hypervisor" + (cells.isEmpty ? "" : " and cells"), blocks: taken),
            ])
    }

    /// A cell's regions where they are in the machine.
    private static func blocks(
        of cell: CellDescriptor, _ owner: MapBlock.Owner, _ file: String, prefix: String = ""
    ) -> [MapBlock] {
        cell.memoryRegions.enumerated().compactMap { index, region in
            guard region.physicalRange != nil else { return nil }
            return MapBlock(
                owner, prefix + region.label, start: region.physicalStart, size: region.size,
                detail: MapText.access(region.flags, isRoot: owner == .linux),
                anchors: [MapAnchor(file: file, key: "memory[\(index)]")])
        }
    }

    /// A cell's regions and what is loaded into them, where it sees them.
    static func space(of cell: Cell, at index: Int) -> AddressSpaceMap {
        let regions = cell.descriptor.memoryRegions.enumerated().compactMap { number, region in
            let isCommunication = region.flags.contains(.communicationRegion)
            return MapBlock(
                .cell(index), region.label, start: region.virtualStart, size: region.size,
                kind: isCommunication ? .communicationRegion : .region, detail: MapText.access(region.flags),
                physicalStart: isCommunication ? nil : region.physicalStart,
                anchors: [MapAnchor(file: cell.file, key: "memory[\(number)]")])
        }
        let parts = cell.images.enumerated().flatMap { number, image in
            image.parts.compactMap { part in
                MapBlock(
                    .cell(index), [part.name, fileName(image.file)].filter { !$0.isEmpty }.joined(separator: " of "),
                    start: part.start, size: part.size, kind: .segment,
                    anchors: [
                        MapAnchor(file: image.file, key: ""), MapAnchor(file: cell.file, key: "image[\(number)]"),
                    ])
            }
        }
        let accesses = cell.accesses.enumerated().compactMap { number, access in
            MapBlock(
                .cell(index), access.text, start: access.address, size: access.size,
                detail: "0x" + String(access.address, radix: 16),
                anchors: [MapAnchor(file: cell.file, key: Access.key(number))])
        }
        return AddressSpaceMap(
            title: "Cell \(cell.descriptor.name), CPU \(cell.descriptor.cpus.list), as it sees memory",
            cell: cell.descriptor.name,
            groups: [
                (title: "memory", blocks: regions), (title: "loaded into it", blocks: parts),
                (title: "failure", blocks: accesses),
            ],
            marks: marks(of: cell))
    }

    private static func marks(of cell: Cell) -> [AddressSpaceMap.Mark] {
        var marks: [AddressSpaceMap.Mark] = []
        for image in cell.images {
            if let entry = image.entry, entry != cell.descriptor.cpuResetAddress {
                marks.append(.init(address: entry, text: "entry"))
            }
        }
        let anchor = MapAnchor(file: cell.file, key: "cell.reset-address")
        return [.init(address: cell.descriptor.cpuResetAddress, text: "start", anchors: [anchor])] + marks
    }

    private static func fileName(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
