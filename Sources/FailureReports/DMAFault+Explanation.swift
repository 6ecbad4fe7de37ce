// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension DMAFault {
    /// An IOMMU had more to report than it could keep.
    package static let lostReports = Explanation(
        summary: "An IOMMU reported more faults than it could keep, so some are lost.",
        advice:
            "A device is accessing foreign memory over and over: the reports before name it. Stop its driver, or its cell."
    )

    package var explanation: Explanation {
        let what = access.map { $0 == .read ? "read" : "write to" } ?? "access"
        let place = address.map { " 0x\(hex($0))" } ?? " memory"
        return Explanation(
            summary:
                "The PCI device \(device) tried to \(what)\(place), which is not its cell's for DMA; the IOMMU \(unit) stopped "
                + "it (code 0x\(hex(code))\(codeName.map { ": \($0)" } ?? "")).",
            advice:
                "Give the device to the cell that drives it ([[pci-device]]), and the access \"dma\" to that cell's RAM. Never "
                + "grant DMA to memory of others.")
    }

    /// VT-d's fault reasons, by its specification; AMD-Vi's event codes, by that of AMD. Only VT-d says whether it was a read.
    private var codeName: String? {
        let vtd: [UInt64: String] = [
            1: "no root entry", 2: "no context entry", 3: "a context entry that is not valid",
            4: "beyond the address width",
            5: "writing is not permitted", 6: "reading is not permitted", 7: "a page table that cannot be read",
        ]
        let amd: [UInt64: String] = [
            1: "a device table entry that is not valid", 2: "page fault", 3: "error in reading the device table",
            4: "error in reading a page table", 7: "the device did not answer an invalidation",
            8: "a request that is not valid",
            9: "a request that is not valid",
        ]
        return access == nil ? amd[code] : vtd[code]
    }
}

extension DMAFault {
    /// With the cell that has the device, and what the address is there.
    package func explanation(in surroundings: Surroundings) -> Explanation {
        var explanation = explanation
        let cells = [surroundings.cell].compactMap(\.self) + surroundings.others
        let owner = cells.first { $0.pciDevices.contains { $0.address.description == device } }
        explanation.notes.append(
            owner.map { "The device is the cell \"\($0.name)\"'s." }
                ?? "No known cell has the device, so it is Linux's, or nobody's.")
        if let driver = surroundings.drivers[device] {
            explanation.notes.append("Its driver in Linux is \"\(driver)\".")
        }
        guard let address else { return explanation }
        guard let owner else {
            if let taken = cells.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
                explanation.notes.append("0x\(hex(address)) is memory of the cell \"\(taken.name)\".")
            }
            explanation.advice =
                "Linux's driver used memory that Linux does not have for DMA: it is a cell's, or its region in [root-cell] lacks the access "
                + "\"dma\". Unbind the driver before cells are created, or add the access for memory that is Linux's."
            return explanation
        }
        if let region = owner.memoryRegions.first(where: { $0.contains(address) }) {
            explanation.notes.append(
                "0x\(hex(address)) is in \"\(region.label)\", which "
                    + (region.flags.contains(.dma) ? "allows DMA." : "lacks the access \"dma\"."))
            if !region.flags.contains(.dma) {
                explanation.entry = region.access(with: ["dma"])
            }
        } else {
            explanation.notes.append(
                "The cell has no memory at 0x\(hex(address)): devices use the cell's addresses (virtual), not the machine's."
            )
        }
        return explanation
    }
}

extension ConsoleText {
    /// The IOMMUs' reports, those together that are the same but for the address.
    ///
    /// - Parameter surroundings: of a device.
    package func faultExplanations(in surroundings: (_ device: String) -> Surroundings) -> [Explanation] {
        struct Key: Hashable {
            let unit: UInt64
            let device: String
            let access: Access?
            let code: UInt64
        }
        var groups: [(first: DMAFault, count: Int, addresses: [UInt64])] = []
        var indices: [Key: Int] = [:]
        for fault in dmaFaults {
            let key = Key(unit: fault.unit, device: fault.device, access: fault.access, code: fault.code)
            if let index = indices[key] {
                groups[index].count += 1
                groups[index].addresses += [fault.address].compactMap(\.self)
            } else {
                indices[key] = groups.count
                groups.append((fault, 1, [fault.address].compactMap(\.self)))
            }
        }
        return groups.map { group in
            var explanation = group.first.explanation(in: surroundings(group.first.device))
            guard group.count > 1 else { return explanation }
            let range = group.addresses.min().flatMap { first in
                group.addresses.max().map { $0 == first ? "" : ", for addresses from 0x\(hex(first)) to 0x\(hex($0))" }
            }
            explanation.notes.append("The text has \(group.count) such reports\(range ?? "").")
            return explanation
        }
    }
}
