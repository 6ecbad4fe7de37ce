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
        let code = "(code 0x\(hex(code))\(codeName.map { ": \($0)" } ?? ""))"
        // VT-d: in the compatibility format there is no index
        if vendor == .intel, self.code == 0x25 {
            return Explanation(
                summary:
                    "The PCI device \(device) sent an interrupt that is not remapped, which the IOMMU \(unit) blocked \(code).",
                advice:
                    "Its driver set it up before interrupts were remapped, or it is no MSI at all: have the driver set up the device anew, and compare "
                    + "msi-vectors and msix-vectors of its [[pci-device]] with 'lspci -vv'.")
        }
        if let interruptIndex {
            return Explanation(
                summary:
                    "The PCI device \(device) sent an interrupt that the IOMMU \(unit) blocked \(code): entry \(interruptIndex) of "
                    + "its table of interrupts is not that device's.",
                advice:
                    "Compare msi-vectors and msix-vectors of the device's [[pci-device]] with what its driver uses ('lspci -vv'): the "
                    + "hypervisor gives it so many entries. An interrupt that was set up before the device changed its cell is blocked as well."
            )
        }
        if isInterrupt {
            return Explanation(
                summary: "The PCI device \(device) sent an interrupt that the IOMMU \(unit) blocked \(code).",
                advice:
                    "Compare msi-vectors and msix-vectors of the device's [[pci-device]] with what its driver uses ('lspci -vv'). An interrupt that "
                    + "was set up before the device changed its cell is blocked as well.")
        }
        if vendor == .amd, [3, 4, 7, 8, 9].contains(self.code) {
            return Explanation(
                summary: "The IOMMU \(unit) reported an error with the PCI device \(device) \(code).",
                advice:
                    "It is no access that could be granted: the IOMMU's own tables or the device are at fault. Report it upstream with the whole "
                    + "console, if it comes again.")
        }
        let what = access.map { $0 == .read ? "read" : "write to" } ?? "access"
        let place = address.map { " 0x\(hex($0))" } ?? " memory"
        return Explanation(
            summary:
                "The PCI device \(device) tried to \(what)\(place), which is not its cell's for DMA; the IOMMU \(unit) stopped "
                + "it \(code).",
            advice:
                "Give the device to the cell that drives it ([[pci-device]]), and the access \"dma\" to that cell's RAM. Never "
                + "grant DMA to memory of others.")
    }

    /// VT-d's fault reasons, by its specification; AMD-Vi's event codes, by that of AMD.
    private var codeName: String? {
        let vtd: [UInt64: String] = [
            1: "no root entry", 2: "no context entry", 3: "a context entry that is not valid",
            4: "beyond the address width",
            5: "writing is not permitted", 6: "reading is not permitted", 7: "a page table that cannot be read",
            0x20: "reserved bits in the request", 0x21: "beyond the table", 0x22: "no such entry",
            0x23: "the table cannot be read", 0x24: "reserved bits in the entry",
            0x25: "an interrupt that is not remapped", 0x26: "the entry is another device's",
        ]
        let amd: [UInt64: String] = [
            1: "a device table entry that is not valid", 2: "page fault", 3: "error in reading the device table",
            4: "error in reading a page table", 7: "the device did not answer an invalidation",
            8: "a request that is not valid",
            9: "a request that is not valid",
        ]
        return vendor == .amd ? amd[code] : vtd[code]
    }
}

extension DMAFault {
    /// With the cell that has the device, and what the address is there.
    package func explanation(in surroundings: Surroundings) -> Explanation {
        var explanation = explanation
        let cells = [surroundings.cell].compactMap(\.self) + surroundings.others
        let owner = cells.first { $0.pciDevices.contains(where: isDevice) }
        let isLinux = surroundings.system.map { $0.rootCell.pciDevices.contains(where: isDevice) }
        explanation.notes.append(
            owner.map { "The device is the cell \"\($0.name)\"'s." }
                ?? (surroundings.isKnown
                    ? Self.ownerWithoutCell(isLinux)
                    : "Whose the device is, is not known: --cell and --system say it."))
        if owner == nil, isLinux == false {
            explanation.advice =
                "Add the device to [root-cell] of the system configuration ('jailhouse-ctl probe' proposes its [[pci-device]]), or "
                + "keep Linux's driver from it: what no configuration lists may use neither memory nor interrupts."
        }
        if let driver = surroundings.drivers[device] {
            explanation.notes.append("Its driver in Linux is \"\(driver)\".")
        }
        if isInterrupt || vendor == .amd && [3, 4, 7, 8, 9].contains(code) { return explanation }
        // VT-d 1 to 3, AMD-Vi 1: whatever the address is
        if vendor == .amd ? code == 1 : (1...3).contains(code) {
            if let owner {
                explanation.advice =
                    "The hypervisor has given the device no memory at all: compare \"iommu\" of its [[pci-device]] in \"\(owner.name)\" with the "
                    + "unit that serves it ('jailhouse-ctl probe'), and whether the cell exists."
            } else if isLinux == true {
                explanation.advice =
                    "The hypervisor has given the device no memory at all: compare \"iommu\" of its [[pci-device]] in the system configuration "
                    + "with the unit that serves it ('jailhouse-ctl probe')."
            }
            return explanation
        }
        if owner == nil,
            let chip = surroundings.system?.rootCell.interruptChips.first(where: { sourceName($0.id) == device })
        {
            explanation.summary = explanation.summary.replacing("PCI device \(device)", with: "IOAPIC (\(device))")
            explanation.notes = ["\(device) is the id of the [[interrupt-chip]] at 0x\(hex(chip.address))."]
            explanation.advice =
                "An interrupt's pin was set up in another way than the hypervisor's table has it: compare id and pins of [[interrupt-chip]] with the "
                + "tables MADT and DMAR ('jailhouse-ctl probe'). One that was set up before its pin changed the cell is blocked as well."
            return explanation
        }
        guard interruptIndex == nil else {
            let vectors = owner?.pciDevices.first(where: isDevice).map { ($0.msiVectors, $0.msixVectors) }
            if let (msi, msix) = vectors.map({ (UInt64($0), UInt64($1)) }) {
                explanation.notes.append("In its cell it has \(msi) MSI and \(msix) MSI-X vectors.")
            }
            return explanation
        }
        if let address {
            if let owner {
                complete(&explanation, address, of: owner)
            } else if isLinux != false, surroundings.isKnown {
                complete(&explanation, address, ofLinuxIn: surroundings, cells)
            }
        }
        return explanation
    }

