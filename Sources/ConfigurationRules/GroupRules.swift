// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about cells with each other: each violation is at the later of two files and names the other.
enum GroupRules {
    static let all: [Rule<Neighbours>] =
        [
            names, processors, memory, devices, pins, registers, ports, streams, caches, PagePoolRules.group,
            linkAddresses, lastProcessor,
        ]
        + IvshmemLink.rules(
            ids: (id: "JH0610", sections: "JH0611", protocol: "JH0612"), of: "another cell", links: links)

    private static let names = Rule<Neighbours>(
        id: "JH0601", severity: .error, title: "each cell has a name of its own",
        consequence: "only one of the two can be meant, so neither is created",
        remedy: "rename one of them, or remove its file"
    ) { group in
        var firsts: [String: String] = [:]
        return group.members.compactMap { member in
            guard let first = firsts[member.cell.name] else {
                firsts[member.cell.name] = member.path
                return nil
            }
            return .init(
                location: "cell.name", message: "\(first) defines a cell \"\(member.cell.name)\", too",
                path: member.path)
        }
    }

    private static let processors = Rule<Neighbours>(
        id: "JH0602", severity: .note, title: "cells that are to run together have CPUs of their own",
        consequence: "one of the two cells can exist at a time: creating the second fails with EBUSY",
        remedy: "give them CPUs of their own if both are to run"
    ) { group in
        var owners: [Int: String] = [:]
        var violations: [Rule<Neighbours>.Violation] = []
        for member in group.members {
            var shared: [String: [Int]] = [:]
            for cpu in member.cell.cpus.members {
                if let owner = owners[cpu] { shared[owner, default: []].append(cpu) } else { owners[cpu] = member.path }
            }
            violations += shared.sorted { $0.key < $1.key }.map { path, cpus in
                .init(
                    location: "cell.cpus", message: "\(path) has CPU \(NumberList.text(of: cpus)), too",
                    path: member.path)
            }
        }
        return violations
    }

    private static let lastProcessor = Rule<Neighbours>(
        id: "JH0615", severity: .note, title: "all cells together leave Linux a CPU",
        consequence: "Linux's last CPU cannot be taken: creating the last of the cells fails with EBUSY",
        remedy: "leave a CPU of the root cell out of all of them, if all are to run"
    ) { group in
        guard !group.rootCPUs.isEmpty else { return [] }
        var left = Set(group.rootCPUs)
        var taken: Set<Int> = []
        for member in group.members {
            let own = Set(member.cell.cpus.members)
            // of one that takes all by itself, JH0502 speaks
            guard !own.isSuperset(of: group.rootCPUs) else { return [] }
            // with one that has the same CPU it never runs
            guard own.isDisjoint(with: taken) else { continue }
            taken.formUnion(own)
            left.subtract(own)
            guard !left.isEmpty else {
                return [
                    .init(
                        location: "cell.cpus",
                        message: "with those of the other cells, these are all CPUs of the root cell",
                        path: member.path)
                ]
            }
        }
        return []
    }

    private static let memory = Rule<Neighbours>(
        id: "JH0603", severity: .error, title: "no two cells have the same memory, unless both say so",
        consequence: "the hypervisor does not check it: each of the two programs overwrites the other's memory",
        remedy: "give one of them other memory; memory that they share on purpose is \"root-shared\" in both",
        isSaidOnce: true
    ) { group in
        overlaps(in: group) { !($0.flags.contains(.io) && $1.flags.contains(.io)) }
    }

    private static let registers = Rule<Neighbours>(
        id: "JH0606", severity: .warning, title: "no two cells drive the same device",
        consequence: "both programs write its registers: of a serial port the output is mixed, others go astray",
        remedy: "give the device to one of them; if both may use it, say \"root-shared\" in both",
        isSaidOnce: true
    ) { group in
        overlaps(in: group) { $0.flags.contains(.io) && $1.flags.contains(.io) }
    }

