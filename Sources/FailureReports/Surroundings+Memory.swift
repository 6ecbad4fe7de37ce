// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// What an address is, and whether a cell should have it.
struct AddressJudgement {
    var notes: [String] = []
    /// Nil: nothing of a definition would allow it, or it must not.
    var entry: String?
    /// Whether one should; nil: nothing is known about it.
    var advice: String?
    /// It is not to be granted, or no region would help.
    var isForbidden = false
    /// The rule that is about exactly this mistake.
    var rule: String?
    /// Those that may be about it, where they find something.
    var possibleRules: [String] = []

    mutating func forbid(_ advice: String) { (isForbidden, self.advice, entry) = (true, advice, nil) }
}

extension Surroundings {
    /// - Parameters:
    ///   - address: as the cell sees it.
    ///   - size: in bytes, at least 1.
    ///   - isFetch: an instruction was to be read there.
    func judge(_ address: UInt64, size: UInt64, _ access: Access, isFetch: Bool) -> AddressJudgement {
        var judgement = AddressJudgement()
        if let cell { judgeRegions(of: cell, address, size, access, isFetch, &judgement) }
        // what is at that address in the machine says nothing about a wrong jump
        guard judgement.advice == nil, !isFetch else { return judgement }
        judgeMachine(address, size, access, &judgement)
        return judgement
    }

    /// By the regions of the cell itself.
    private func judgeRegions(
        of cell: CellDescriptor, _ address: UInt64, _ size: UInt64, _ access: Access, _ isFetch: Bool,
        _ judgement: inout AddressJudgement
    ) {
        if let region = cell.memoryRegions.first(where: { $0.contains(address) }) {
            return judge(address, size, access, isFetch, in: region, isArm: cell.architecture != .x86, &judgement)
        }
        guard
            let near = cell.memoryRegions.filter({ $0.size > 0 }).min(by: {
                $0.distance(to: address) < $1.distance(to: address)
            })
        else { return judgement.notes.append("The cell has no memory at all.") }
        let distance = near.distance(to: address)
        let isBehind = address > near.virtualStart
        judgement.notes.append(
            distance >= 1 << 40
                ? "0x\(hex(address)) is far from all of the cell's memory."
                : "0x\(hex(address)) is \(distance == 0 ? "right" : Self.size(distance)) "
                    + "\(isBehind ? "behind" : "in front of") \"\(near.label)\" (\(near.rangeText)).")
        if !isFetch, let region = cell.memoryRegions.first(where: { $0.containsPhysical(address) }) {
            let seen = region.virtualStart + (address - region.physicalStart)
            judgement.notes.append(
                "0x\(hex(address)) is the machine's address of \"\(region.label)\"; the cell has it at 0x\(hex(seen)).")
            return judgement.forbid(
                "The program must use the cell's address, 0x\(hex(seen)): nothing is to be granted.")
        }
        if let region = cell.communicationRegion,
            let expected = Self.knownCommunicationRegions.first(where: {
                ($0..<$0 + 0x1000).contains(address)
            }), !region.contains(expected)
        {
            judgement.notes.append(
                "Programs look for the communication region at 0x\(hex(expected)); this cell has it at "
                    + "0x\(hex(region.virtualStart)).")
            judgement.rule = "JH0831"
            judgement.forbid(
                "Set virtual = 0x\(hex(expected)) in the cell's communication region, and keep its RAM away from it.")
            return
        }
        if isBehind, near.isRAM, distance <= min(near.size, 0x100_0000) {
            judgement.isForbidden = true
            judgement.rule = "JH0821"
            judgement.notes.append(
                "An address just behind the RAM is a stack, heap or work area that is larger than the RAM, or an image "
                    + "that is linked for a larger one.")
        }
        if isFetch, cell.cpuResetAddress == address { judgement.rule = "JH0401" }
        if !isFetch, let text = Self.nullText(address) {
            judgement.notes.append(text)
            judgement.forbid(
                "Look for a pointer that was never set, or for an index below 0; nothing is to be granted.")
        }
    }

