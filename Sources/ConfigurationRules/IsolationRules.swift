// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about caches, stream ids and IOMMUs: what keeps cells apart besides memory.
enum IsolationRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1201", severity: .error, title: "a cell has at most one part of the cache, for code and data",
            consequence: "on a processor that can divide its cache the hypervisor refuses it with EINVAL",
            remedy: "keep one [[cache]] with type = \"both\" and a size of at least 1"
        ) { cell in
            let isSound = cell.cacheRegions.allSatisfy { $0.kind == .both && $0.size > 0 }
            guard cell.cacheRegions.count > 1 || !isSound else { return [] }
            let overlapping = AddressRange.overlaps(in: ranges(of: cell)).first
            return [
                .init(
                    location: "cache[\(overlapping?.1 ?? max(0, cell.cacheRegions.count - 1))]",
                    message: cell.cacheRegions.count == 1
                        ? "the part of the cache is for \(cell.cacheRegions[0].use) and has the size "
                            + "\(cell.cacheRegions[0].size)"
                        : "there are \(cell.cacheRegions.count) parts of the cache"
                            + (overlapping == nil ? "" : ", and they overlap")
                )
            ]
        },
        Rule(
            id: "JH1202", severity: .warning, title: "a stream id is in the list once",
            consequence: "a second entry for it uses up one of the IOMMU's few stream mapping registers",
            remedy: "remove one of them"
        ) { cell in
            var seen: Set<UInt32> = []
            let repeated = cell.streamIDs.filter { !seen.insert($0).inserted }
            guard !repeated.isEmpty else { return [] }
            return [
                .init(
                    location: "cell.stream-ids",
                    message: "listed again: " + repeated.map { hexadecimal($0) }.joined(separator: ", ")
                )
            ]
        },
    ]

    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH1207", severity: .warning,
            title: "an IOMMU is one of the machine's kind, with registers, and in the list once",
            consequence: "the hypervisor refuses the unit, or sets it up twice: enabling fails",
            remedy:
                "correct \"type\", \"base\" and \"size\" of the [[iommu]], of AMD's \"bdf\" and capabilities, too, or remove it; 'probe' lists those of a machine"
        ) { system in
            let units = Array(system.platform.iommuUnits.prefix(system.platform.usedIOMMUUnits))
            let ofPC: [IOMMUUnit.Kind] = [.amd, .intel]
            return units.enumerated().compactMap { index, unit in
                let message: String
                if let first = units[..<index].firstIndex(where: { $0.base == unit.base && $0.kind == unit.kind }) {
                    message = "the unit at \(hexadecimal(unit.base)) is iommu[\(first)], too"
                } else if unit.size == 0 {
                    message = "the unit at \(hexadecimal(unit.base)) has the size 0"
                } else if unit.kind == .amd, unit.amd.baseCapability == 0 {
                    message = "the unit at \(hexadecimal(unit.base)) has no base-capability"
                } else if unit.kind != .none, ofPC.contains(unit.kind) != (system.architecture == .x86) {
                    message =
                        "the unit at \(hexadecimal(unit.base)) is of a kind that \(system.architecture.name) machines have not"
                } else {
                    return nil
                }
                return .init(location: "iommu[\(index)]", message: message)
            }
        },
        Rule(
            id: "JH1203", severity: .warning, title: "no IOMMU comes after an empty place in the list",
            consequence: "the hypervisor stops counting at the first unit without an address: the others stay off",
            remedy: "remove the empty place, or give that unit its \"base\""
        ) { system in
            let units = system.platform.iommuUnits
            let used = system.platform.usedIOMMUUnits
            guard let hidden = units.indices.first(where: { $0 > used && units[$0].base != 0 }) else { return [] }
            return [
                .init(
                    location: "iommu[\(hidden)]",
                    message:
                        "the unit at \(hexadecimal(units[hidden].base)) comes after iommu[\(used)], which has no base"
                )
            ]
        },
    ]

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1205", severity: .warning, title: "an Arm cell with stream ids is behind an IOMMU",
            consequence: "the hypervisor ignores the ids: the cell's devices reach all memory of the machine",
            remedy: "list the unit (SMMUv3, MMU-500 or PVU) in the system's [[iommu]], or leave out stream-ids"
        ) { placement in
            let known: Set<IOMMUUnit.Kind> = [.smmuV3, .mmu500, .pvu]
            let units = placement.system.platform.iommuUnits.prefix(placement.system.platform.usedIOMMUUnits)
            guard placement.system.architecture != .x86, !placement.cell.streamIDs.isEmpty,
                !units.contains(where: { known.contains($0.kind) })
            else { return [] }
            return [
                .init(
                    location: "cell.stream-ids",
                    message: "the cell has \(placement.cell.streamIDs.count) stream ids, the system no IOMMU")
            ]
        }
    ]

    static func ranges(of cell: CellDescriptor) -> [(index: Int, range: AddressRange)] {
        cell.cacheRegions.enumerated().compactMap { index, region in
            AddressRange(start: UInt64(region.start), size: UInt64(region.size)).map { (index, $0) }
        }
    }
}

extension CacheRegion {
    fileprivate var use: String {
        switch kind {
        case .code: "code only"
        case .data: "data only"
        case .both: "code and data"
        default: "kind \(kind.rawValue)"
        }
    }
}
