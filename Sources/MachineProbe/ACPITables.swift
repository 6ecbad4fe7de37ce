// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What a configuration needs of the firmware's ACPI tables. A table that is missing, or ends too early, says
/// nothing.
struct ACPITables {
    struct IOAPIC: Hashable {
        var id: UInt8
        var address: UInt64
        /// The number of its first pin among all interrupts.
        var firstInterrupt: UInt32
    }

    /// A window of memory that is PCI configuration space.
    struct ConfigurationSpace: Hashable {
        var base: UInt64
        var segment: UInt16
        var lastBus: UInt8
    }

    let ioapics: [IOAPIC]
    let configurationSpaces: [ConfigurationSpace]
    /// The port of the power management timer.
    let timerPort: UInt16?
    var remapping: RemappingTables
    /// Whether there is a DMAR or IVRS at all, whatever is in it.
    let hasRemappingTable: Bool

    /// - Parameters:
    ///   - tables: by the names of their files.
    ///   - buses: of the machine, by which the tables name devices.
    init(_ tables: [String: [UInt8]], buses: PCIBuses = PCIBuses()) {
        ioapics = Self.ioapics(tables["APIC"] ?? [])
        configurationSpaces = Self.configurationSpaces(tables["MCFG"] ?? [])
        timerPort = Self.timerPort(tables["FACP"] ?? [])
        hasRemappingTable = !(tables["DMAR"] ?? []).isEmpty || !(tables["IVRS"] ?? []).isEmpty
        remapping = RemappingTables(dmar: tables["DMAR"] ?? [], ivrs: tables["IVRS"] ?? [], buses: buses)
    }

    /// After its header the table has two numbers, then entries of a type and a length: type 1 is an IOAPIC.
    private static func ioapics(_ table: [UInt8]) -> [IOAPIC] {
        records(in: table, from: 44, lengthAt: 1, width: 1).compactMap { record in
            guard record.first == 1, let id = record.number(at: 2, 1), let address = record.number(at: 4, 4),
                let interrupt = record.number(at: 8, 4)
            else { return nil }
            return IOAPIC(id: UInt8(id), address: address, firstInterrupt: UInt32(interrupt))
        }
    }

    /// One a segment, whose buses may be in several entries with the base of bus 0 each.
    private static func configurationSpaces(_ table: [UInt8]) -> [ConfigurationSpace] {
        stride(from: 44, to: table.count, by: 16).reduce(into: []) { spaces, offset in
            guard let base = table.number(at: offset, 8), let segment = table.number(at: offset + 8, 2),
                let last = table.number(at: offset + 11, 1)
            else { return }
            let space = ConfigurationSpace(base: base, segment: UInt16(segment), lastBus: UInt8(last))
            if let known = spaces.firstIndex(where: { $0.segment == space.segment && $0.base == base }) {
                spaces[known].lastBus = max(spaces[known].lastBus, space.lastBus)
            } else {
                spaces.append(space)
            }
        }
    }

    /// The block's 32-bit port or, when that is 0, the address in its extended form.
    private static func timerPort(_ table: [UInt8]) -> UInt16? {
        let isExtendedPort = table.number(at: 208, 1) == 1
        let candidates = [table.number(at: 76, 4), isExtendedPort ? table.number(at: 212, 8) : nil]
        return candidates.compactMap { $0.flatMap { UInt16(exactly: $0) } }.first { $0 != 0 }
    }

    /// What is wrong with a table as a list of records; nil: nothing.
    static func damage(in table: [UInt8], from start: Int) -> String? {
        guard !table.isEmpty else { return nil }
        if let length = table.number(at: 4, 4), length > table.count {
            return "it says that it has \(length) bytes, of which \(table.count) are there"
        }
        let end = records(in: table, from: start, lengthAt: 2, width: 2).reduce(start) { $0 + $1.count }
        guard end < table.count else { return table.count < start ? "it has \(table.count) bytes" : nil }
        let length = table.number(at: end + 2, 2).map { "the length \($0)" } ?? "no length"
        return "its structure at byte \(end) has \(length), where \(table.count - end) bytes are left"
    }

    /// The records of a table, each with its own length in it; what does not fit ends the list.
    static func records(in table: [UInt8], from start: Int, lengthAt: Int, width: Int) -> [[UInt8]] {
        var records: [[UInt8]] = []
        var offset = start
        while let length = table.number(at: offset + lengthAt, width).map({ Int($0) }), length >= lengthAt + width,
            length <= table.count - offset
        {
            records.append(Array(table[offset..<offset + length]))
            offset += length
        }
        return records
    }
}
