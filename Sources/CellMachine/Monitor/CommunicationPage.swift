import CellConfiguration

/// The page through which the hypervisor and the cell talk, as it is when the cell starts
/// (upstream's include/jailhouse/hypercall.h).
struct CommunicationPage {
    var layout: CellMachineSettings.CommunicationRegionLayout
    var flags: CellDescriptor.Flags
    var console: Console
    var configurationSpaceBase: UInt64
    var pmTimerPort: UInt16
    var cpuCount: Int
    /// 0 while it is not known: the monitor measures it, and enters it.
    var tscKHz: UInt32

    /// QEMU's local APIC counts nanoseconds.
    static let apicKHz: UInt32 = 1_000_000
    static let stateOffset = 8

    var messageOffset: Int { layout == .current ? 12 : 0 }
    var replyOffset: Int { layout == .current ? 16 : 4 }

    var bytes: [UInt8] {
        var page = Bytes(count: Int(PageTables.pageSize))
        switch layout {
        case .of2016: page.store(pmTimerPort, at: 0x10)
        case .current:
            for (offset, byte) in "JHCOMM".utf8.enumerated() { page.store(byte, at: offset) }
            page.store(2 as UInt16, at: 6)
            let permitted: UInt32 = flags.contains(.virtualConsolePermitted) ? 1 : 0
            let active: UInt32 = flags.contains(.virtualConsoleActive) ? 2 : 0
            page.store(permitted | active, at: 20)
            page.store(console.address, at: 24)
            page.store(console.size, at: 32)
            page.store(console.kind.rawValue, at: 36)
            page.store(console.flags.rawValue, at: 38)
            page.store(console.divider, at: 40)
            page.store(console.gateNumber, at: 44)
            page.store(console.clockRegister, at: 48)
            page.store(configurationSpaceBase, at: 56)
            page.store(pmTimerPort, at: 64)
            page.store(UInt16(truncatingIfNeeded: cpuCount), at: 66)
            page.store(tscKHz, at: 68)
            page.store(CommunicationPage.apicKHz, at: 72)
        }
        return page.values
    }
}

/// Little-endian numbers in memory that is being prepared.
struct Bytes {
    private(set) var values: [UInt8]

    init(count: Int) {
        values = Array(repeating: 0, count: count)
    }

    mutating func store<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
        for index in 0..<Number.bitWidth / 8 {
            values[offset + index] = UInt8(truncatingIfNeeded: number >> Number(index * 8))
        }
    }

    mutating func store(_ bytes: [UInt8], at offset: Int) {
        values.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    mutating func store(_ entries: [UInt64], at offset: Int) {
        for (index, entry) in entries.enumerated() where entry != 0 { store(entry, at: offset + index * 8) }
    }
}
