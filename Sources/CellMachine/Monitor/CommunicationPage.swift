// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface

/// The page through which the hypervisor and the cell talk, as it is when the cell starts
/// (upstream's include/jailhouse/hypercall.h).
struct CommunicationPage {
    var layout: CellMachineSettings.CommunicationRegionLayout
    var abiRevision = CommunicationRegion.abiRevision
    var flags: CellDescriptor.Flags
    var console: Console
    var configurationSpaceBase: UInt64
    var pmTimerPort: UInt16
    var cpuCount: Int
    /// 0 while it is not known: the monitor measures it, and enters it.
    var tscKHz: UInt32
    /// Of a cell on an Arm machine.
    var arm: Arm?

    struct Arm {
        var platform: ArmPlatform
        var vpciInterruptBase: UInt32
    }

    /// QEMU's local APIC counts nanoseconds.
    static let apicKHz: UInt32 = 1_000_000
    static let stateOffset = CommunicationRegion.Offset.cellState

    var messageOffset: Int { layout == .current ? CommunicationRegion.Offset.messageToCell : 0 }
    var replyOffset: Int { layout == .current ? CommunicationRegion.Offset.replyFromCell : 4 }

    var bytes: [UInt8] {
        var page = Bytes(count: Int(PageTables.pageSize))
        switch layout {
        case .of2016: page.store(pmTimerPort, at: 0x10)
        case .current:
            typealias Offset = CommunicationRegion.Offset
            typealias Flags = CommunicationRegion.Flags
            page.store(Array(CommunicationRegion.signature.utf8), at: Offset.signature)
            page.store(abiRevision, at: Offset.revision)
            let permitted = flags.contains(.virtualConsolePermitted) ? Flags.consoleOutputPermitted : 0
            let active = flags.contains(.virtualConsoleActive) ? Flags.consoleOutputActive : 0
            page.store(permitted | active, at: Offset.flags)
            // laid out as in a cell configuration
            page.store(console.address, at: Offset.console)
            page.store(console.size, at: Offset.console + 8)
            page.store(console.kind.rawValue, at: Offset.console + 12)
            page.store(console.flags.rawValue, at: Offset.console + 14)
            page.store(console.divider, at: Offset.console + 16)
            page.store(console.gateNumber, at: Offset.console + 20)
            page.store(console.clockRegister, at: Offset.console + 24)
            page.store(configurationSpaceBase, at: Offset.mmconfigBase)
            if let arm { store(arm, into: &page) } else { storeClocks(into: &page) }
        }
        return page.values
    }

    private func storeClocks(into page: inout Bytes) {
        typealias Offset = CommunicationRegion.Offset.X86
        page.store(pmTimerPort, at: Offset.pmTimerPort)
        page.store(UInt16(truncatingIfNeeded: cpuCount), at: Offset.cpuCount)
        page.store(tscKHz, at: Offset.tscKHz)
        page.store(CommunicationPage.apicKHz, at: Offset.apicKHz)
    }

    private func store(_ arm: Arm, into page: inout Bytes) {
        typealias Offset = CommunicationRegion.Offset.Arm
        page.store(arm.platform.gicVersion, at: Offset.gicVersion)
        page.store(arm.platform.gicdBase, at: Offset.gicDistributor)
        page.store(arm.platform.giccBase, at: Offset.gicCPUInterface)
        page.store(arm.platform.gicrBase, at: Offset.gicRedistributor)
        page.store(arm.vpciInterruptBase, at: Offset.vpciInterruptBase)
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
