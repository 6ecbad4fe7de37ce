// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

/// What a system says of its machine, and a cell of what is in it.
@Suite struct PlatformFactTests {
    private static let ioapic = InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: Array(0..<24))

    /// A sound machine of Intel's.
    private var pc: SystemDescriptor {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: 64))
        system.platform.iommuUnits = [IOMMUUnit(kind: .intel, base: 0xfed9_0000, size: 0x1000)]
        system.platform.mmconfigBase = 0xb000_0000
        system.platform.mmconfigEndBus = 0xff
        system.rootCell.memoryRegions = [
            MemoryRegion(name: "RAM", physicalStart: 0, size: 0x3000_0000, flags: [.read, .write, .execute, .dma])
        ]
        system.rootCell.interruptChips = [Self.ioapic]
        return system
    }

    private var board: SystemDescriptor {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(
            ArmPlatform(maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        system.rootCell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33])]
        return system
    }

    private func rules(_ system: SystemDescriptor, among known: String...) -> [String] {
        system.findings().compactMap(\.rule).filter(known.contains)
    }

    private func device(_ bdf: String, msi: UInt8 = 0, msix: UInt16 = 0) throws -> PCIDevice {
        PCIDevice(address: try #require(PCIAddress(bdf)), msiVectors: msi, msixVectors: msix)
    }

    @Test func aPCHasATimerAndInterrupts() {
        var system = pc
        #expect(rules(system, among: "JH0708", "JH1118", "JH1208", "JH1209", "JH0709") == [])
        system.platform.specific = .x86(X86Platform(vtdInterruptLimit: 64))
        system.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: [])]
        #expect(rules(system, among: "JH0708", "JH1118") == ["JH1118", "JH0708"])
        var board = board
        #expect(rules(board, among: "JH0708", "JH1118") == [])
        board.rootCell.interruptChips = []
        #expect(rules(board, among: "JH0708", "JH1118") == ["JH1118"])
    }

    @Test(arguments: [(64, []), (63, ["JH1208"]), (0, ["JH1208"])] as [(UInt32, [String])])
    func theTableOfInterruptsHasRoom(limit: UInt32, expected: [String]) throws {
        var system = pc
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608, vtdInterruptLimit: limit))
        // of a device with both the larger number counts; of a chip with two records, each pin once
        system.rootCell.interruptChips.append(Self.ioapic)
        system.rootCell.pciDevices = [try device("00:02.0", msi: 1, msix: 32), try device("00:1f.2", msi: 8)]
        #expect(rules(system, among: "JH1208") == expected)
        system.platform.iommuUnits[0].kind = .amd
        #expect(rules(system, among: "JH1208") == [])
    }

    @Test func aLimitWithoutUnits() {
        var system = pc
        system.platform.iommuUnits = []
        #expect(rules(system, among: "JH1208", "JH1209") == ["JH1209"])
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x808))
        #expect(rules(system, among: "JH1208", "JH1209") == [])
    }

    @Test func devicesReachLinuxsMemory() throws {
        var system = pc
        system.rootCell.memoryRegions[0].flags.remove(.dma)
        #expect(rules(system, among: "JH0709") == [])
        system.rootCell.pciDevices = [try device("00:1f.2")]
        #expect(rules(system, among: "JH0709") == ["JH0709"])
        system.platform.iommuUnits = []
        #expect(rules(system, among: "JH0709") == [])
    }

    @Test func extendedCapabilitiesNeedTheirSpace() throws {
        var system = pc
        system.rootCell.pciDevices = [try device("05:00.0")]
        system.rootCell.pciDevices[0].capabilityCount = 1
        system.rootCell.pciCapabilities = [PCICapability(id: 0x8001, start: 0x100, length: 72)]
        #expect(rules(system, among: "JH1023") == [])
        system.platform.mmconfigEndBus = 4
        #expect(rules(system, among: "JH1023") == ["JH1023"])
        system.rootCell.pciCapabilities[0].id = 0x1
        #expect(rules(system, among: "JH1023") == [])
        system.rootCell.pciCapabilities[0].id = 0x8001
        system.platform.mmconfigBase = 0
        #expect(rules(system, among: "JH1023") == ["JH1023"])
    }

    @Test func anIOAPICIsBehindAUnitThatThereIs() {
        var system = pc
        #expect(rules(system, among: "JH1011") == [])
        system.rootCell.interruptChips[0].id = 0x2ff00
        let found = system.findings().filter { $0.rule == "JH1011" }
        #expect(found.map(\.location) == ["interrupt-chip[0].id"] && found.first?.severity == .warning)
    }

    @Test func anArmLinkNeedsAHostController() throws {
        var system = board
        system.platform.virtualPCI = 1
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        func found() -> [String] { system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH1024" } }
        #expect(found() == ["JH1024"])
        system.platform.mmconfigBase = 0x8e0_0000
        #expect(found() == [])
    }

    @Test func endsOfALinkInTwoDomains() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x8e0_0000)
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        func found(_ domain: UInt16) -> [String] {
            var own = link
            own.domain = domain
            let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [own])
            return system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH1027" }
        }
        #expect(found(0) == [] && found(1) == ["JH1027"])
        // Linux chooses the number
        system.platform.pciDomain = .max
        #expect(found(1) == [])
    }

    @Test func emptyEntriesAreSectionsOfLinks() throws {
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [link])
        cell.memoryRegions = Array(repeating: MemoryRegion(), count: 5)
        let found = cell.findings().filter { $0.rule == "JH0201" }
        #expect(found.map(\.location) == ["memory[4]"] && found.first?.severity == .note)
        // one finding for all, and none beside a link whose index is wrong
        cell.memoryRegions.append(MemoryRegion())
        let both = cell.findings().filter { $0.rule == "JH0201" }
        #expect(both.count == 1 && both.first?.others == ["memory[5]"])
        cell.memoryRegions[1] = MemoryRegion(name: "out", physicalStart: 0x1000, size: 0x1000, flags: .read)
        cell.memoryRegions[2] = MemoryRegion(name: "out", physicalStart: 0x3000, size: 0x1000, flags: .read)
        let rules = cell.findings().compactMap(\.rule)
        #expect(rules.contains("JH1020") && !rules.contains("JH0201") && !rules.contains("JH1006"))
    }

    @Test func aHostThatIsNotVirtual() throws {
        var system = board
        system.platform.mmconfigBase = 0x8e0_0000
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        system.rootCell.memoryRegions = [
            MemoryRegion(
                name: "devices", physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x3700_0000,
                flags: [.read, .write, .io])
        ]
        #expect(rules(system, among: "JH1024", "JH0705") == ["JH1024"])
        // said of the system alone
        let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        #expect(system.findings(ofCell: cell).filter { $0.rule == "JH1024" } == [])
        system.platform.virtualPCI = 1
        #expect(rules(system, among: "JH1024", "JH0705") == [])
        // beside a device that there is, the links are behind the machine's own host
        system.platform.virtualPCI = 0
        system.rootCell.pciDevices.append(try device("01:00.0"))
        #expect(rules(system, among: "JH1024") == [])
    }

    @Test func interruptsOfLinksWithoutABase() throws {
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        var cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), pciDevices: [link])
        cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 32, pins: [33, 133])]
        func found() -> [Finding.Severity] { cell.findings().filter { $0.rule == "JH1110" }.map(\.severity) }
        #expect(found() == [.note])
        cell.vpciInterruptBase = 100
        #expect(found() == [])
        cell.interruptChips = []
        #expect(found() == [.warning])
        // of such a system it is said once
        var system = board
        system.rootCell.interruptChips = []
        #expect(rules(system, among: "JH1118", "JH1110") == ["JH1118"])
        system.rootCell.pciDevices = [link]
        #expect(rules(system, among: "JH1118", "JH1110") == ["JH1110"])
    }

    @Test func cellsLeaveLinuxACPU() {
        func found(_ cells: [Int]..., on architecture: Architecture = .arm64) -> [String?] {
            var system = architecture == .x86 ? pc : board
            system.architecture = architecture
            let members = cells.enumerated().map { index, cpus in
                CellGroup.Member(
                    path: "\(index).toml",
                    cell: CellDescriptor(name: "c\(index)", architecture: architecture, cpus: CPUSet(cpus)))
            }
            return CellGroup(members, in: system).findings().filter { $0.rule == "JH0615" }.map(\.path)
        }
        #expect(found([0, 1], [2]) == [] && found([0, 1], [2, 3]) == ["1.toml"])
        #expect(found([0, 1, 2, 3], [2]) == [], "JH0502's")
        #expect(found([1], [2, 3], on: .x86) == [])
    }

    @Test func anAMDUnitHasACapability() {
        var system = pc
        system.platform.iommuUnits = [IOMMUUnit(kind: .amd, base: 0xfeb8_0000, size: 0x80000)]
        #expect(rules(system, among: "JH1207") == ["JH1207"])
        system.platform.iommuUnits[0].amd = IOMMUUnit.AMD(address: PCIAddress(rawValue: 2), baseCapability: 0x40)
        #expect(rules(system, among: "JH1207") == [])
    }

    @Test func whatMSIIsWrittenTo() throws {
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [try device("00:02.0", msi: 1)])
        cell.pciDevices[0].capabilityCount = 2
        func found() -> [String] { cell.findings().filter { $0.rule == "JH1025" }.map(\.location) }
        cell.pciCapabilities = [
            PCICapability(id: 0x5, start: 0x60, length: 14, flags: .write),
            PCICapability(id: 0x11, start: 0xa0, length: 12),
        ]
        #expect(found() == [])
        cell.pciCapabilities[0].flags = []
        #expect(found() == ["pci-capability[0]"])
        cell.pciDevices[0].msixVectors = 4
        #expect(found() == ["pci-capability[0]"])
        #expect(cell.findings().first { $0.rule == "JH1025" }?.others == ["pci-capability[1]"])
    }

    @Test(
        arguments: [
            ([0xffff_f000, 0], 0, []), ([0xffff_0000, 0], 0, []), ([0xffff_f000, 0xffff_fe00], 2, []),
            ([0xffff_f000, 0xffff_f000], 0, ["JH1026"]), ([0, 0], 0, ["JH1026"]),
            ([0xffff_ff00, 0xffff_ffff], 0, ["JH1026"]), ([0xffff_f000, 0], 2, ["JH1026"]),
            // no run of ones: one finding all the same
            ([0x2_0000, 0], 0, ["JH1026"]), ([0xffff_f000, 0x2_0000], 2, ["JH1019"]),
        ] as [([UInt32], UInt16, [String])])
    func theRegistersOfALink(masks: [UInt32], vectors: UInt16, expected: [String]) throws {
        var link = try device("00:01.0", msix: vectors)
        (link.kind, link.sharedMemoryPeers, link.barMasks) = (.sharedMemory, 2, masks + [0, 0, 0, 0])
        let cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [link])
        #expect(cell.findings().compactMap(\.rule).filter { ["JH1019", "JH1026"].contains($0) } == expected)
    }

    @Test func aDeviceIsNoBridge() throws {
        var system = pc
        system.rootCell.pciDevices = [try device("00:02.0")]
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), pciDevices: [try device("00:02.0")])
        func found() -> [Finding] { system.findings(ofCell: cell).filter { $0.rule == "JH1016" } }
        #expect(found() == [])
        cell.pciDevices[0].kind = .bridge
        #expect(found().map(\.severity) == [.error])
        #expect(found().first?.message.contains("type is \"bridge\" here, but \"device\" in the system") == true)
    }

    @Test(
        arguments: [
            ([.read, .write, .execute, .loadable], .arm64, []),
            ([.read, .write, .execute, .loadable, .io], .arm64, ["JH0207"]),
            ([.read, .write, .execute, .loadable, .io], .x86, []),
            ([.read, .write, .execute, .dma, .io], .arm64, ["JH0207"]),
            // a port to programmable logic, as boards have it
            ([.read, .write, .execute, .io], .arm64, []),
        ] as [(MemoryRegion.Flags, Architecture, [String])])
    func deviceMemoryIsNoRAM(flags: MemoryRegion.Flags, architecture: Architecture, expected: [String]) {
        var cell = CellDescriptor(name: "cell", architecture: architecture, cpus: CPUSet([1]))
        cell.memoryRegions = [MemoryRegion(name: "ram", physicalStart: 0x7000_0000, size: 0x10000, flags: flags)]
        #expect(cell.findings().compactMap(\.rule).filter { $0 == "JH0207" } == expected)
    }

    @Test func consolesAreNotInRAM() {
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]))
        cell.memoryRegions = [
            MemoryRegion(
                name: "ram", physicalStart: 0x3a00_0000, virtualStart: 0, size: 0x10_0000,
                flags: [.read, .write, .execute, .loadable])
        ]
        func found(_ console: Console) -> [String] {
            cell.console = console
            return cell.findings().filter { $0.rule == "JH0407" }.map(\.location)
        }
        #expect(found(Console(kind: .uart8250, address: 0x3f8)) == [])
        #expect(found(Console(kind: .uart8250, address: 0x3f8, flags: .mmio)) == ["cell.console"])
        #expect(found(Console(kind: .uart8250, address: 0xfeb0_0000, flags: .mmio)) == [])
        // a region over that of the registers is another fault
        cell.memoryRegions.append(
            MemoryRegion(
                name: "UART", physicalStart: 0xfeb0_0000, virtualStart: 0, size: 0x1000, flags: [.read, .write, .io]))
        #expect(found(Console(kind: .uart8250, address: 0x3f8, flags: .mmio)) == [])
        var system = pc
        system.debugConsole = Console(kind: .uart8250, address: 0x3f8, flags: .mmio)
        #expect(rules(system, among: "JH0407") == ["JH0407"])
    }

    /// The type of an i.MX console, written into the flags.
    @Test(
        arguments: [
            (.uart8250, [.mmio, .framebuffer1920x1080], ["JH0404"]), (.pl011, [.mmio, .mdrQuirk], ["JH0404"]),
            (.uart8250, [.mmio, .mdrQuirk], []), (.efiFramebuffer, [.mmio, .framebuffer1920x1080], []),
            (.none, [.framebuffer1920x1080], []),
        ] as [(Console.Kind, Console.Flags, [String])])
    func flagsOfConsoles(kind: Console.Kind, flags: Console.Flags, expected: [String]) {
        let console = Console(kind: kind, address: 0xfeb0_0000, flags: flags)
        let cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), console: console)
        #expect(cell.findings().compactMap(\.rule).filter { $0 == "JH0404" } == expected)
    }

    @Test(
        arguments: [
            (.r10, .scif, .mmio, true), (.r14, .scif, .mmio, false), (.r10, .uart8250, [.mmio, .mdrQuirk], true),
            (.r12d, .uart8250, [.mmio, .mdrQuirk], false),
        ] as [(FormatVariant, Console.Kind, Console.Flags, Bool)])
    func consolesThatCameLater(
        format: FormatVariant, kind: Console.Kind, flags: Console.Flags, isNew: Bool
    ) {
        let console = Console(kind: kind, address: 0xfeb0_0000, flags: flags)
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]), console: console)
        cell.format = format
        let found = cell.findings().filter { $0.rule == "JH0404" }
        #expect(found.map(\.severity) == (isNew ? [.note] : []))
    }

    @Test func placesOfTheVirtualHost() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x8e0_0000)
        system.hypervisorMemory = MemoryRegion(physicalStart: 0x7fc0_0000, size: 0x40_0000)
        system.debugConsole = Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: .mmio)
        system.rootCell.memoryRegions = [
            MemoryRegion(
                name: "devices", physicalStart: 0x8f0_2000, virtualStart: 0x8f0_2000, size: 0x1000, flags: [.read, .io])
        ]
        var link = try device("00:01.0")
        (link.kind, link.sharedMemoryPeers) = (.sharedMemory, 2)
        system.rootCell.pciDevices = [link]
        func found() -> [String] { system.findings().filter { $0.rule == "JH1119" }.map(\.location) }
        #expect(found() == [])
        system.platform.mmconfigBase = 0x7fc0_0000
        #expect(found() == ["platform.mmconfig-base"])
        system.platform.mmconfigBase = 0x8f1_0000
        #expect(found() == ["platform.mmconfig-base"])
        // two pages a link
        system.platform.mmconfigBase = 0x8e0_0000
        system.rootCell.pciDevices.append(link)
        #expect(found() == ["memory[0]"])
        // of the CPUs that there are
        system.platform.mmconfigBase = 0x810_0000
        #expect(system.findings().filter { $0.rule == "JH1113" }.map(\.severity) == [.warning])
        system.platform.mmconfigBase = 0x820_0000
        #expect(system.findings().filter { $0.rule == "JH1113" } == [])
    }

    @Test func registersOfDevicesAreDevices() {
        var system = board
        system.rootCell.memoryRegions = [
            MemoryRegion(
                name: "UART", physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x1000,
                flags: [.read, .write, .dma])
        ]
        system.debugConsole = Console(kind: .pl011, address: 0x900_0000, size: 0x1000, flags: .mmio)
        #expect(rules(system, among: "JH0710") == ["JH0710"])
        // of a board that maps all of its devices so, and works
        system.rootCell.memoryRegions[0].flags.insert(.execute)
        #expect(rules(system, among: "JH0710") == [])
        system.rootCell.memoryRegions[0].flags = [.read, .write, .io]
        var cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]))
        cell.memoryRegions = system.rootCell.memoryRegions
        func found() -> [String] {
            system.findings(ofCell: cell).compactMap(\.rule).filter { ["JH0513", "JH0514"].contains($0) }
        }
        #expect(rules(system, among: "JH0710") == [] && found() == [])
        cell.memoryRegions[0].flags = [.read, .write, .dma]
        #expect(found() == ["JH0513"])
    }

    @Test func devicesFindAnArmCellsMemory() {
        var system = board
        var cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]))
        cell.memoryRegions = [
            MemoryRegion(
                name: "RAM", physicalStart: 0x7401_0000, virtualStart: 0x4000_0000, size: 0x100_0000,
                flags: [.read, .write, .execute, .dma]),
            MemoryRegion(
                name: "device", physicalStart: 0x900_0000, virtualStart: 0x900_0000, size: 0x1000,
                flags: [.read, .write, .io]),
        ]
        func found() -> [String] { system.findings(ofCell: cell).filter { $0.rule == "JH0514" }.map(\.location) }
        #expect(found() == ["memory[0]"])
        cell.memoryRegions[1].flags.insert(.rootShared)
        #expect(found() == [])
        cell.memoryRegions[1].flags.remove(.rootShared)
        system.platform.iommuUnits = [IOMMUUnit(kind: .smmuV3, base: 0xfed9_0000, size: 0x20000)]
        #expect(found() == [])
    }

    @Test func aConfigurationHas64KiB() throws {
        var cell = CellDescriptor(name: "cell", cpus: CPUSet([1]))
        let free = 65536 - (try cell.binary().count)
        cell.memoryRegions = (0..<free / 32).map {
            MemoryRegion(name: "", physicalStart: UInt64($0) << 12, size: 0x1000, flags: .read)
        }
        func found() -> [String] { cell.findings().compactMap(\.rule).filter { $0 == "JH0111" } }
        #expect(found() == [])
        cell.memoryRegions.append(MemoryRegion(name: "", physicalStart: 1 << 40, size: 0x1000, flags: .read))
        #expect(found() == ["JH0111"])
        // surplus bytes are not counted by the hypervisor
        cell.memoryRegions.removeLast()
        cell.surplus = [UInt8](repeating: 1, count: 64)
        #expect(found() == [])
    }
}
