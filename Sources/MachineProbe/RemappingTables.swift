// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The IOMMUs, of Intel's table (DMAR) or AMD's (IVRS).
struct RemappingTables {
    struct Unit: Hashable {
        var kind: IOMMUUnit.Kind
        var base: UInt64
        var segment: UInt16
        /// The functions and bridges that the table names for it.
        var devices: Set<PCIAddress> = []
        /// Whether it serves every function that no other unit names.
        var servesOthers = false
        /// AMD: where it is on the PCI bus, its capability there, and what it can do.
        var address = PCIAddress(rawValue: 0)
        var capability: UInt8 = 0
        var features: UInt32 = 0
    }

    /// How an IOAPIC's interrupts look to the IOMMU.
    struct IOAPICSource: Hashable {
        var id: UInt8
        /// The index of the unit.
        var unit: Int
        var address: PCIAddress
    }

    private(set) var units: [Unit] = []
    private(set) var ioapics: [IOAPICSource] = []

    init(dmar: [UInt8], ivrs: [UInt8]) {
        for record in ACPITables.records(in: dmar, from: 48, lengthAt: 2, width: 2)
        where record.number(at: 0, 2) == 0 { addIntel(record) }
        for record in ACPITables.records(in: ivrs, from: 48, lengthAt: 2, width: 2) { addAMD(record) }
    }

    /// The index of the unit that serves a function; nil when none does.
    func unit(of function: PCIAddress, in segment: UInt16) -> Int? {
        let candidates = units.indices.filter { units[$0].segment == segment }
        return candidates.first { units[$0].devices.contains(function) } ?? candidates.first { units[$0].servesOthers }
    }

    /// A hardware unit, and the devices in its scope.
    private mutating func addIntel(_ record: [UInt8]) {
        guard let flags = record.number(at: 4, 1), let segment = record.number(at: 6, 2),
            let base = record.number(at: 8, 8)
        else { return }
        var unit = Unit(kind: .intel, base: base, segment: UInt16(segment), servesOthers: flags & 1 != 0)
        for scope in ACPITables.records(in: record, from: 16, lengthAt: 1, width: 1) {
            guard let kind = scope.number(at: 0, 1), let id = scope.number(at: 4, 1), let bus = scope.number(at: 5, 1),
                let device = scope.number(at: 6, 1), let function = scope.number(at: 7, 1),
                let address = PCIAddress(bus: Int(bus), device: Int(device), function: Int(function))
            else { continue }
            if kind == 3 {
                ioapics.append(IOAPICSource(id: UInt8(id), unit: units.count, address: address))
            } else if scope.count == 8 {
                // a longer path leads through bridges, whose bus numbers this does not know
                unit.devices.insert(address)
            }
        }
        units.append(unit)
    }

    /// A unit may be described by several blocks; the first has all that is needed here.
    private mutating func addAMD(_ record: [UInt8]) {
        guard [0x10, 0x11, 0x40].contains(record[0]), let address = record.number(at: 4, 2),
            let capability = record.number(at: 6, 2), let base = record.number(at: 8, 8),
            let segment = record.number(at: 16, 2), let features = record.number(at: 20, 4),
            !units.contains(where: { $0.base == base })
        else { return }
        units.append(
            Unit(
                kind: .amd, base: base, segment: UInt16(segment), servesOthers: true,
                address: PCIAddress(rawValue: UInt16(address)), capability: UInt8(truncatingIfNeeded: capability),
                features: record[0] == 0x10 ? UInt32(features) : 0))
        var offset = record[0] == 0x10 ? 24 : 40
        while let kind = record.number(at: offset, 1) {
            // the two highest bits tell the length: 4, 8, 16 or 32 bytes
            if kind == 72, record.number(at: offset + 7, 1) == 1, let id = record.number(at: offset + 4, 1),
                let source = record.number(at: offset + 5, 2)
            {
                ioapics.append(
                    IOAPICSource(id: UInt8(id), unit: units.count - 1, address: PCIAddress(rawValue: UInt16(source))))
            }
            offset += 4 << Int(kind >> 6)
        }
    }
}
