// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// The IOMMUs, of Intel's table (DMAR) or AMD's (IVRS).
struct RemappingTables {
    struct Unit: Hashable {
        var kind: IOMMUUnit.Kind
        var base: UInt64
        /// Of its registers, in bytes, as far as the table tells it.
        var size: UInt32
        var segment: UInt16
        /// The functions and bridges that the table names for it.
        var devices: Set<PCIAddress> = []
        /// Functions by their numbers, from the first to the last: AMD's table has ranges, and a bridge has buses behind it.
        var ranges: [ClosedRange<UInt16>] = []
        /// Whether it serves every function that no other unit names.
        var servesOthers = false
        /// AMD: where it is on the PCI bus, its capability there, and what it can do.
        var address = PCIAddress(rawValue: 0)
        var capability: UInt8 = 0
        var features: UInt32 = 0

        func names(_ function: PCIAddress) -> Bool {
            devices.contains(function) || ranges.contains { $0.contains(function.rawValue) }
        }
    }

    /// How an IOAPIC's interrupts look to the IOMMU.
    struct IOAPICSource: Hashable {
        var id: UInt8
        /// The index of the unit.
        var unit: Int
        var address: PCIAddress
    }

    /// Memory that devices use by DMA at any time: Intel's RMRR, AMD's IVMD.
    struct DemandedMemory: Hashable {
        var range: ClosedRange<UInt64>
        /// Empty: any device.
        var devices: [PCIAddress] = []
    }

    private(set) var units: [Unit] = []
    private(set) var ioapics: [IOAPICSource] = []
    private(set) var memory: [DemandedMemory] = []
    /// How many devices the table names by a way that leads through a bridge that is not known.
    private(set) var unresolved = 0
    /// Intel's table says that its units remap interrupts (flag INTR_REMAP).
    let remapsInterrupts: Bool
    /// What is wrong with the tables, a sentence each.
    private(set) var damage: [String]
    /// Those that ``keep(_:)`` has taken out.
    private(set) var dropped: [Unit] = []
    private let buses: PCIBuses

    init(dmar: [UInt8], ivrs: [UInt8], buses: PCIBuses = PCIBuses()) {
        self.buses = buses
        damage = [("DMAR", dmar), ("IVRS", ivrs)].compactMap { name, table in
            ACPITables.damage(in: table, from: 48).map {
                "The ACPI table \(name) is damaged: \($0). What comes behind that is not known; copy it again as root."
            }
        }
        remapsInterrupts = (dmar.number(at: 37, 1) ?? 0) & 1 != 0
        for record in ACPITables.records(in: dmar, from: 48, lengthAt: 2, width: 2) {
            switch record.number(at: 0, 2) {
            case 0: addIntel(record)
            case 1: addIntelMemory(record)
            default: continue
            }
        }
        for record in ACPITables.records(in: ivrs, from: 48, lengthAt: 2, width: 2) { addAMD(record) }
    }

    /// The index of the unit that serves a function; nil when none does.
    func unit(of function: PCIAddress, in segment: UInt16) -> Int? {
        let candidates = units.indices.filter { units[$0].segment == segment }
        return candidates.first { units[$0].names(function) } ?? candidates.first { units[$0].servesOthers }
    }

    /// The unit without a number that serves a function; nil when none of those does.
    func droppedUnit(of function: PCIAddress, in segment: UInt16) -> Unit? {
        let others = dropped.filter { $0.segment == segment }
        if let unit = others.first(where: { $0.names(function) }) { return unit }
        return unit(of: function, in: segment) == nil ? others.first(where: \.servesOthers) : nil
    }

    /// Leaves only these units, by their indexes in ascending order, and numbers them anew.
    mutating func keep(_ kept: [Int]) {
        dropped += units.indices.filter { !kept.contains($0) }.map { units[$0] }
        units = kept.map { units[$0] }
        ioapics = ioapics.compactMap { source in
            kept.firstIndex(of: source.unit).map { IOAPICSource(id: source.id, unit: $0, address: source.address) }
        }
    }

    // MARK: Intel (VT-d specification, section 8)

    private struct Scope {
        /// 1 a function, 2 a bridge and all that is behind it, 3 an IOAPIC.
        var kind: UInt64
        var id: UInt8
        var address: PCIAddress
    }

    /// The scopes of a record, each with the path to its device.
    private mutating func scopes(_ record: [UInt8], from start: Int, in segment: UInt16) -> [Scope] {
        var scopes: [Scope] = []
        for scope in ACPITables.records(in: record, from: start, lengthAt: 1, width: 1) {
            guard let kind = scope.number(at: 0, 1), let id = scope.number(at: 4, 1), let bus = scope.number(at: 5, 1),
                scope.count >= 8
            else { continue }
            let path = stride(from: 6, to: scope.count - 1, by: 2).map { (Int(scope[$0]), Int(scope[$0 + 1])) }
            guard let address = buses.address(from: Int(bus), path: path, in: segment) else {
                unresolved += 1
                continue
            }
            scopes.append(Scope(kind: kind, id: UInt8(id), address: address))
        }
        let end = ACPITables.records(in: record, from: start, lengthAt: 1, width: 1).reduce(start) { $0 + $1.count }
        if end < record.count {
            damage.append(
                "The ACPI table DMAR is damaged: of a structure's list of devices the last \(record.count - end) bytes cannot be "
                    + "read, so check iommu of each device.")
        }
        return scopes
    }