    /// The access begins in this region of the cell.
    private func judge(
        _ address: UInt64, _ size: UInt64, _ access: Access, _ isFetch: Bool, in region: MemoryRegion, isArm: Bool,
        _ judgement: inout AddressJudgement
    ) {
        let place = "0x\(hex(address)) is in the cell's region \"\(region.label)\" (\(region.rangeText))"
        if !isFetch, size - 1 > region.size - 1 - (address - region.virtualStart) {
            judgement.notes.append("\(place), and the access of \(bytes(size)) ends behind it.")
            return judgement.forbid(
                "Correct the program's address, or access the end of the region with a smaller width; nothing is to be granted."
            )
        }
        // Arm's page tables for cells make all readable memory executable
        let right = isFetch && !isArm ? "execute" : access.rawValue
        let flag: MemoryRegion.Flags = isFetch && !isArm ? .execute : access == .read ? .read : .write
        guard !region.flags.contains(flag) else {
            judgement.notes.append("\(place), which allows it in the file that was given.")
            return judgement.forbid(
                "The file is not what the cell was created with, or it was changed since: compare them. With an instruction that "
                    + "the hypervisor does not emulate, an access to a region smaller than a page ends the cell as well."
            )
        }
        judgement.notes.append("\(place), without the access \"\(right)\".")
        if !isFetch, access == .write, let section = linkSection(of: region) {
            judgement.possibleRules = ["JH1020"]
            return judgement.forbid(section)
        }
        judgement.entry = region.access(with: [right])
        judgement.advice =
            "Add \"\(right)\" to that region's access only if the program is meant to; memory that is read-only on purpose "
            + "(an ivshmem section of another peer, firmware) stays so."
    }

    /// The RTEMS port of 2016, Jailhouse's own inmates on x86 and on Arm.
    private static let knownCommunicationRegions: [UInt64] = [0x90_0000, 0x10_0000, 0x8000_0000]

