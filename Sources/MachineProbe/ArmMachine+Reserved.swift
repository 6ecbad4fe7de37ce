// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

extension ArmMachine {
    /// Memory that the tree reserves: a node of `/reserved-memory`.
    struct Reservation {
        var name: String
        /// Empty where Linux chooses the place.
        var ranges: [ClosedRange<UInt64>]
        /// Linux does not map it by itself (`no-map`).
        var isUnmapped: Bool
        /// The enabled nodes that refer to it by `memory-region`: their drivers use it.
        var users: [String]
        /// What a driver finds it by: `shared-dma-pool`; nil: nothing.
        var compatible: String?

        /// There for a hypervisor and its cells, by its name.
        var isForCells: Bool {
            isUnmapped
                && ["jailhouse", "hypervisor", "cell", "inmate"].contains { name.lowercased().contains($0) }
        }

        /// Whether Linux has no use for it: it is a secure world's, another processor's, or a hypervisor's.
        var isLeftAlone: Bool { isUnmapped && users.isEmpty && compatible == nil }
    }

    var reservations: [Reservation] {
        guard let reserved = root.child("reserved-memory") else { return [] }
        let users = root.memoryUsers
        return reserved.children.filter(\.isEnabled).map { node in
            let handle = node.number("phandle") ?? node.number("linux,phandle")
            return Reservation(
                name: node.name, ranges: devices.first { $0.node == node }?.windows ?? [],
                isUnmapped: node.properties["no-map"] != nil, users: handle.flatMap { users[$0] } ?? [],
                compatible: node.text("compatible"))
        }
    }

    /// What is there for a hypervisor and its cells; all else has another owner, such as a secure world or another processor.
    var memoryForCells: [ClosedRange<UInt64>] { reservations.filter(\.isForCells).flatMap(\.ranges) }

    /// What Linux is told to leave alone entirely.
    var reservedMemory: [(name: String, range: ClosedRange<UInt64>)] {
        reservations.filter(\.isLeftAlone).flatMap { entry in entry.ranges.map { (entry.name, $0) } }
    }
}

extension DeviceNode {
    /// The names of the enabled nodes that refer to memory, by its node's handle.
    fileprivate var memoryUsers: [UInt32: [String]] {
        var users: [UInt32: [String]] = [:]
        for handle in cells("memory-region") { users[handle, default: []].append(name) }
        for child in children where child.isEnabled { users.merge(child.memoryUsers) { $0 + $1 } }
        return users
    }
}

extension SystemProposal {
    /// Memory that Linux does not have as RAM, although its drivers or its firmware's services use it.
    mutating func addReserved(_ machine: ArmMachine, _ resources: RunningMachine, to proposed: inout ProposedMemory) {
        for range in machine.memoryForCells {
            proposed.add(MemoryParameter.regionForCells, range, [.read, .write, .execute, .dma])
        }
        let reservations = machine.reservations.filter { !$0.isForCells }
        for entry in reservations where !entry.isLeftAlone {
            for range in entry.ranges { proposed.add(entry.name, range, [.read, .write, .dma]) }
        }
        for entry in reservations where entry.isUnmapped && entry.ranges.isEmpty {
            note(
                "",
                "Linux chooses the place of \(entry.name), which is no RAM then (no-map): see \"reserved\" in its "
                    + "/proc/iomem.")
        }
        for entry in reservations where entry.isLeftAlone && !entry.ranges.isEmpty {
            note(
                "",
                "\(entry.name) (\(entry.ranges.map(\.hexadecimal).joined(separator: ", "))) is left out as the firmware's or "
                    + "another processor's: Linux does not map it (no-map), and no enabled node of the device tree refers to it."
            )
        }
        guard !resources.hidesAddresses else { return }
        let known = reservations.flatMap(\.ranges) + machine.memoryForCells
        for resource in resources.memory where resource.parents.isEmpty && resource.name.lowercased() == "reserved" {
            for range in (resource.first...resource.last).without(known) {
                proposed.add(ProposedMemory.reservedByFirmware, range, [.read, .write, .execute])
            }
        }
    }

    /// Whose memory a region is that ``addReserved(_:_:to:)`` has added.
    mutating func noteReserved(_ machine: ArmMachine) {
        let reservations = machine.reservations
        for (index, region) in system.rootCell.memoryRegions.enumerated() {
            if region.name == ProposedMemory.reservedByFirmware {
                note("memory[\(index)]", ProposedMemory.firmwareNote)
                continue
            }
            guard let entry = reservations.first(where: { $0.name == region.name && !$0.isLeftAlone }) else { continue }
            let users = entry.users.joined(separator: ", ")
            note(
                "memory[\(index)]",
                entry.users.isEmpty
                    ? "Reserved by the device tree (\(entry.compatible ?? "not no-map")): a driver of Linux may use it."
                    : "Reserved by the device tree for \(users), by memory-region: Linux's driver uses it.")
        }
    }
}

extension ClosedRange<UInt64> {
    /// `0x7e800000–0x7fffffff`
    var hexadecimal: String { "0x\(String(lowerBound, radix: 16))–0x\(String(upperBound, radix: 16))" }

    /// What is left of it.
    func without(_ others: [ClosedRange<UInt64>]) -> [ClosedRange<UInt64>] {
        others.reduce([self]) { rest, other in
            rest.flatMap { range -> [ClosedRange<UInt64>] in
                guard range.overlaps(other) else { return [range] }
                var parts: [ClosedRange<UInt64>] = []
                if range.lowerBound < other.lowerBound { parts.append(range.lowerBound...(other.lowerBound - 1)) }
                if other.upperBound < range.upperBound { parts.append((other.upperBound + 1)...range.upperBound) }
                return parts
            }
        }
    }
}
