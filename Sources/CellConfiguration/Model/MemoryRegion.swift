// SPDX-License-Identifier: Apache-2.0

/// Physical memory, or memory-mapped devices, that a cell sees at an address of its own.
package struct MemoryRegion: Hashable, Sendable {
    /// What the cell may do there (JAILHOUSE_MEM_* of include/jailhouse/cell-config.h). Bits that have no name are kept.
    package struct Flags: OptionSet, Hashable, Sendable {
        package var rawValue: UInt64

        package init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        package static let read = Flags(rawValue: 0x1)
        package static let write = Flags(rawValue: 0x2)
        package static let execute = Flags(rawValue: 0x4)
        package static let dma = Flags(rawValue: 0x8)
        /// Device registers: may be smaller than a page, each access is then checked.
        package static let io = Flags(rawValue: 0x10)
        /// The page where hypervisor and cell talk; it has no physical address.
        package static let communicationRegion = Flags(rawValue: 0x20)
        /// The root cell may write it while the cell is being loaded.
        package static let loadable = Flags(rawValue: 0x40)
        /// The root cell keeps its access.
        package static let rootShared = Flags(rawValue: 0x80)
        package static let noHugePages = Flags(rawValue: 0x100)
        package static let ioUnaligned = Flags(rawValue: 0x8000)
        package static let io8 = Flags(rawValue: 0x10000)
        package static let io16 = Flags(rawValue: 0x20000)
        package static let io32 = Flags(rawValue: 0x40000)
        package static let io64 = Flags(rawValue: 0x80000)
        /// Every access width: any of them makes a region of less than a page legal.
        package static let ioWidths: Flags = [.io8, .io16, .io32, .io64]
        /// All that upstream has.
        package static let known: Flags = [
            .read, .write, .execute, .dma, .io, .communicationRegion, .loadable, .rootShared, .noHugePages,
            .ioUnaligned, .io8, .io16, .io32, .io64,
        ]
    }

    /// What the region is, for people. Only the TOML source has it; empty when read from a binary.
    package var name: String
    package var physicalStart: UInt64
    package var virtualStart: UInt64
    /// In bytes.
    package var size: UInt64
    package var flags: Flags
    /// Bits of a file that mean nothing in its layout, but something in later ones; kept as they are.
    package var meaninglessBits: UInt64 = 0

    /// What ``meaninglessBits`` can have.
    static let onceMeaningless = Flags.ioUnaligned.rawValue

    /// Gives bits their meaning in a layout that has one for them.
    mutating func giveMeaning(in format: FormatVariant) {
        flags.formUnion(Flags(rawValue: meaninglessBits & ~format.meaninglessMemoryBit))
        meaninglessBits &= format.meaninglessMemoryBit
    }

    package init(
        name: String = "", physicalStart: UInt64 = 0, virtualStart: UInt64 = 0, size: UInt64 = 0, flags: Flags = []
    ) {
        self.name = name
        self.physicalStart = physicalStart
        self.virtualStart = virtualStart
        self.size = size
        self.flags = flags
    }
}