    /// A hardware unit, and the devices in its scope.
    private mutating func addIntel(_ record: [UInt8]) {
        guard let flags = record.number(at: 4, 1), let segment = record.number(at: 6, 2),
            let base = record.number(at: 8, 8)
        else { return }
        // newer tables have the number of pages, as a power of two
        let size = UInt32(0x1000) << UInt32(record[5] & 0xf)
        var unit = Unit(
            kind: .intel, base: base, size: size, segment: UInt16(segment), servesOthers: flags & 1 != 0)
        for scope in scopes(record, from: 16, in: unit.segment) {
            switch scope.kind {
            case 1: unit.devices.insert(scope.address)
            case 2:
                unit.devices.insert(scope.address)
                if let buses = buses.buses(behind: scope.address, in: unit.segment) {
                    unit.ranges.append(UInt16(buses.lowerBound) << 8...UInt16(buses.upperBound) << 8 | 0xff)
                }
            case 3: ioapics.append(IOAPICSource(id: scope.id, unit: units.count, address: scope.address))
            default: continue
            }
        }
        units.append(unit)
    }

    private mutating func addIntelMemory(_ record: [UInt8]) {
        guard let segment = record.number(at: 6, 2), let first = record.number(at: 8, 8),
            let last = record.number(at: 16, 8), first <= last
        else { return }
        let devices = scopes(record, from: 24, in: UInt16(segment)).map(\.address)
        memory.append(DemandedMemory(range: first...last, devices: devices))
    }

    // MARK: AMD (I/O virtualization specification, section 5.2)

    private mutating func addAMD(_ record: [UInt8]) {
        switch record[0] {
        case 0x10, 0x11, 0x40: addAMDUnit(record)
        case 0x20, 0x21, 0x22: addAMDMemory(record)
        default: return
        }
    }

    /// A unit may be described by several blocks; of the later ones, the devices count.
    private mutating func addAMDUnit(_ record: [UInt8]) {
        guard let address = record.number(at: 4, 2), let capability = record.number(at: 6, 2),
            let base = record.number(at: 8, 8), let segment = record.number(at: 16, 2),
            let features = record.number(at: 20, 4)
        else { return }
        let known = units.firstIndex { $0.base == base && $0.kind == .amd }
        let index = known ?? units.count
        if known == nil {
            units.append(
                Unit(
                    kind: .amd, base: base, size: 0x4000, segment: UInt16(segment),
                    address: PCIAddress(rawValue: UInt16(address)), capability: UInt8(truncatingIfNeeded: capability),
                    features: 0))
        }
        // only the oldest block has what the hypervisor asks for
        if record[0] == 0x10 { units[index].features = UInt32(features) }
        addAMDDevices(record, from: record[0] == 0x10 ? 24 : 40, to: index)
    }

    private mutating func addAMDDevices(_ record: [UInt8], from start: Int, to index: Int) {
        var offset = start
        var rangeStart: UInt16?
        while let kind = record.number(at: offset, 1) {
            let device = record.number(at: offset + 1, 2).map { UInt16($0) } ?? 0
            switch kind {
            case 1: units[index].servesOthers = true
            case 2, 66, 70: units[index].devices.insert(PCIAddress(rawValue: device))
            case 3, 67, 71: rangeStart = device
            case 4:
                if let first = rangeStart, first <= device { units[index].ranges.append(first...device) }
                rangeStart = nil
            case 72:
                if record.number(at: offset + 7, 1) == 1, let id = record.number(at: offset + 4, 1),
                    let source = record.number(at: offset + 5, 2)
                {
                    let found = IOAPICSource(id: UInt8(id), unit: index, address: PCIAddress(rawValue: UInt16(source)))
                    if !ioapics.contains(found) { ioapics.append(found) }
                }
            default: break
            }
            // the two highest bits tell the length: 4, 8, 16 or 32 bytes; an ACPI device has a text at its end
            let length = kind == 240 ? 22 + Int(record.number(at: offset + 21, 1) ?? 0) : 4 << Int(kind >> 6)
            offset += length
        }
    }

    private mutating func addAMDMemory(_ record: [UInt8]) {
        guard let first = record.number(at: 16, 8), let size = record.number(at: 24, 8), size > 0,
            !first.addingReportingOverflow(size - 1).overflow, let device = record.number(at: 4, 2)
        else { return }
        // of all devices, of one, of those from it to another
        var devices = record[0] == 0x20 ? [] : [PCIAddress(rawValue: UInt16(device))]
        if record[0] == 0x22, let last = record.number(at: 6, 2), last > device {
            devices = (UInt16(device)...UInt16(last)).prefix(64).map(PCIAddress.init(rawValue:))
        }
        memory.append(DemandedMemory(range: first...first + (size - 1), devices: devices))
    }
}