    /// By what is there in the machine, where the cell sees devices at their physical addresses.
    private func judgeMachine(
        _ address: UInt64, _ size: UInt64, _ access: Access, _ judgement: inout AddressJudgement
    ) {
        let resource = machine?.memory.last { ($0.first...$0.last).contains(address) && $0.last > 0 }
        if let resource {
            judgement.notes.append(
                "Linux calls 0x\(hex(resource.first))–0x\(hex(resource.last)) \"\(resource.name)\".")
        }
        if isOfHypervisor(address) {
            judgement.possibleRules = ["JH0506"]
            return judgement.forbid(
                "Never grant it: this is the hypervisor's own memory ('check' refuses such an entry, JH0506). Correct the program's "
                    + "address.")
        }
        if let shared = sharedDevice(at: address) {
            judgement.notes.append("0x\(hex(address)) is \(shared.owner), which shares it.")
            judgement.entry = Self.region(over: address, size: size, isShared: true)
            judgement.possibleRules = ["JH0505"]
            judgement.advice =
                "Grant it only as a console that all of them print to, with the access \"root-shared\": without it the device is taken from "
                + "Linux, whose next character there parks its CPU."
            return
        }
        if let other = others.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
            judgement.notes.append("0x\(hex(address)) is memory of the cell \"\(other.name)\".")
            judgement.possibleRules = ["JH0603"]
            return judgement.forbid(
                "Do not grant it: it is another cell's ('check' refuses such an entry, JH0603). Cells share memory by an [[ivshmem]] "
                    + "link; correct the program's address.")
        }
        let devices = ([cell] + others.map(Optional.some) + [system?.rootCell]).compactMap(\.self).flatMap(\.pciDevices)
        if let device = devices.first(where: { $0.hasVectorTable(at: address) }) {
            judgement.notes.append("0x\(hex(address)) is in the MSI-X table of the PCI device \(device.address).")
            return judgement.forbid(
                "Never add a region for it: the hypervisor moderates the table for the cell that has the device with its msix-vectors and "
                    + "msix-address, and its interrupts do not arrive otherwise. A cell that has the device accesses it with 4 or 8 bytes."
            )
        }
        if let device = emulated(address) {
            judgement.notes.append("\(device.text) is the \(device.name).")
            judgement.possibleRules = ["JH0507"]
            if device.name.hasPrefix("IOMMU") {
                return judgement.forbid(
                    "Never add a region for it ('check' refuses it, JH0507): the hypervisor keeps the IOMMU for itself, and maps the cell's "
                        + "memory with the access \"dma\" for the cell's devices. Leave the IOMMU's driver out of the program."
                )
            }
            if device.name == "IOAPIC", let cell, completeIOAPIC(of: cell, at: address, &judgement) { return }
            return judgement.forbid(
                "Do not add a region for it ('check' refuses it, JH0507): the hypervisor emulates this device for every cell that may "
                    + "have it. The program accessed a part, or in a way, that the hypervisor does not show to this cell."
            )
        }
        if isOfInterruptController(address) {
            judgement.notes.append(
                "0x\(hex(address)) is between the registers of the GIC that the hypervisor emulates.")
            return judgement.forbid(
                "Never add a region for it: it is a part of the interrupt controller that a cell does not have (such as an ITS), and that is "
                    + "everybody's. Take it out of the program's device tree.")
        }
        if let bus = virtualBus, bus.contains(address) {
            judgement.notes.append(
                "\(bus.text) is the configuration space of the hypervisor's own PCI bus (virtual-pci "
                    + "= 1), which only a cell with a PCI device sees.")
            return judgement.forbid(
                "Never add a region for it: give the cell an [[ivshmem]] device if the program needs one; else leave the bus out of the "
                    + "program's device tree.")
        }
        // four levels of page tables; Arm64's processors have 40 to 48 bits, whose upper half is memory nowhere
        let isArm = cell?.architecture ?? system?.architecture ?? .x86 != .x86
        if address >= 1 << (isArm ? 47 : 48) {
            judgement.notes.append(
                address >= 1 << 48
                    ? "The hypervisor can give no cell such an address."
                    : "Arm64's processors have 40 to 48 bits of physical addresses, and nothing up there.")
            return judgement.forbid("Correct the program's pointer: nothing is to be granted.")
        }
        if let first = firstMissingRedistributor, (first..<first + 0x2_0000).contains(address) {
            judgement.notes.append("The GIC redistributors of Linux's CPUs end at 0x\(hex(first)).")
            return judgement.forbid(
                "The program looks for GIC redistributors of more CPUs than Linux has: let the range in its device tree (or its count of "
                    + "CPUs) end after 0x20000 bytes for each of Linux's CPUs.")
        }
        if resource.map({ $0.name == "System RAM" || $0.parents.contains("System RAM") }) ?? false {
            judgement.possibleRules = ["JH1303"]
            return judgement.forbid(
                "Never grant it: this is Linux's memory. Correct the program's address, or give the cell more of the memory that "
                    + "is kept free for cells.")
        }
        let ownRAM = cell?.memoryRegions.contains { $0.isRAM && $0.containsPhysical(address) } ?? false
        if let region = system?.rootCell.memoryRegions.first(where: { $0.containsPhysical(address) }), region.isRAM,
            !ownRAM
        {
            judgement.notes.append("The machine has Linux's region \"\(region.label)\" at this address.")
            judgement.possibleRules = ["JH0504"]
            return judgement.forbid(
                "Do not grant the machine's memory at this address: it is Linux's. Correct the program's address, or make the cell's RAM "
                    + "larger with memory that is kept free for cells.")
        }
        guard !judgement.isForbidden else {
            judgement.advice =
                "Do not add a region for it: correct the program's link address, or make the cell's RAM larger."
            return
        }
        noteLinuxRegion(address, &judgement)
        let linux = system?.rootCell.memoryRegions.first { $0.containsPhysical(address) }
        if let linux, access == .write, !linux.flags.contains(.write) {
            return judgement.forbid(
                "Do not grant it: Linux itself may only read its region \"\(linux.label)\" (firmware).")
        }
        if let entry = subPageEntry(address, size) {
            (judgement.entry, judgement.advice) = (
                entry.text,
                "\(entry.what) only if the device has registers there: other bytes of the page stay whose they are."
            )
            return
        }
        judgeDevice(address, size, resource, &judgement)
    }

    /// What the system configuration has there for Linux: a device's window, or nothing.
    private func noteLinuxRegion(_ address: UInt64, _ judgement: inout AddressJudgement) {
        guard let system else { return }
        if let region = system.rootCell.memoryRegions.first(where: { $0.containsPhysical(address) }) {
            guard !region.isRAM else { return }
            judgement.notes.append("The system configuration has it in Linux's region \"\(region.label)\".")
        } else if cell?.memoryRegions.contains(where: { $0.containsPhysical(address) }) != true {
            judgement.possibleRules.append("JH0505")
            judgement.notes.append("No region of [root-cell] in the system configuration has the address.")
        }
    }

    /// - Returns: false for a part that no cell is shown.
    private func completeIOAPIC(of cell: CellDescriptor, at address: UInt64, _ judgement: inout AddressJudgement)
        -> Bool
    {
        let page = address & ~0xfff
        // the index, the window and, since its version 0x20, the end of an interrupt: 82093AA, IOAPIC's registers
        guard [0x00, 0x10, 0x40].contains(address & 0xff0) else { return false }
        guard cell.interruptChips.contains(where: { $0.address == page }) else {
            judgement.notes.append("The cell has no [[interrupt-chip]]: only a cell with pins of the IOAPIC sees it.")
            let id = system?.rootCell.interruptChips.first { $0.address == page }?.id ?? 0xff00
            judgement.possibleRules = []
            judgement.entry = """
                [[interrupt-chip]]
                address = 0x\(hex(page))
                id = 0x\(hex(UInt64(id)))
                pins = []                        # the numbers of those that are the cell's
                """
            judgement.advice =
                "Add it only with pins that Linux does not use (/proc/interrupts). A program that needs no pin leaves the IOAPIC out: the local "
                + "APIC's timer and MSI do without."
            return true
        }
        judgement.notes.append("The cell has its [[interrupt-chip]] in the file that was given.")
        judgement.forbid("The file is not what the cell was created with, or it was changed since: compare them.")
        return true
    }

    /// A device that a cell may have.
    private func judgeDevice(
        _ address: UInt64, _ size: UInt64, _ resource: RunningMachine.Resource?, _ judgement: inout AddressJudgement
    ) {
        if cell?.architecture ?? .x86 == .x86, (0xfed0_0000..<0xfed0_0400).contains(address) {
            judgement.notes.append("A PC has its HPET (timer) at 0xfed00000.")
            judgement.entry = Self.region(over: address, size: size, name: "HPET")
            judgement.possibleRules = ["JH1305"]
            judgement.advice =
                "Grant it only if Linux does not use the HPET (it is booted with hpet=disable); the local APIC's timer, which every cell "
                + "has, is the better choice."
        } else if let resource, resource.isDevice {
            judgement.entry = Self.region(
                over: resource.first, size: resource.last - resource.first + 1, name: resource.name)
            let driver =
                drivers[String(resource.name.dropFirst(5))]
                ?? resource.parents.lazy.compactMap { drivers[String($0.dropFirst(5))] }.first
            judgement.possibleRules = ["JH1305"]
            judgement.advice =
                driver.map {
                    "Grant it only after Linux's driver \"\($0)\" has been unbound from the device; two drivers of one device break both."
                } ?? "Grant it only if no driver of Linux uses the device: /proc/iomem names it \"\(resource.name)\"."
        } else if resource != nil {
            // a bus's window, firmware's tables: no device that could be named
            judgement.entry = Self.region(over: address, size: size)
            judgement.advice =
                "Add the region only for a device that is the cell's own and that no driver of Linux uses (/proc/iomem)."
        }
    }

    private static func size(_ bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) bytes" }
        if let exact = Quantity.sizeText(bytes), exact.count <= 8 { return exact }
        let units: [(String, UInt64)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        // what would be rounded up to 1024 of one is 1 of the next
        let (name, unit) = units.first { bytes >= $0.1 - $0.1 / 2048 } ?? ("KiB", 1024)
        return "about \((bytes + unit / 2) / unit) \(name)"
    }
}
