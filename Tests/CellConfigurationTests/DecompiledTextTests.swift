// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration

/// What a person sees of a compiled file: names for what can be recognised, and a few comments.
@Suite struct DecompiledTextTests {
    @Test func devicesAreNamedByWhereTheyAre() throws {
        func region(_ address: UInt64, _ flags: MemoryRegion.Flags = [.read, .write, .io]) -> MemoryRegion {
            MemoryRegion(physicalStart: address, virtualStart: address, size: 0x1000, flags: flags)
        }
        let system = SystemDescriptor(
            architecture: .arm64,
            debugConsole: Console(kind: Console.Kind(rawValue: 3), address: 0x900_0000, size: 0x1000, flags: .mmio),
            platform: Platform(
                mmconfigBase: 0x8e0_0000, iommuUnits: [IOMMUUnit(kind: .smmuV3, base: 0x3660_0000)],
                specific: .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
            ),
            rootCell: CellDescriptor(
                name: "root",
                memoryRegions: [
                    region(0x900_0000), region(0x8e0_0000), region(0x3660_0000), region(0x800_0000), region(0x80a_0000),
                    region(0x4000_0000, [.read, .write, .execute, .dma]), MemoryRegion(), region(0x5000_0000),
                    MemoryRegion(physicalStart: 0x900_0000, size: 0x3700_0000, flags: [.read, .write, .io]),
                ]
            )
        )
        let again = try SystemDescriptor(toml: SystemDescriptor(binary: system.binary()).toml(), path: "x")
        #expect(
            again.rootCell.memoryRegions.map(\.name) == [
                "UART", "PCI configuration (MMCONFIG)", "IOMMU 0", "GIC distributor", "GIC redistributors", "ram",
                "unused", "", "devices",
            ])
    }

    @Test(
        arguments: [
            (0x3f8, 8, "COM1"), (0x3b0, 8, "VGA"), (0x0, 0x20, "DMA controller"), (0x70, 2, "CMOS clock"),
            (0xc000, 0xff, "devices"), (0xd00, 0xf300, "devices"), (0x3f0, 16, ""), (0xfff0, 16, "devices"),
            (0x60, 5, "keyboard controller"), (0x5, 0, "DMA controller"),
        ] as [(UInt16, UInt16, String)]) func portsAreNamed(base: UInt16, count: UInt16, name: String)
    {
        let cell = CellDescriptor(name: "x", ioPortRegions: [IOPortRegion(base: base, count: count)])
        #expect(cell.withRegionNames().ioPortRegions[0].name == name)
    }

    @Test func capabilitiesAreNamedWithTheirDevice() throws {
        let cell = CellDescriptor(
            name: "x",
            pciDevices: [
                PCIDevice(address: PCIAddress(rawValue: 0xc8), firstCapability: 1, capabilityCount: 2),
                PCIDevice(address: PCIAddress(rawValue: 0xd0), firstCapability: 3, capabilityCount: 9),
            ],
            pciCapabilities: [
                PCICapability(id: 0x12, start: 0xa8, length: 16), PCICapability(id: 0x5, start: 0x80, length: 14),
                PCICapability(id: 0x8003, start: 0x140, length: 4), PCICapability(id: 0x7777, start: 0, length: 4),
            ]
        )
        let lines = cell.toml().split(separator: "\n").filter { $0.hasPrefix("[[") }
        #expect(
            lines == [
                "[[pci-device]]                  # MSI, serial number", "[[pci-device]]",
                "[[pci-capability]]              # SATA, of no device",
                "[[pci-capability]]              # 00:19.0: MSI",
                "[[pci-capability]]              # 00:19.0: serial number",
                "[[pci-capability]]              # of no device",
            ])
    }

    @Test func whatTheFileDoesNotSayIsMarked() throws {
        let toml = CellDescriptor(name: "x", messageReplyTimeout: 7, revision: .revision13).toml()
        #expect(toml.contains("architecture = \"x86\"            # not in a file of revision 13\n"))
        let binary = try CellDescriptor(name: "x", revision: .revision13).binary()
        let guessed = try CellDescriptor(binary: binary)
        #expect(
            guessed.toml().contains(
                "revision = 13                   # such a file does not say its architecture; by its contents a guess: "
                    + "architecture = \"x86\"\n"))
        #expect(try !CellDescriptor(binary: binary, assuming: .arm64).toml().contains("guess"))
        #expect(toml.contains("message-timeout = 7             # loops of the hypervisor,"))
        #expect(!CellDescriptor(name: "x").toml().contains("#"))
    }

    /// What was guessed of a file is guessed of its source, too, and never said as if it were known.
    @Test(arguments: [FormatVariant.r10, .r12d, .r13b], [0, 1, 2, 3])
    func aGuessStaysAGuess(format: FormatVariant, kind: Int) throws {
        var cell = CellDescriptor(name: "x", architecture: [.arm64, .arm64, .x86, .arm][kind])
        if kind == 0 { cell.vpciInterruptBase = 100 }
        if kind == 1 {
            cell.memoryRegions = [
                MemoryRegion(virtualStart: 0x8000_0000, size: 0x1000, flags: [.read, .write, .communicationRegion])
            ]
        }
        if kind == 3 {
            cell.console = Console(kind: .uart8250, address: 0x1c2_8000, flags: [.mmio, .registerDistance4])
        }
        let bytes = try cell.binary(as: format)
        let guessed = try CellDescriptor(binary: bytes)
        #expect(guessed.isArchitectureGuessed && guessed.architecture == (kind == 2 ? .x86 : .arm64))
        let again = try CellDescriptor(toml: guessed.toml(), path: "x")
        #expect(again.isArchitectureGuessed && again.architecture == guessed.architecture)
        #expect(try again.binary() == bytes)
        #expect(again.toml() == guessed.toml())
        // what is said is no guess
        let said = try CellDescriptor(
            toml: CellDescriptor(binary: bytes, assuming: cell.architecture).toml(), path: "x")
        #expect(!said.isArchitectureGuessed && said.architecture == cell.architecture)
        #expect(try said.binary() == bytes)
    }

    @Test(arguments: [FormatVariant.r10, .r12d, .r13b], [Architecture.x86, .arm, .arm64])
    func aGuessOfASystemStaysAGuess(format: FormatVariant, architecture: Architecture) throws {
        let arm = ArmPlatform(gicVersion: architecture == .arm ? 2 : 3, gicdBase: 0x800_0000)
        let system = SystemDescriptor(
            architecture: architecture,
            platform: Platform(specific: architecture == .x86 ? .x86(X86Platform(pmTimerPort: 0x608)) : .arm(arm)),
            rootCell: CellDescriptor(name: "root"))
        let bytes = try system.binary(as: format)
        let guessed = try SystemDescriptor(binary: bytes)
        #expect(guessed.rootCell.isArchitectureGuessed && guessed.architecture == architecture)
        #expect(!guessed.toml().contains("\narchitecture"))
        let again = try SystemDescriptor(toml: guessed.toml(), path: "x")
        #expect(again.rootCell.isArchitectureGuessed)
        #expect(again.architecture == architecture && again.rootCell.architecture == architecture)
        #expect(try again.binary() == bytes)
    }

    @Test func fromRevision14OnTheArchitectureIsSaid() throws {
        for revision in ["", "revision = 14\n"] {
            let error = #expect(throws: ConfigurationError.self) {
                try CellDescriptor(toml: "[cell]\nname = \"x\"\ncpus = [1]\n\(revision)", path: "x")
            }
            #expect(error?.code == .missingKey && error?.description.contains("architecture") == true)
        }
        #expect(
            try CellDescriptor(toml: "[cell]\nname = \"x\"\ncpus = [1]\nrevision = 13\n", path: "x").revision
                == .revision13)
    }
}
