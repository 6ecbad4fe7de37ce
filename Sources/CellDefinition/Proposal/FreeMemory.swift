// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// Physical memory that a new cell can have.
struct FreeMemory {
    var system: SystemDescriptor
    /// The cells that are there already.
    var others: [CellDescriptor]

    static let pageSize: UInt64 = 0x1000
    static let hugePageSize: UInt64 = 0x20_0000

    /// Where `size` bytes are free, at a huge page's begin if they fill one.
    ///
    /// The configuration does not say what Linux leaves alone. By convention cells' memory is a region of the root
    /// cell of its own: it is called so, or it is the one beside the hypervisor's memory.
    ///
    /// - Parameter more: bytes in front of them that the user did not ask for.
    /// - Returns: the place, and whether it is only beside the hypervisor's memory.
    func place(for size: UInt64, with more: UInt64 = 0) throws(DefinitionError) -> (start: UInt64, isGuessed: Bool) {
        let (regions, isGuessed) = candidates
        guard !regions.isEmpty else {
            throw FreeMemory.failure(
                "nothing in the system configuration shows which memory is kept for cells",
                remedy: "give the address with --physical, or name the root cell's region \"memory for cells\""
            )
        }
        for region in regions {
            if let place = place(for: size + more, in: region) { return (place, isGuessed) }
        }
        let names = regions.map {
            "\"\($0.label)\" (\(rangeText($0.physicalStart, $0.physicalEnd &- 1)))"
        }.joined(separator: ", ")
        let less =
            largestPlace(below: size, with: more).flatMap(Quantity.sizeText).map {
                "give it --memory \"\($0)\" at most, or "
            } ?? ""
        throw FreeMemory.failure(
            "\(names) has no \(Quantity.sizeText(size + more) ?? "\(size + more) bytes") in one piece left",
            remedy: less + "name only cells that exist at the same time, or keep more memory for cells"
        )
    }

    /// The largest power of two below `size`, of at least 1 MiB, for which there is a place.
    private func largestPlace(below size: UInt64, with more: UInt64) -> UInt64? {
        FreeMemory.smallerSizes(than: size).first { smaller in
            candidates.regions.contains { place(for: smaller + more, in: $0) != nil }
        }
    }

    /// The powers of two below `size`, the largest first, down to 1 MiB.
    static func smallerSizes(than size: UInt64) -> [UInt64] {
        (20..<52).reversed().map { UInt64(1) << $0 }.filter { $0 < size }
    }

    /// The regions of the root cell that are kept for cells, the likeliest ones.
    private var candidates: (regions: [MemoryRegion], isGuessed: Bool) {
        let ram = system.rootCell.memoryRegions.filter {
            $0.flags.isSuperset(of: [.read, .write, .execute])
                && $0.flags.isDisjoint(with: [.io, .communicationRegion])
        }
        let named = ram.filter(MemoryParameter.isForCells)
        if !named.isEmpty { return (named, false) }
        let hypervisor = system.hypervisorMemory
        let beside = ram.filter {
            $0.physicalStart == hypervisor.physicalEnd || $0.physicalEnd == hypervisor.physicalStart
        }
        // on both sides of it: one is Linux's, and which cannot be seen; so is one that is a large part of the RAM
        let all = ram.reduce(UInt64(0)) { $0.addingReportingOverflow($1.size).partialValue }
        guard beside.count == 1, beside[0].size < all / 4 else { return ([], false) }
        return (beside, true)
    }

    private func place(for size: UInt64, in region: MemoryRegion) -> UInt64? {
        let alignment = size >= FreeMemory.hugePageSize ? FreeMemory.hugePageSize : FreeMemory.pageSize
        // such as memory of Linux's links
        let ofLinux = system.rootCell.memoryRegions.filter {
            $0 != region && $0.physicalStart >= region.physicalStart && $0.physicalEnd <= region.physicalEnd
        }
        let taken = ([system.hypervisorMemory] + ofLinux + others.flatMap(\.memoryRegions))
            .filter { $0.size > 0 && !$0.flags.contains(.communicationRegion) }
            .sorted { $0.physicalStart < $1.physicalStart }
        var next = aligned(region.physicalStart, alignment)
        for other in taken where other.physicalEnd > next {
            if other.physicalStart >= next, other.physicalStart - next >= size { break }
            next = aligned(other.physicalEnd, alignment)
        }
        guard next >= region.physicalStart, next < region.physicalEnd, region.physicalEnd - next >= size else {
            return nil
        }
        return next
    }

    /// The last address there is when there is nothing behind it.
    private func aligned(_ address: UInt64, _ alignment: UInt64) -> UInt64 {
        let (sum, overflow) = address.addingReportingOverflow(alignment - 1)
        return overflow ? .max : sum / alignment * alignment
    }

    private static func failure(_ message: String, remedy: String) -> DefinitionError {
        DefinitionError(.invalidValue, message, path: "", remedy: remedy)
    }
}

extension MemoryRegion {
    /// The address behind it; the last one there is at most.
    var physicalEnd: UInt64 {
        let (end, overflow) = physicalStart.addingReportingOverflow(size)
        return overflow ? .max : end
    }
}
