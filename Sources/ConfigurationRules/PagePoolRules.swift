// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the hypervisor's page pool, from which the page tables of all cells are taken.
enum PagePoolRules {
    static let text = (
        consequence: "creating the cell that comes last fails with ENOMEM",
        remedy: "make [hypervisor-memory] larger, or align the cells' memory so that it is mapped in pages of 2 MiB: "
            + "\"physical\" and \"virtual\" multiples of 0x200000"
    )

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH0512", severity: .warning, title: "the hypervisor's memory holds the page tables of a cell",
            consequence: text.consequence, remedy: text.remedy
        ) { placement in
            let pool = PagePool(of: placement.system)
            let need = pool.pages(for: placement.cell)
            guard need > pool.free else { return [] }
            return [
                .init(
                    location: "memory", message: pool.message(need, "the cell's page tables"),
                    severity: need > pool.most ? .error : nil)
            ]
        }
    ]

    /// Cells that can run together, against the system.
    static let group = Rule<Neighbours>(
        id: "JH0613", severity: .warning, title: "the hypervisor's memory holds the page tables of all cells",
        consequence: text.consequence, remedy: text.remedy
    ) { group in
        guard let pool = group.pool, let last = group.members.last else { return [] }
        let needs = group.members.map { pool.pages(for: $0.cell) }
        // what is too large by itself has been reported by then; cells with a CPU in common do not run together
        var taken: [Int: Int] = [:]
        for (index, member) in group.members.enumerated() where needs[index] <= pool.free {
            let cpu = member.cell.cpus.members.first ?? -1
            taken[cpu] = max(taken[cpu] ?? 0, needs[index])
        }
        let need = taken.values.reduce(0, +)
        guard need > pool.free, taken.count > 1 else { return [] }
        return [
            .init(
                location: "memory", message: pool.message(need, "the page tables of \(taken.count) cells"),
                path: last.path, severity: need > pool.most ? .error : nil)
        ]
    }
}

/// An estimate of the hypervisor's page pool, in pages of 4 KiB.
struct PagePool: Sendable {
    /// What is left for cells, about.
    let free: Int
    /// What is left at most: without what the hypervisor is seen to take for itself.
    let most: Int
    private let hasIOMMU: Bool
    private let size: Int
    private static let page: UInt64 = 4096
    private static let largePage: UInt64 = 0x20_0000

    init(of system: SystemDescriptor) {
        size = Int(clamping: system.hypervisorMemory.size / Self.page)
        hasIOMMU = system.platform.usedIOMMUUnits > 0
        // seen: of the pages, the hypervisor itself has 557 on a PC with 4 CPUs and 561 on one with 6, 30 on an Arm64 board
        // with 4; some 200 of the rest are taken once it is enabled
        let isPC = system.architecture == .x86
        let cpus = system.rootCell.cpus.members.count
        let own = isPC ? 520 + 9 * cpus : 10 + 8 * cpus
        let least = isPC ? 520 + 4 * cpus : 20 + 2 * cpus
        let root = Self.pages(for: system.rootCell, hasIOMMU: hasIOMMU)
        free = max(0, size - own - root - 100)
        most = max(0, size - least)
    }

    /// What a cell takes.
    func pages(for cell: CellDescriptor) -> Int { Self.pages(for: cell, hasIOMMU: hasIOMMU) }

    func message(_ need: Int, _ what: String) -> String {
        let missing = UInt64(need - free) * Self.page
        let whole = (UInt64(size) * Self.page &+ missing &+ 0xf_ffff) >> 20
        return "\(what) need about \(need) pages, and about \(free) are free of the hypervisor's "
            + "\(UInt64(size) * Self.page >> 10) KiB; make hypervisor-memory at least \(whole) MiB"
    }

    /// A table of 512 entries maps 2 MiB in small pages, or 1 GiB in large ones.
    private static func pages(for cell: CellDescriptor, hasIOMMU: Bool) -> Int {
        var tables = 4
        for region in cell.memoryRegions where !region.flags.contains(.communicationRegion) && !region.isSubPage {
            let isLarge =
                region.physicalStart % largePage == region.virtualStart % largePage
                && !region.flags.contains(.noHugePages)
            let covered = isLarge ? largePage << 9 : largePage
            let count = Int(clamping: region.size / covered) + 1
            tables += count * (hasIOMMU && region.flags.contains(.dma) ? 2 : 1)
        }
        return tables
    }
}