    private static func overlaps(
        in group: Neighbours, where isMeant: (MemoryRegion, MemoryRegion) -> Bool
    ) -> [Rule<Neighbours>.Violation] {
        group.overlaps(
            of: group.holdings(\.memoryRegions), range: \.physicalRange,
            isShared: { $0.flags.contains(.rootShared) }, where: isMeant
        ).map { earlier, later in
            group.violation(
                at: later, besides: earlier, "memory[\(later.index)]",
                "the region \(later.value.quotedName) (physical \(later.value.physicalText)) lies over "
                    + "\(earlier.value.quotedName) (\(earlier.value.physicalText)) of "
                    + group.members[earlier.member].path
            )
        }
    }

    private static let devices = Rule<Neighbours>(
        id: "JH0604", severity: .error, title: "no two cells have the same PCI device",
        consequence: "the hypervisor does not check it: both drive it, and its memory accesses go to the later cell",
        remedy: "give it to one of them",
        isSaidOnce: true
    ) { group in
        let holdings = group.holdings(\.pciDevices).filter { $0.value.kind != .sharedMemory }
        // the hypervisor does not look at the domain
        return group.pairs(of: holdings, by: \.address).map { earlier, later in
            let isOther = earlier.value.domain != later.value.domain
            return group.violation(
                at: later, besides: earlier, "pci-device[\(later.index)]",
                "\(group.members[earlier.member].path) has the device \(DeviceKey(later.value)), too"
                    + (isOther
                        ? ", with the domain \(hexadecimal(earlier.value.domain)), which the hypervisor does not look at"
                        : "")
            )
        }
    }

    private struct Pin: Hashable {
        var chip: Int
        var address: UInt64
        var number: Int
    }

