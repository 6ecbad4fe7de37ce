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
    var rule: String?
}

extension Surroundings {
    /// - Parameters:
    ///   - address: as the cell sees it.
    ///   - isFetch: an instruction was to be read there.
    func judge(_ address: UInt64, _ access: Access, isFetch: Bool) -> AddressJudgement {
        var judgement = AddressJudgement()
        if let cell { judgeRegions(of: cell, address, access, isFetch, &judgement) }
        // what is at that address in the machine says nothing about a wrong jump
        guard judgement.advice == nil, !isFetch else { return judgement }
        judgeMachine(address, &judgement)
        return judgement
    }

    /// By the regions of the cell itself.
    private func judgeRegions(
        of cell: CellDescriptor, _ address: UInt64, _ access: Access, _ isFetch: Bool,
        _ judgement: inout AddressJudgement
    ) {
        if let region = cell.memoryRegions.first(where: { $0.contains(address) }) {
            let right = isFetch ? "execute" : access.rawValue
            judgement.notes.append(
                "0x\(hex(address)) is in the cell's region \"\(region.label)\" (\(region.rangeText)), without the access "
                    + "\"\(right)\".")
            guard !region.flags.contains(isFetch ? .execute : access == .read ? .read : .write) else { return }
            judgement.entry = region.access(with: [right])
            judgement.advice =
                "Add \"\(right)\" to that region's access only if the program is meant to; memory that is read-only on purpose "
                + "(an ivshmem section of another peer, firmware) stays so."
            return
        }
        guard
            let near = cell.memoryRegions.filter({ $0.size > 0 }).min(by: {
                $0.distance(to: address) < $1.distance(to: address)
            })
        else { return judgement.notes.append("The cell has no memory at all.") }
        let distance = near.distance(to: address)
        let isBehind = address > near.virtualStart
        judgement.notes.append(
            "0x\(hex(address)) is \(distance == 0 ? "right" : Self.size(distance)) "
                + "\(isBehind ? "behind" : "in front of") \"\(near.label)\" (\(near.rangeText)).")
        if let region = cell.communicationRegion,
            let expected = Self.knownCommunicationRegions.first(where: {
                ($0..<$0 + 0x1000).contains(address)
            }), !region.contains(expected)
        {
            judgement.notes.append(
                "Programs look for the communication region at 0x\(hex(expected)); this cell has it at "
                    + "0x\(hex(region.virtualStart)).")
            (judgement.rule, judgement.advice) = (
                "JH0831",
                "Set virtual = 0x\(hex(expected)) in the cell's communication region, and keep its RAM away from it."
            )
            return
        }
        if isBehind, near.isRAM, distance <= 0x400_0000 {
            judgement.rule = "JH0821"
            judgement.notes.append(
                "An address just behind the RAM is a stack, heap or work area that is larger than the RAM, or an image "
                    + "that is linked for a larger one.")
        }
        if isFetch, cell.cpuResetAddress == address { judgement.rule = "JH0401" }
    }

    /// The RTEMS port of 2016, Jailhouse's own inmates on x86 and on Arm.
    private static let knownCommunicationRegions: [UInt64] = [0x90_0000, 0x10_0000, 0x8000_0000]

