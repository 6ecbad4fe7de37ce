// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

/// What a system says of its machine, and a cell of what is in it.
@Suite struct PlatformFactTests: FactSystems {
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
        system.rootCell.interruptChips.append(FactSystemParts.ioapic)
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
        #expect(found([0, 1], [1, 2, 3]) == [] && found([0, 1], [1, 2], [2, 3]) == ["2.toml"])
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
        cell.console = Console(kind: .pl011, address: 0x900_0000, flags: .mmio)
        #expect(found() == [])
        cell.console = .none
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
