// SPDX-License-Identifier: Apache-2.0

// Which machine a configuration before revision 14 is for. The file does not say it, and the hypervisor that reads it
// knows; for people and for the rules it is seen from what only one architecture has.

extension CellDescriptor {
    /// What the descriptor's contents are typical of; nil when nothing can be seen.
    package var typicalArchitecture: Architecture? {
        if hasPCHardware { return .x86 }
        // both of Arm's are possible, and nine of ten boards are this one
        return hasArmHardware ? .arm64 : nil
    }

    private var hasPCHardware: Bool {
        let ioapic: UInt64 = 0xfec0_0000
        let hasPortConsole = console.kind == .uart8250 && !console.flags.contains(.mmio)
        // in revision 10 an x86 cell has a bitmap of ports, and no other has
        return !ioPortRegions.isEmpty || hasPortConsole || interruptChips.contains { $0.address == ioapic }
            || bitmapSize.map { $0 > 0 } ?? false
    }

    private var bitmapSize: UInt32? { format.hasPortBitmap ? portBitmapSize : nil }

    private var hasArmHardware: Bool {
        let hasArmConsole = ![.none, .uart8250, .efiFramebuffer].contains(console.kind)
        // one of an SoC: the PC's are reached by ports, those on PCI have their registers side by side
        let hasMappedConsole =
            console.kind == .uart8250 && console.flags.isSuperset(of: [.mmio, .registerDistance4])
        // a PC may have an IOAPIC elsewhere, whose pins begin at 0
        let hasSharedInterrupts = interruptChips.contains { $0.pinBase >= 32 }
        // where the programs of Jailhouse look for it on Arm; on x86 it is 0x100000
        let hasArmRegion = communicationRegion?.virtualStart == 0x8000_0000
        return flags.contains(.aarch32) && revision.rawValue >= 13 || hasSharedInterrupts || vpciInterruptBase != 0
            || !streamIDs.isEmpty || bitmapSize == 0 || hasArmConsole || hasMappedConsole || hasArmRegion
    }
}

extension SystemDescriptor {
    /// - Parameter binary: a whole file.
    static func typicalArchitecture(
        of binary: [UInt8], _ format: FormatVariant
    ) throws(ConfigurationError) -> Architecture {
        // every architecture's part can be read from any bytes; Arm's has its GIC's version, 2 or 3
        let arm = try SystemDescriptor(binary: binary, architecture: .arm, format: format)
        guard case .arm(let part) = arm.platform.specific, (2...4).contains(part.gicVersion), part.gicdBase != 0,
            part.gicdBase % 0x1000 == 0
        else { return .x86 }
        return arm.typicalArmArchitecture
    }

    /// Which of Arm's two: nothing in a configuration tells 32-bit processors with a GICv2 from 64-bit ones, which can have
    /// all of their memory below 4 GiB, too.
    var typicalArmArchitecture: Architecture {
        guard case .arm(let part) = platform.specific else { return .arm64 }
        let isWide =
            part.gicVersion > 2 || !rootCell.streamIDs.isEmpty || platform.iommuUnits.contains { $0.kind != .none }
            || rootCell.memoryRegions.contains {
                $0.physicalStart > UInt32.max || $0.physicalStart &+ $0.size > 1 << 32
            }
        return isWide ? .arm64 : .arm
    }
}