    /// By what is there in the machine, where the cell sees devices at their physical addresses.
    private func judgeMachine(_ address: UInt64, _ judgement: inout AddressJudgement) {
        let resource = machine?.memory.last { ($0.first...$0.last).contains(address) && $0.last > 0 }
        if let resource {
            judgement.notes.append(
                "Linux calls 0x\(hex(resource.first))–0x\(hex(resource.last)) \"\(resource.name)\".")
        }
        if case .arm(let arm)? = system?.platform.specific, arm.gicVersion == 3, arm.gicrBase > 0,
            emulated(address) == nil,
            address >= arm.gicrBase, address - arm.gicrBase < 0x2_0000 << 8
        {
            judgement.advice =
                "The program looks for GIC redistributors of more CPUs than Linux has: let the range in its device tree (or its count of "
                + "CPUs) end after 0x20000 bytes for each of Linux's CPUs."
            judgement.notes.append("The GIC redistributors begin at 0x\(hex(arm.gicrBase)).")
            return
        }
        if let device = emulated(address) {
            judgement.notes.append("The \(device.name) is at \(device.text).")
            judgement.rule = "JH0507"
            judgement.advice =
                "Do not add a region for it: the hypervisor emulates this device for every cell that may have it. The program "
                + "accessed a part, or in a way, that the hypervisor does not show to this cell."
            return
        }
        if let memory = system?.hypervisorMemory, memory.size > 0, address >= memory.physicalStart,
            address - memory.physicalStart < memory.size
        {
            judgement.rule = "JH0506"
            judgement.advice = "Never grant it: this is the hypervisor's own memory. Correct the program's address."
            return
        }
        if let other = others.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
            judgement.notes.append("0x\(hex(address)) is memory of the cell \"\(other.name)\".")
            judgement.rule = "JH0603"
            judgement.advice =
                "Do not grant it: it is another cell's. Cells share memory by an [[ivshmem]] link; correct the program's address."
            return
        }
        let ownRAM = cell?.memoryRegions.contains { $0.isRAM && $0.containsPhysical(address) } ?? false
        if resource.map({ $0.name == "System RAM" || $0.parents.contains("System RAM") }) ?? false {
            judgement.rule = "JH1303"
            judgement.advice =
                "Never grant it: this is Linux's memory. Correct the program's address, or give the cell more of the memory that "
                + "is kept free for cells."
            return
        }
        if let region = system?.rootCell.memoryRegions.first(where: { $0.containsPhysical(address) }), region.isRAM,
            !ownRAM
        {
            judgement.notes.append("The machine has Linux's region \"\(region.label)\" at this address.")
            judgement.rule = judgement.rule ?? "JH0504"
            judgement.advice =
                "Do not grant the machine's memory at this address: it is Linux's. Correct the program's address, or make the cell's RAM "
                + "larger with memory that is kept free for cells."
            return
        }
        guard let resource, resource.isDevice else { return }
        let pages = (start: resource.first & ~0xfff, end: resource.last | 0xfff)
        judgement.entry = Self.region(pages.start, size: pages.end - pages.start + 1, name: resource.name)
        let driver =
            drivers[String(resource.name.dropFirst(5))]
            ?? resource.parents.lazy.compactMap {
                drivers[String($0.dropFirst(5))]
            }.first
        judgement.rule = "JH1305"
        judgement.advice =
            driver.map {
                "Grant it only after Linux's driver \"\($0)\" has been unbound from the device; two drivers of one device break both."
            } ?? "Grant it only if no driver of Linux uses the device: /proc/iomem names it \"\(resource.name)\"."
    }

    /// The devices that the hypervisor emulates; without a system those that every PC has.
    private func emulated(_ address: UInt64) -> (name: String, text: String)? {
        if let system {
            let devices = EmulatedDevice.all(of: system, for: cell ?? system.rootCell)
            return devices.first { $0.contains(address) }.map { ($0.name, $0.text) }
        }
        guard cell?.architecture ?? .x86 == .x86 else { return nil }
        switch address {
        case 0xfec0_0000...0xfec0_0fff: return ("IOAPIC", "0xfec00000–0xfec00fff")
        case 0xfee0_0000...0xfee0_0fff: return ("local APIC", "0xfee00000–0xfee00fff")
        default: return nil
        }
    }

    static func region(_ start: UInt64, size: UInt64, name: String = "") -> String {
        """
        [[memory]]
        \(name.isEmpty ? "" : "name = \"\(name.filter { $0 != "\"" && $0 != "\\" })\"\n")physical = 0x\(hex(start))
        virtual = 0x\(hex(start))
        size = \(Quantity.sizeText(size).map { "\"\($0)\"" } ?? "0x\(hex(size))")
        access = ["read", "write", "io"]
        """
    }

    private static func size(_ bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) bytes" }
        if let exact = Quantity.sizeText(bytes), exact.count <= 8 { return exact }
        let units: [(String, UInt64)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        let (name, unit) = units.first { bytes >= $0.1 } ?? ("KiB", 1024)
        return "about \(bytes / unit) \(name)"
    }
}

extension MemoryRegion {
    func contains(_ address: UInt64) -> Bool { address >= virtualStart && address - virtualStart < size }

    func containsPhysical(_ address: UInt64) -> Bool {
        !flags.contains(.communicationRegion) && address >= physicalStart && address - physicalStart < size
    }

    var isRAM: Bool { flags.isSuperset(of: [.read, .write, .execute]) && !flags.contains(.io) }

    /// In bytes, to its nearest end: 0 right behind its last byte.
    func distance(to address: UInt64) -> UInt64 {
        address < virtualStart
            ? virtualStart - address : address - virtualStart < size ? 0 : address - virtualStart - size
    }

    /// The key with more rights, to replace the region's own.
    func access(with more: [String]) -> String {
        let words = flags.words + more.filter { !flags.words.contains($0) }
        return "access = [\(words.map { "\"\($0)\"" }.joined(separator: ", "))]    # of \"\(label)\""
    }

    var rangeText: String {
        size == 0 ? "empty" : "0x\(hex(virtualStart))–0x\(hex(virtualStart &+ (size - 1)))"
    }
}

extension MemoryRegion.Flags {
    /// As a definition's `access` has them.
    var words: [String] {
        let all: [(MemoryRegion.Flags, String)] = [
            (.read, "read"), (.write, "write"), (.execute, "execute"), (.dma, "dma"), (.io, "io"),
            (.communicationRegion, "communication-region"), (.loadable, "loadable"), (.rootShared, "root-shared"),
            (.noHugePages, "no-huge-pages"), (.ioUnaligned, "io-unaligned"), (.io8, "io-8"), (.io16, "io-16"),
            (.io32, "io-32"), (.io64, "io-64"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension RunningMachine.Resource {
    /// Registers of a device, by its name in `/proc/iomem`: not memory, not a mere window of a bus.
    var isDevice: Bool {
        let others = [
            "PCI Bus", "PCI ECAM", "Reserved", "reserved", "System R", "Kernel ", "ACPI ", "Video ", "Adapter ",
        ]
        return !others.contains(where: name.hasPrefix) && last - first < 0x1000_0000
    }
}