    private static let pins = Rule<Neighbours>(
        id: "JH0605", severity: .error, title: "no two cells have the same interrupt pin",
        consequence: "the hypervisor does not check it: the interrupt goes to the cell that has set it up last",
        remedy: "give it to one of them"
    ) { group in
        let holdings = group.holdings { cell in
            cell.interruptChips.enumerated().flatMap { index, chip in
                chip.pins.map { Pin(chip: index, address: chip.address, number: $0) }
            }
        }
        let pairs = group.pairs(of: holdings) { Pin(chip: 0, address: $0.address, number: $0.number) }
        let together = Dictionary(grouping: pairs) { [$0.later.member, $0.later.value.chip, $0.earlier.member] }
        return together.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, pairs in
            guard let (earlier, later) = pairs.first else { return nil }
            return group.violation(
                at: later, besides: earlier, "interrupt-chip[\(later.value.chip)].pins",
                "\(group.members[earlier.member].path) has the pins "
                    + "\(NumberList.text(of: pairs.map(\.later.value.number))) at \(hexadecimal(later.value.address)), too"
            )
        }
    }

    private static let ports = Rule<Neighbours>(
        id: "JH0607", severity: .warning, title: "no two cells have the same I/O ports",
        consequence: "both programs use the device: of a serial port the output is mixed, others go astray",
        remedy: "give each a device of its own, such as COM2 at 0x2f8, or live with it",
        isSaidOnce: true
    ) { group in
        group.overlaps(of: group.holdings(\.ioPortRegions), range: \.portRange).map { earlier, later in
            group.violation(
                at: later, besides: earlier, "ports[\(later.index)]",
                "the ports \(later.value.text) are among \(earlier.value.text) of "
                    + group.members[earlier.member].path
            )
        }
    }

    private static let streams = Rule<Neighbours>(
        id: "JH0608", severity: .error, title: "no two cells have the same stream id",
        consequence: "the IOMMU can send a device's accesses to one cell only: the second is refused, or takes it away",
        remedy: "give the device to one of them"
    ) { group in
        let holdings = group.holdings(\.streamIDs)
        let masks = group.iommuKinds.contains(.mmu500) ? Set(holdings.map { $0.value >> 16 }).sorted() : [0]
        // with masks, two ids are one when they agree in all bits that neither leaves out; a machine has few masks
        let comparisons = masks.prefix(32).flatMap { first in masks.prefix(32).map { (first, $0) } }
        var seen: Set<[Int]> = []
        let pairs = comparisons.filter { $0 <= $1 }.flatMap { first, second in
            let ignored = group.iommuKinds.contains(.mmu500) ? first | second : 0
            let meant =
                group.iommuKinds.contains(.mmu500)
                ? holdings.filter { $0.value >> 16 == first || $0.value >> 16 == second } : holdings
            let identity: UInt32 = group.iommuKinds.contains(.mmu500) ? 0xffff : .max
            return group.pairs(of: meant) { $0 & identity & ~ignored }
        }
        let new = pairs.filter { seen.insert([$0.earlier.member, $0.later.member, $0.later.index]).inserted }
        let together = Dictionary(grouping: new) { [$0.later.member, $0.earlier.member] }
        return together.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, pairs in
            guard let (earlier, later) = pairs.first else { return nil }
            let ids = { (ids: [UInt32]) in ids.map { hexadecimal($0) }.joined(separator: ", ") }
            let (own, others) = (ids(pairs.map(\.later.value)), ids(pairs.map(\.earlier.value)))
            return group.violation(
                at: later, besides: earlier, "cell.stream-ids",
                pairs.count == 1
                    ? "\(group.members[earlier.member].path) has the stream id \(others), which is the same as \(own)"
                    : "\(group.members[earlier.member].path) has the stream ids \(others), which are the same as \(own)"
            )
        }
    }

    private static let caches = Rule<Neighbours>(
        id: "JH0609", severity: .warning, title: "no two cells have the same part of the cache",
        consequence: "each slows the other down, which a cache of their own was to prevent",
        remedy: "divide the cache; what is shared on purpose is root-shared = true in both"
    ) { group in
        group.overlaps(
            of: group.holdings(\.cacheRegions),
            range: { AddressRange(start: UInt64($0.start), size: UInt64($0.size)) },
            isShared: { $0.flags.contains(.rootShared) }
        ).map { earlier, later in
            group.violation(
                at: later, besides: earlier, "cache[\(later.index)]",
                "the part \(later.value.text) overlaps \(earlier.value.text) of \(group.members[earlier.member].path)"
            )
        }
    }

    private static let linkAddresses = Rule<Neighbours>(
        id: "JH0614", severity: .warning, title: "both ends of a link between two cells have the same bdf",
        consequence: "the hypervisor links devices by their bdf alone: the two are never connected",
        remedy: "give both ends the same bdf or, if they are not one link, memory of their own"
    ) { group in
        typealias Section = (device: PCIDevice, number: Int, range: AddressRange)
        let sections = group.members.indices.flatMap { member -> [Neighbours.Holding<Section>] in
            let cell = group.members[member].cell
            return cell.pciDevices.enumerated().filter { $0.element.kind == .sharedMemory }.flatMap { number, device in
                (device.sections(in: cell)?.compactMap(\.region.physicalRange) ?? []).map {
                    .init(member: member, index: number, value: (device, number, $0))
                }
            }
        }
        var said: Set<[Int]> = []
        return group.overlaps(of: sections, range: \.range, where: { $0.device.address != $1.device.address })
            .compactMap { earlier, later in
                // of a link that Linux has an end of, JH1021 says it
                guard group.rootLinks.isDisjoint(with: [earlier.value.device.address, later.value.device.address]),
                    said.insert([later.member, later.index, earlier.member]).inserted
                else { return nil }
                return group.violation(
                    at: later, besides: earlier, "pci-device[\(later.index)]",
                    "the device \(later.value.device.address) has memory of the link \(earlier.value.device.address) of "
                        + "\(group.members[earlier.member].path), but another bdf")
            }
    }

    @Sendable private static func links(_ group: Neighbours) -> [IvshmemLink] {
        let holdings = group.holdings(\.pciDevices).filter { $0.value.kind == .sharedMemory }
        return group.pairs(of: holdings, by: \.address).map { earlier, later in
            IvshmemLink(
                location: "pci-device[\(later.index)]", path: group.members[later.member].path, device: later.value,
                cell: group.members[later.member].cell, partner: earlier.value,
                partnerCell: group.members[earlier.member].cell, partnerName: group.members[earlier.member].path
            )
        }
    }
}

extension IOPortRegion {
    var portRange: AddressRange? { AddressRange(start: UInt64(base), size: UInt64(count)) }

    /// `0x3f8–0x3ff`
    var text: String { portRange?.text ?? hexadecimal(base) }
}

extension CacheRegion {
    /// `0–3`
    fileprivate var text: String { "\(start)–\(UInt64(start) + UInt64(max(size, 1)) - 1)" }
}
