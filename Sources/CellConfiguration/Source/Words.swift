/// The words that stand for numbers and bits in the TOML source.
enum Words {
    static let consoleKinds: [(word: String, number: UInt16)] = [
        ("none", 0), ("EFIFB", 1), ("8250", 2), ("PL011", 3), ("XUARTPS", 4), ("MVEBU", 5), ("HSCIF", 6), ("SCIFA", 7),
        ("IMX", 8), ("IMX_LPUART", 9), ("SCIF", 10),
    ]

    static let memoryAccess: [(word: String, bit: UInt64)] = [
        ("read", 0x1), ("write", 0x2), ("execute", 0x4), ("dma", 0x8), ("io", 0x10), ("communication-region", 0x20),
        ("loadable", 0x40), ("root-shared", 0x80), ("no-huge-pages", 0x100), ("io-unaligned", 0x8000),
        ("io-8", 0x10000), ("io-16", 0x20000), ("io-32", 0x40000), ("io-64", 0x80000),
    ]

    static let virtualConsole: [(word: String, bit: UInt32)] = [("permitted", 0x4000_0000), ("active", 0x8000_0000)]

    static let cacheKinds: [(word: String, number: UInt8)] = [("code", 1), ("data", 2), ("both", 3)]

    static let pciDeviceKinds: [(word: String, number: UInt8)] = [("device", 1), ("bridge", 2), ("ivshmem", 3)]

    static let iommuKinds: [(word: String, number: UInt32)] = [
        ("none", 0), ("amd", 1), ("intel", 2), ("smmu-v3", 3), ("pvu", 4), ("mmu-500", 5),
    ]

    static let apicModes: [(word: String, number: UInt8)] = [("auto", 0), ("xapic", 1), ("x2apic", 2)]

    /// All bits that have a word.
    static func bits<Bits: FixedWidthInteger>(_ words: [(word: String, bit: Bits)]) -> Bits {
        words.reduce(0) { $0 | $1.bit }
    }
}
