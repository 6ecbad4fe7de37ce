// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The root cell's memory regions: whole pages, none over another, and nothing that the hypervisor keeps.
struct ProposedMemory {
    private(set) var regions: [MemoryRegion] = []
    /// What no region may have.
    private var taken: [ClosedRange<UInt64>] = []

    /// Below this, PCs have RAM, firmware and the display's memory in small pieces.
    private static let firstMegabyte: UInt64 = 0x10_0000
    /// Beyond this, what the firmware reserves is no memory: many processors have no such addresses.
    private static let farthest: UInt64 = 1 << 39
    static let reservedByFirmware = "reserved by the firmware"
    static let firmwareNote =
        "What the firmware has here is not known (UEFI's services, which Linux calls, for example); if Linux never touches it, "
        + "remove it."

    /// What no region has been proposed for.
    private(set) var leftOut: [RunningMachine.Resource] = []

    /// - Parameters:
    ///   - demanded: what devices use by DMA although Linux does not have it: RMRRs and the like.
    ///   - keepOut: what is the hypervisor's: pages that no region may have.
    init(
        _ resources: [RunningMachine.Resource], functions: [PCIFunction], reserved: ReservedMemory?,
        demanded: [ClosedRange<UInt64>], keepOut: [ClosedRange<UInt64>]
    ) {
        taken = keepOut
        if let reserved { taken.append(reserved.start...reserved.last) }
        add("low memory", 0...0x9_ffff, [.read, .write, .execute, .dma])
        var roms: MemoryRegion.Flags = [.read, .write, .execute]
        if demanded.contains(where: { $0.overlaps(0xa_0000...0xf_ffff) }) { roms.insert(.dma) }
        add("display and ROMs", 0xa_0000...0xf_ffff, roms)
        if let reserved { addMemoryForCells(reserved) }
        for range in demanded { add("reserved for device DMA", range, [.read, .write, .dma]) }
        // RAM first: where something else shares a page with it, the page is RAM
        let sorted = resources.filter { $0.last >= Self.firstMegabyte }.sorted { Self.rank($0) < Self.rank($1) }
        for resource in sorted {
            guard let (name, flags) = Self.purpose(of: resource) else { continue }
            if resource.first >= Self.farthest && name == Self.reservedByFirmware {
                leftOut.append(resource)
                continue
            }
            add(name, resource.first...resource.last, flags)
        }
        for function in functions {
            for window in function.windows where !window.isPorts && window.first >= Self.firstMegabyte {
                add("\(function.kindName) \(function.address)", window.first...window.last, [.read, .write])
            }
        }
        // such as ROMs, and functions whose files are not there
        for resource in resources where Self.isPCIName(resource.name) && resource.first >= Self.firstMegabyte {
            add("PCI device \(resource.name)", resource.first...resource.last, [.read, .write])
        }
        regions.sort { $0.physicalStart < $1.physicalStart }
    }

    /// With what is kept for cells, and nothing else yet.
    init(reserved: ReservedMemory?, keepOut: [ClosedRange<UInt64>]) {
        taken = keepOut
        guard let reserved else { return }
        taken.append(reserved.start...reserved.last)
        addMemoryForCells(reserved)
    }

    private mutating func addMemoryForCells(_ reserved: ReservedMemory) {
        regions.append(
            MemoryRegion(
                name: MemoryParameter.regionForCells, physicalStart: reserved.start, virtualStart: reserved.start,
                size: reserved.size - ReservedMemory.hypervisorSize, flags: [.read, .write, .execute, .dma]))
    }

    /// By their addresses.
    var sorted: [MemoryRegion] { regions.sorted { $0.physicalStart < $1.physicalStart } }

    private static func rank(_ resource: RunningMachine.Resource) -> Int {
        resource.isLinuxMemory ? 0 : resource.parents.isEmpty ? 2 : 1
    }

    /// Nil for what the hypervisor looks after, what is a bus and not a device, and what the functions' own
    /// registers say better.
    private static func purpose(of resource: RunningMachine.Resource) -> (String, MemoryRegion.Flags)? {
        let name = resource.name
        if resource.isLinuxMemory { return ("RAM", [.read, .write, .execute, .dma]) }
        // memory that becomes RAM, or a disk that devices reach
        if ["Persistent Memory", "Soft Reserved"].contains(where: name.hasPrefix), resource.parents.isEmpty {
            return (name, [.read, .write, .execute, .dma])
        }
        let others = [
            "PCI ", "IOAPIC", "Local APIC", "dmar", "amd_iommu", "Kernel ", "Crash kernel", "Unusable memory",
            "CXL Window",
        ]
        guard !others.contains(where: name.hasPrefix), !isPCIName(name) else { return nil }
        // what its parent has is not named twice
        let isPart = resource.parents.contains { !$0.hasPrefix("PCI Bus") }
        if name.hasPrefix("HPET") { return ("HPET", [.read, .write]) }
        if name.hasPrefix("ACPI Tables") { return ("ACPI tables", .read) }
        if name.lowercased() == "reserved" {
            return resource.last == 0xffff_ffff ? ("firmware", .read) : (reservedByFirmware, [.read, .write, .execute])
        }
        return isPart ? nil : (String(name.prefix(40)), [.read, .write])
    }

    /// `0000:00:1f.2`
    static func isPCIName(_ name: String) -> Bool {
        name.count == 12 && name.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }

    /// Whole pages of the range, without those that are taken or have a region already.
    mutating func add(_ name: String, _ range: ClosedRange<UInt64>, _ flags: MemoryRegion.Flags) {
        var pieces = [range.lowerBound & ~0xfff...range.upperBound | 0xfff]
        for other in taken + regions.map({ $0.physicalStart...$0.physicalStart + ($0.size - 1) }) {
            pieces = pieces.flatMap { Self.without(other.lowerBound & ~0xfff...other.upperBound | 0xfff, $0) }
        }
        for piece in pieces where piece.upperBound - piece.lowerBound < .max {
            regions.append(
                MemoryRegion(
                    name: name, physicalStart: piece.lowerBound, virtualStart: piece.lowerBound,
                    size: piece.upperBound - piece.lowerBound + 1, flags: flags))
        }
    }

    private static func without(_ other: ClosedRange<UInt64>, _ range: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
        guard range.overlaps(other) else { return [range] }
        var pieces: [ClosedRange<UInt64>] = []
        if range.lowerBound < other.lowerBound { pieces.append(range.lowerBound...other.lowerBound - 1) }
        if range.upperBound > other.upperBound { pieces.append(other.upperBound + 1...range.upperBound) }
        return pieces
    }
}
