// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
/// The hypervisor's page pools. What a cell costs is roughly right; nothing depends on it.
extension Machine {
    package struct Pools: Hashable, Sendable {
        package var memorySize = 0
        package var memoryUsed = 0
        package var remapSize = 0
        package var remapUsed = 0
    }

    /// In pages; all 0 while disabled.
    package var pools: Pools {
        guard let system else { return Pools() }
        let pages = Int(clamping: system.hypervisorMemory.size / 4096)
        let size = max(0, pages - 45)
        let others = cells.filter { !$0.isRoot && $0.phase == .present }
        let cellPages = others.reduce(0) { $0 + 12 + $1.descriptor.memoryRegions.count + 2 * $1.cpus.count }
        return Pools(
            memorySize: size, memoryUsed: min(size, 190 + cellPages),
            remapSize: 131_072, remapUsed: 65_541 + others.count
        )
    }

    mutating func printPoolUsage(after what: String) {
        let pools = pools
        console.print(
            "Page pool usage after \(what): mem \(pools.memoryUsed)/\(pools.memorySize), "
                + "remap \(pools.remapUsed)/\(pools.remapSize)")
    }
}
