// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

// What would be pasted into a definition, and what never may be.

extension Surroundings {
    /// A region of whole pages that contains these bytes.
    static func region(over address: UInt64, size: UInt64, name: String = "", isShared: Bool = false) -> String {
        let (start, end) = (address & ~0xfff, (address &+ (max(size, 1) - 1)) | 0xfff)
        let count = end > start ? end - start + 1 : 0x1000
        return """
            [[memory]]
            \(name.isEmpty ? "" : "name = \"\(name.filter { $0 != "\"" && $0 != "\\" })\"\n")physical = 0x\(hex(start))
            virtual = 0x\(hex(start))
            size = \(Quantity.sizeText(count).map { "\"\($0)\"" } ?? "0x\(hex(count))")
            access = ["read", "write", "io"\(isShared ? ", \"root-shared\"" : "")]
            """
    }

    /// The bytes alone, where somebody has another part of the page: a region over the whole page would take it.
    func subPageEntry(_ address: UInt64, _ size: UInt64) -> (what: String, text: String)? {
        let page = address & ~0xfff
        guard address & 0xfff + size <= 0x1000 else { return nil }
        func isNear(_ region: MemoryRegion, _ start: UInt64) -> Bool {
            region.size > 0 && !region.flags.contains(.communicationRegion) && region.isSubPage
                && start <= page + 0xfff && start &+ (region.size - 1) >= page
        }
        if let own = cell?.memoryRegions.first(where: { isNear($0, $0.virtualStart) }) {
            guard address < own.virtualStart else {
                return (
                    "Make that region larger",
                    "size = 0x\(hex(address + size - own.virtualStart))    # of \"\(own.label)\""
                )
            }
            let distance = own.virtualStart - (address & ~7)
            return (
                "Let that region begin earlier",
                """
                physical = 0x\(hex(own.physicalStart &- distance))    # of "\(own.label)"
                virtual = 0x\(hex(own.virtualStart - distance))
                size = 0x\(hex(own.size + distance))
                """
            )
        }
        guard others.contains(where: { $0.memoryRegions.contains { isNear($0, $0.physicalStart) } }) else { return nil }
        let start = address & ~7
        return (
            "Another cell has a part of this page; add a region for these bytes",
            """
            [[memory]]
            physical = 0x\(hex(start))
            virtual = 0x\(hex(start))
            size = 0x\(hex((address - start + size + 7) & ~7))
            access = ["read", "write", "io", "io-\(size * 8)"]
            """
        )
    }

    /// Why a section of an ivshmem link may not be written; nil: it is none.
    func linkSection(of region: MemoryRegion) -> String? {
        guard let cell, !cell.format.hasOldLinks else { return nil }
        for device in cell.pciDevices where device.kind == .sharedMemory {
            guard let sections = device.sections(in: cell),
                let number = sections.firstIndex(where: { $0.region == region })
            else { continue }
            return number == 0
                ? "Never grant it: the hypervisor alone writes the state table of the link \(device.address). A peer sets its state in the "
                    + "device's register State (offset 16 of its first BAR)."
                : "Never grant it: this is the output section of peer \(number - 2) of the link \(device.address), and the cell is peer "
                    + "\(device.sharedMemoryID). A program writes its own output section, or the common one."
        }
        return nil
    }

    /// What is the address of no memory but an offset from a pointer that is 0; nil: it is none.
    static func nullText(_ address: UInt64) -> String? {
        switch address {
        case 0..<0x1000: "0x\(hex(address)) is a small offset from a pointer that is 0."
        case 0xffff_f000...0xffff_ffff:
            "0x\(hex(address)) is −\(0x1_0000_0000 - address) as a signed number of 32 bits: a negative offset from a pointer that is 0."
        case 0xffff_ffff_ffff_f000...:
            "0x\(hex(address)) is −\(UInt64.max - address + 1) as a signed number: a negative offset from a pointer that is 0."
        default: nil
        }
    }
}