    /// A source id as the console writes it.
    private func sourceName(_ id: UInt32) -> String? {
        PCIAddress(bus: Int(id >> 8 & 0xff), device: Int(id >> 3 & 0x1f), function: Int(id & 7))?.description
    }

    private func isDevice(_ device: PCIDevice) -> Bool { device.address.description == self.device }

    /// - Parameter isLinux: nil: there is no system configuration.
    private static func ownerWithoutCell(_ isLinux: Bool?) -> String {
        switch isLinux {
        case nil: "No known cell has the device, so it is Linux's, or nobody's."
        case true?: "The device is Linux's: [root-cell] of the system configuration has it."
        case false?: "Neither a known cell nor [root-cell] of the system configuration has the device."
        }
    }

    private func complete(_ explanation: inout Explanation, _ address: UInt64, of owner: CellDescriptor) {
        guard let region = owner.memoryRegions.first(where: { $0.contains(address) }) else {
            explanation.notes.append(
                "The cell has no memory at 0x\(hex(address)): devices use the cell's addresses (virtual), not the machine's."
            )
            explanation.advice =
                "Correct the address that the cell's driver gives the device: a buffer must be in the cell's RAM, which needs the "
                + "access \"dma\"."
            return
        }
        guard region.flags.contains(.dma) else {
            explanation.notes.append("0x\(hex(address)) is in \"\(region.label)\", which lacks the access \"dma\".")
            explanation.entry = region.access(with: ["dma"])
            return
        }
        explanation.notes.append("0x\(hex(address)) is in \"\(region.label)\", which allows DMA.")
        let isAllowed = access.map { region.flags.contains($0 == .read ? .read : .write) } ?? true
        if isAllowed {
            explanation.advice =
                "By the file that was given, this access is allowed. Either the cell was created with another one (compare them), or the "
                + "device still worked for the cell's program before, or for Linux, when the cell was created: let the driver reset it first."
        } else if let access {
            explanation.advice =
                "The region may not be \(access == .read ? "read" : "written") by anybody: correct the address that the driver gives "
                + "the device."
        }
    }

    private func complete(
        _ explanation: inout Explanation, _ address: UInt64, ofLinuxIn surroundings: Surroundings,
        _ cells: [CellDescriptor]
    ) {
        explanation.advice =
            "Linux's driver used memory that Linux does not have for DMA: it is a cell's, or its region in [root-cell] lacks the access "
            + "\"dma\". Unbind the driver before cells are created, or add the access for memory that is Linux's."
        if surroundings.isOfHypervisor(address) {
            explanation.notes.append("0x\(hex(address)) is the hypervisor's own memory.")
            explanation.advice =
                "Reserve the hypervisor's memory on the kernel's command line (memmap=SIZE$ADDRESS, or a node below reserved-memory), as [hypervisor-memory] has it: "
                + "Linux gave it to a driver. Never grant it."
        } else if let taken = cells.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
            explanation.notes.append("0x\(hex(address)) is memory of the cell \"\(taken.name)\".")
            explanation.advice =
                "Reserve the cell's memory on the kernel's command line (memmap=SIZE$ADDRESS, or a node below reserved-memory), "
                + "so that no driver of Linux gets it; never grant it."
        } else if let root = surroundings.system?.rootCell {
            guard let region = root.memoryRegions.first(where: { $0.containsPhysical(address) }) else {
                return explanation.notes.append("No region of [root-cell] has 0x\(hex(address)).")
            }
            let isForDMA = region.flags.contains(.dma)
            explanation.notes.append(
                "0x\(hex(address)) is in Linux's region \"\(region.label)\", which "
                    + (isForDMA ? "allows DMA." : "lacks the access \"dma\"."))
            if !isForDMA { explanation.entry = region.access(with: ["dma"]) }
        }
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
            let address = fault.interruptIndex == nil ? fault.address : nil
            if let index = indices[key] {
                groups[index].count += 1
                groups[index].addresses += [address].compactMap(\.self)
            } else {
                indices[key] = groups.count
                groups.append((fault, 1, [address].compactMap(\.self)))
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
