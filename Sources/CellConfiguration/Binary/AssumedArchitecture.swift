// SPDX-License-Identifier: Apache-2.0

// Which machine a configuration before revision 14 is for. The file does not say it, and the hypervisor that reads it
// knows; for people and for the rules it is seen from what only one architecture has.

extension CellDescriptor {
    /// What the descriptor's contents are typical of; nil when nothing can be seen.
    var typicalArchitecture: Architecture? {
        let ioapic: UInt64 = 0xfec0_0000
        let hasPortConsole = console.kind == .uart8250 && !console.flags.contains(.mmio)
        if !ioPortRegions.isEmpty || hasPortConsole || interruptChips.contains(where: { $0.address == ioapic }) {
            return .x86
        }
        // in revision 10 an x86 cell has a bitmap of ports, and no other has
        if let portBitmapSize, portBitmapSize > 0 { return .x86 }
        if flags.contains(.aarch32) && revision.rawValue >= 13 { return .arm64 }
        let hasArmConsole = ![.none, .uart8250, .efiFramebuffer].contains(console.kind)
        guard
            !interruptChips.isEmpty || vpciInterruptBase != 0 || !streamIDs.isEmpty || portBitmapSize == 0
                || hasArmConsole
        else { return nil }
        // both are possible, and nine of ten boards are this one
        return .arm64
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
        // 32-bit processors with memory beyond 4 GiB exist; configurations that give it to Linux are not known
        let root = arm.rootCell
        let isWide =
            part.gicVersion > 2 || !root.streamIDs.isEmpty || arm.platform.iommuUnits.contains { $0.kind != .none }
            || root.memoryRegions.contains { $0.physicalStart > UInt32.max || $0.physicalStart &+ $0.size > 1 << 32 }
        return isWide ? .arm64 : .arm
    }
}
