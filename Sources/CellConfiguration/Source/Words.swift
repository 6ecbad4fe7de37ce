// SPDX-License-Identifier: Apache-2.0

/// The words for numbers and bits in the TOML source.
enum Words {
    static let consoleKinds: [(word: String, number: UInt16)] = [
        ("none", 0), ("EFIFB", 1), ("8250", 2), ("PL011", 3), ("XUARTPS", 4), ("MVEBU", 5), ("HSCIF", 6), ("SCIFA", 7),
        ("IMX", 8), ("IMX_LPUART", 9), ("SCIF", 10),
    ]

    static let memoryAccess: [(word: String, bit: UInt64)] = [
        ("read", MemoryRegion.Flags.read), ("write", .write), ("execute", .execute), ("dma", .dma), ("io", .io),
        ("communication-region", .communicationRegion), ("loadable", .loadable), ("root-shared", .rootShared),
        ("no-huge-pages", .noHugePages), ("io-unaligned", .ioUnaligned), ("io-8", .io8), ("io-16", .io16),
        ("io-32", .io32), ("io-64", .io64),
    ].map { ($0, $1.rawValue) }

    static let virtualConsole: [(word: String, bit: UInt32)] = [
        ("permitted", CellDescriptor.Flags.virtualConsolePermitted), ("active", .virtualConsoleActive),
    ].map { ($0, $1.rawValue) }

    static let cacheKinds: [(word: String, number: UInt8)] = [
        ("code", CacheRegion.Kind.code), ("data", .data), ("both", .both),
    ].map { ($0, $1.rawValue) }

    static let pciDeviceKinds: [(word: String, number: UInt8)] = [
        ("device", PCIDevice.Kind.device), ("bridge", .bridge), ("ivshmem", .sharedMemory),
    ].map { ($0, $1.rawValue) }

    static let linkProtocols: [(word: String, number: UInt16)] = [
        ("undefined", 0), ("veth", SharedMemoryLink.networkProtocol),
    ]

    static let iommuKinds: [(word: String, number: UInt32)] = [
        ("none", IOMMUUnit.Kind.none), ("amd", .amd), ("intel", .intel), ("smmu-v3", .smmuV3), ("pvu", .pvu),
        ("mmu-500", .mmu500),
    ].map { ($0, $1.rawValue) }

    static let apicModes: [(word: String, number: UInt8)] = [
        ("auto", X86Platform.APICMode.automatic), ("xapic", .xAPIC), ("x2apic", .x2APIC),
    ].map { ($0, $1.rawValue) }

    /// All bits that have a word.
    static func bits<Bits: FixedWidthInteger>(_ words: [(word: String, bit: Bits)]) -> Bits {
        words.reduce(0) { $0 | $1.bit }
    }
}
