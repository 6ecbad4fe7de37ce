/// Physical memory, or memory-mapped devices, that a cell sees at an address of its own.
public struct MemoryRegion: Hashable, Sendable {
    /// What the cell may do there (JAILHOUSE_MEM_* of include/jailhouse/cell-config.h). Bits that have no name are kept.
    public struct Flags: OptionSet, Hashable, Sendable {
        public var rawValue: UInt64

        public init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        public static let read = Flags(rawValue: 0x1)
        public static let write = Flags(rawValue: 0x2)
        public static let execute = Flags(rawValue: 0x4)
        public static let dma = Flags(rawValue: 0x8)
        /// Device registers: may be smaller than a page, each access is then checked.
        public static let io = Flags(rawValue: 0x10)
        /// The page where hypervisor and cell talk; it has no physical address.
        public static let communicationRegion = Flags(rawValue: 0x20)
        /// The root cell may write it while the cell is being loaded.
        public static let loadable = Flags(rawValue: 0x40)
        /// The root cell keeps its access.
        public static let rootShared = Flags(rawValue: 0x80)
        public static let noHugePages = Flags(rawValue: 0x100)
        public static let ioUnaligned = Flags(rawValue: 0x8000)
        public static let io8 = Flags(rawValue: 0x10000)
        public static let io16 = Flags(rawValue: 0x20000)
        public static let io32 = Flags(rawValue: 0x40000)
        public static let io64 = Flags(rawValue: 0x80000)
        /// Every access width: any of them makes a region of less than a page legal.
        public static let ioWidths: Flags = [.io8, .io16, .io32, .io64]
    }

    /// What the region is, for people. Only the TOML source has it; empty when read from a binary.
    public var name: String
    public var physicalStart: UInt64
    public var virtualStart: UInt64
    /// In bytes.
    public var size: UInt64
    public var flags: Flags

    public init(
        name: String = "", physicalStart: UInt64 = 0, virtualStart: UInt64 = 0, size: UInt64 = 0, flags: Flags = []
    ) {
        self.name = name
        self.physicalStart = physicalStart
        self.virtualStart = virtualStart
        self.size = size
        self.flags = flags
    }
}
