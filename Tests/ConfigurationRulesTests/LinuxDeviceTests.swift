// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Testing

@testable import ConfigurationRules

/// What Linux drives, and whether it keeps it.
@Suite struct LinuxDeviceTests {
    private func region(_ start: UInt64, _ size: UInt64, _ flags: MemoryRegion.Flags = [.read, .write]) -> MemoryRegion
    {
        MemoryRegion(name: "r", physicalStart: start, virtualStart: start, size: size, flags: flags)
    }

    private func pc(_ regions: [MemoryRegion], ports: [IOPortRegion] = []) -> SystemDescriptor {
        var system = SystemDescriptor(
            rootCell: CellDescriptor(
                name: "linux", cpus: CPUSet([0, 1]), memoryRegions: regions,
                interruptChips: [InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 0, pins: [1])],
                ioPortRegions: ports))
        system.platform.specific = .x86(X86Platform(pmTimerPort: 0x608))
        system.platform.iommuUnits = [IOMMUUnit(kind: .amd, base: 0xfeb8_0000, size: 0x80000)]
        return system
    }

    private func found(
        _ rule: String, _ machine: RunningMachine, _ system: SystemDescriptor, _ cells: CellDescriptor...
    ) -> [String] {
        machine.findings(
            system: ("s.toml", system), cells: cells.map { CellGroup.Member(path: "c.toml", cell: $0) }
        ).filter { $0.rule == rule }.map(\.message)
    }

    @Test func registersThatAreLeftOut() throws {
        let machine = RunningMachine(
            ioports: "",
            iomem: """
                00001000-0009ffff : System RAM
                000c0000-000c7fff : Video ROM
                c0000000-febfffff : PCI Bus 0000:00
                  fe800000-fe803fff : 0000:00:02.0
                    fe800000-fe803fff : e1000e
                  fe900000-fe900fff : 0000:00:04.0
                fec00000-fec003ff : IOAPIC 0
                fed00000-fed003ff : HPET 0
                fed40000-fed44fff : MSFT0101:00
                feb80000-febfffff : amd_iommu
                fee00000-fee00fff : Local APIC
                """)
        var system = pc([
            region(0, 0xa0000, [.read, .write, .execute]), region(0xfe80_0000, 0x3000), region(0xfed0_0000, 0x1000),
        ])
        // its MSI-X table is left out on purpose
        system.rootCell.pciDevices = [
            PCIDevice(
                address: try #require(PCIAddress("00:02.0")), msixVectors: 4, msixRegionSize: 0x1000,
                msixAddress: 0xfe80_3000)
        ]
        #expect(
            found("JH1323", machine, system) == [
                "no region of [root-cell] has all registers of MSFT0101:00 (0xfed40000–0xfed44fff)"
            ])
        system.rootCell.pciDevices = []
        #expect(
            found("JH1323", machine, system) == [
                "no region of [root-cell] has all registers of e1000e (0xfe800000–0xfe803fff), MSFT0101:00 "
                    + "(0xfed40000–0xfed44fff)"
            ])
        // what a cell is to have is not Linux's to keep
        let cell = CellDescriptor(
            name: "c", cpus: CPUSet([1]), memoryRegions: [region(0xfed4_0000, 0x5000), region(0xfe80_3000, 0x1000)])
        #expect(found("JH1323", machine, system, cell) == [])
    }

    @Test func devicesOfTheTree() throws {
        var system = SystemDescriptor(
            rootCell: CellDescriptor(name: "linux", architecture: .arm64, cpus: CPUSet([0, 1])))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        system.rootCell.memoryRegions = [region(0x900_0000, 0x1000)]
        var machine = RunningMachine(
            ioports: "",
            iomem: """
                08000000-0800ffff : GICD
                080a0000-08ffffff : GICR
                09000000-09000fff : 9000000.pl011
                  09000000-09000fff : 9000000.pl011 pl011@9000000
                8000000000-ffffffffff : pcie@10000000
                """)
        machine.hasPCProcessors = false
        machine.registers = [
            .init(
                node: "intc@8000000", compatible: ["arm,gic-v3"],
                windows: [0x800_0000...0x800_ffff, 0x80a_0000...0x8ff_ffff])
        ]
        machine.usedDevices = [
            try #require(.init(platformDevice: "9000000.pl011", driver: "uart-pl011")),
            try #require(.init(platformDevice: "8000000.intc", driver: "gic")),
        ]
        #expect(found("JH1323", machine, system) == [])
        machine.usedDevices.append(try #require(.init(platformDevice: "1c20000.clock", driver: "sun8i-ccu")))
        #expect(
            found("JH1323", machine, system) == [
                "no region of [root-cell] has all registers of driver sun8i-ccu (0x1c20000)"
            ])
    }

    @Test func portsThatAreLeftOut() {
        let machine = RunningMachine(
            ioports: """
                0000-0cf7 : PCI Bus 0000:00
                  0000-001f : dma1
                  0020-0021 : pic1
                  0080-008f : dma page reg
                  00f0-00ff : fpu
                  03c0-03df : vga+
                  0600-0603 : ACPI PM1a_EVT_BLK
                  0608-060b : ACPI PM_TMR
                  0cf8-0cff : PCI conf1
                """, iomem: "")
        let most = [IOPortRegion(base: 0x20, count: 2), IOPortRegion(base: 0x600, count: 4)]
        #expect(found("JH1324", machine, pc([], ports: most + [IOPortRegion(base: 0x3b0, count: 0x30)])) == [])
        #expect(
            found("JH1324", machine, pc([], ports: most + [IOPortRegion(base: 0x3b0, count: 0x8)])) == [
                "no [[ports]] of the root cell have all of vga+ (0x3c0–0x3df)"
            ])
        let cell = CellDescriptor(name: "c", cpus: CPUSet([1]), ioPortRegions: [IOPortRegion(base: 0x3c0, count: 0x20)])
        #expect(found("JH1324", machine, pc([], ports: most), cell) == [])
    }

    @Test func regionsEndBeforeTheWindow() {
        let machine = RunningMachine(
            ioports: "",
            iomem: """
                00001000-0009ffff : System RAM
                000a0000-000bffff : PCI Bus 0000:00
                00100000-3ffdefff : System RAM
                3ffdf000-3fffffff : Reserved
                40000000-febfffff : PCI Bus 0000:00
                """)
        #expect(found("JH1325", machine, pc([region(0, 0x3ffd_f000), region(0x3ffd_f000, 0x2_1000, .read)])) == [])
        #expect(
            found("JH1325", machine, pc([region(0, 0x3ffd_f000), region(0x3ffd_f000, 0x3_0000, .read)])) == [
                "the region \"r\" (0x3ffdf000–0x4000efff) reaches into the window of PCI devices (0x40000000–0xfebfffff)"
            ])
        #expect(found("JH1325", machine, pc([region(0x4000_0000, 0x1000_0000)])) == [])
    }

    @Test func theVirtualHostIsNotOverTheFlash() throws {
        var system = SystemDescriptor(
            rootCell: CellDescriptor(name: "linux", architecture: .arm64, cpus: CPUSet([0, 1])))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x700_0000)
        system.rootCell.pciDevices = [
            PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:01.0")), sharedMemoryPeers: 2)
        ]
        var machine = RunningMachine(ioports: "", iomem: "40000000-7fffffff : System RAM\n")
        machine.hasPCProcessors = false
        machine.registers = [.init(node: "flash@0", compatible: ["cfi-flash"], windows: [0...0x7ff_ffff])]
        #expect(
            found("JH1312", machine, system) == [
                "flash@0 (0x0–0x7ffffff) lies over the virtual PCI host (0x7000000–0x7101fff)"
            ])
        // a place that is reserved in RAM, as on i.MX
        machine.treeMemory = [0x4000_0000...0x7fff_ffff]
        machine.registers = [
            .init(node: "pool@6f000000", compatible: ["shared-dma-pool"], windows: [0x6f00_0000...0x6fff_ffff])
        ]
        system.platform.mmconfigBase = 0x6f00_0000
        #expect(found("JH1312", machine, system) == [])
    }
}
