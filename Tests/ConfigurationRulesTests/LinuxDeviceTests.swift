// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import DeviceTree
import Testing

@testable import ConfigurationRules

/// What Linux drives, and whether it keeps it.
@Suite struct LinuxDeviceTests: FactSystems {
    private func region(_ start: UInt64, _ size: UInt64, _ flags: MemoryRegion.Flags = [.read, .write]) -> MemoryRegion
    {
        MemoryRegion(name: "r", physicalStart: start, virtualStart: start, size: size, flags: flags)
    }

    private func laptop(_ regions: [MemoryRegion], ports: [IOPortRegion] = []) -> SystemDescriptor {
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
                  fed40000-fed44fff : MSFT0101:00
                feb80000-febfffff : amd_iommu
                fee00000-fee00fff : Local APIC
                """)
        var system = laptop([
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

    /// As laptops and servers list them.
    @Test(arguments: [
        "40200000-45f7ffff : INT0E0C:00", "ff000000-ffffffff : INT0800:00", "feb00000-feb00fff : PNP0C02:03",
        "3ff26000-3fffefff : Unknown E820 type", "40000000-407fffff : Graphics Stolen Memory",
        "40000000-407fffff : Unusable memory", "40000000-407fffff : Soft Reserved", "40000000-407fffff : CXL Window 0",
        "40000000-400fffff : 10000:e1:00.0", "fc000000-fc07ffff : amd_iommu", "40000000-407fffff : region0",
        "fe000000-fe000fff : 0000:00:0e.0\n  fe000000-fe000fff : uio_ivshmem",
    ]) func whatNoDriverTouches(line: String) throws {
        var system = laptop([])
        #expect(found("JH1323", RunningMachine(ioports: "", iomem: "fed00000-fed003ff : HPET 0\n"), system).count == 1)
        system.rootCell.pciDevices = [
            PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:0e.0")), sharedMemoryPeers: 2)
        ]
        #expect(found("JH1323", RunningMachine(ioports: "", iomem: line), system) == [])
    }

    @Test func aDeviceOfACPIWithADriver() {
        var machine = RunningMachine(ioports: "", iomem: "fed40000-fed44fff : MSFT0101:00\n")
        #expect(found("JH1323", machine, laptop([])) == [])
        machine.drivenDevices = ["MSFT0101:00"]
        #expect(found("JH1323", machine, laptop([])).count == 1)
    }

    /// While the hypervisor is enabled its driver's node is in the tree.
    @Test func theVirtualHostItself() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x920_0000)
        system.rootCell.pciDevices = [
            PCIDevice(
                kind: .sharedMemory, domain: 1, address: try #require(PCIAddress("00:00.0")), sharedMemoryPeers: 2)
        ]
        var machine = RunningMachine(
            ioports: "",
            iomem: """
                09200000-092fffff : PCI ECAM
                09300000-09301fff : pci@0
                  09300000-09300fff : 0001:00:00.0
                    09300000-09300fff : uio_ivshmem
                """)
        machine.hasPCProcessors = false
        machine.registers = [
            .init(node: "pci@0", compatible: ["pci-host-ecam-generic"], windows: [0x920_0000...0x92f_ffff])
        ]
        #expect(found("JH1326", machine, system) == [] && found("JH1323", machine, system) == [])
        // without the tree the list tells
        machine.registers = []
        machine.treeMemory = [0x4000_0000...0x7fff_ffff]
        #expect(found("JH1326", machine, system) == [] && found("JH1323", machine, system) == [])
        machine.memory.removeFirst()
        #expect(found("JH1326", machine, system).count == 1)
        // the machine's own host is none
        machine.registers = [
            .init(node: "pcie@9200000", compatible: ["pci-host-ecam-generic"], windows: [0x920_0000...0x92f_ffff])
        ]
        #expect(found("JH1326", machine, system).first?.hasPrefix("pcie@9200000 ") == true)
    }

    @Test func clocksThatAreDisabled() throws {
        func clock(_ status: String) -> DeviceNode {
            DeviceNode(
                name: "clock@b000000",
                properties: [
                    "reg": [UInt8](cells: [0, 0xb00_0000, 0, 0x1000]), "#clock-cells": [UInt8](cells: [1]),
                    "status": [UInt8](texts: status),
                ])
        }
        func used(_ status: String) -> [UInt64] {
            var machine = RunningMachine(ioports: "", iomem: "")
            var root = DeviceNode(name: "")
            root.properties = ["#address-cells": [UInt8](cells: [2]), "#size-cells": [UInt8](cells: [2])]
            root.children = [clock(status)]
            machine.read(root)
            return machine.usedDevices.map(\.address)
        }
        #expect(used("okay") == [0xb00_0000] && used("disabled") == [])
        #expect(RunningMachine.UsedDevice(platformDevice: "b000000.bus", driver: "simple-pm-bus") == nil)
    }

    @Test func devicesOfTheTree() throws {
        var system = board
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
                    00f0-00f0 : PNP0C04:00
                  0070-0077 : rtc0
                  03f8-03ff : serial
                  03c0-03df : vga+
                  0600-0603 : ACPI PM1a_EVT_BLK
                  0608-060b : ACPI PM_TMR
                  0cf8-0cff : PCI conf1
                """, iomem: "")
        let most = [
            IOPortRegion(base: 0x20, count: 2), IOPortRegion(base: 0x600, count: 4), IOPortRegion(base: 0x70, count: 2),
        ]
        #expect(found("JH1324", machine, laptop([], ports: most + [IOPortRegion(base: 0x3b0, count: 0x30)])) == [])
        #expect(
            found("JH1324", machine, laptop([], ports: most + [IOPortRegion(base: 0x3b0, count: 0x8)])) == [
                "no [[ports]] of the root cell have all of vga+ (0x3c0–0x3df)"
            ])
        let cell = CellDescriptor(name: "c", cpus: CPUSet([1]), ioPortRegions: [IOPortRegion(base: 0x3c0, count: 0x20)])
        #expect(found("JH1324", machine, laptop([], ports: most), cell) == [])
    }

    @Test func regionsEndBeforeTheWindow() throws {
        let machine = RunningMachine(
            ioports: "",
            iomem: """
                00001000-0009ffff : System RAM
                000a0000-000bffff : PCI Bus 0000:00
                00100000-3ffdefff : System RAM
                3ffdf000-3fffffff : Reserved
                40000000-7fffffff : PCI Bus 0000:00
                80000000-febfffff : PCI Bus 0000:80
                fed40000-fed44fff : PCI Bus 0000:00
                """)
        func system(_ regions: MemoryRegion...) throws -> SystemDescriptor {
            var system = laptop(regions)
            system.rootCell.pciDevices = [
                PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:0e.0")), sharedMemoryPeers: 2)
            ]
            return system
        }
        let tables = region(0x3ffd_f000, 0x3_0000, .read)
        #expect(
            try found("JH1325", machine, system(region(0, 0x3ffd_f000), tables)) == [
                "the region \"r\" (0x3ffdf000–0x4000efff) reaches into the window of PCI devices (0x40000000–0x7fffffff)"
            ])
        #expect(found("JH1325", machine, laptop([tables])) == [], "there is no link")
        #expect(try found("JH1325", machine, system(region(0x3ffd_f000, 0x2_1000, .read))) == [])
        #expect(try found("JH1325", machine, system(region(0x4000_0000, 0x1000_0000))) == [])
        // two windows that adjoin, and a hole for the TPM
        #expect(try found("JH1325", machine, system(region(0x7f00_0000, 0x200_0000))) == [])
        #expect(try found("JH1325", machine, system(region(0xfed0_0000, 0x8_0000))) == [])
        let ram = region(0x4000_0000, 0xf000, [.read, .write, .execute, .dma])
        #expect(
            try found("JH1325", machine, system(ram)) == [
                "the region \"r\" (0x40000000–0x4000efff) lies in the window of PCI devices (0x40000000–0x7fffffff)"
            ])
        // of one that is larger than any register JH0705 speaks
        #expect(try found("JH1325", machine, system(region(0x3ffd_f000, 0x400_0000))) == [])
    }

    @Test func theVirtualHostIsNotOverTheFlash() throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x700_0000)
        system.rootCell.pciDevices = [
            PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:01.0")), sharedMemoryPeers: 2)
        ]
        var machine = RunningMachine(ioports: "", iomem: "40000000-7fffffff : System RAM\n")
        machine.hasPCProcessors = false
        machine.registers = [.init(node: "flash@0", compatible: ["cfi-flash"], windows: [0...0x7ff_ffff])]
        #expect(
            found("JH1326", machine, system) == [
                "flash@0 (0x0–0x7ffffff) lies over the virtual PCI host (0x7000000–0x7101fff)"
            ])
        // what Linux has no device of
        machine.registers[0].isEnabled = false
        #expect(found("JH1326", machine, system) == [])
        machine.registers = [
            .init(node: "scu@7000000", compatible: ["acme,scu", "syscon"], windows: [0x700_0000...0x7ff_ffff])
        ]
        #expect(found("JH1326", machine, system) == [])
        machine.registers = [
            .init(node: "kept@7000000", compatible: ["shared-dma-pool"], windows: [0x700_0000...0x7ff_ffff])
        ]
        #expect(found("JH1326", machine, system) == [])
        // a place that is reserved in RAM, as on i.MX
        machine.treeMemory = [0x4000_0000...0x7fff_ffff]
        machine.registers = [
            .init(node: "pool@6f000000", compatible: ["shared-dma-pool"], windows: [0x6f00_0000...0x6fff_ffff])
        ]
        system.platform.mmconfigBase = 0x6f00_0000
        #expect(found("JH1326", machine, system) == [])
    }

    @Test func whatProcNamesOfAPC() {
        func machine(timer: String, space: String, unit: String, chip: String) -> RunningMachine {
            RunningMachine(
                ioports: "0\(timer)-0fff : ACPI PM_TMR\n",
                iomem: """
                    \(space)-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]
                    \(chip)-fec0ffff : IOAPIC 0
                    \(unit)-febfffff : amd_iommu
                    """)
        }
        var system = laptop([])
        system.platform.mmconfigBase = 0xb000_0000
        let right = machine(timer: "608", space: "b0000000", unit: "feb80000", chip: "fec00000")
        #expect(found("JH1327", right, system) == [])
        let wrong = machine(timer: "808", space: "b8000000", unit: "feb00000", chip: "fec01000")
        #expect(
            found("JH1327", wrong, system) == [
                "pm-timer-port is 0x608, the machine has 0x808",
                "mmconfig-base is 0xb0000000, the machine has 0xb8000000",
                "the unit's base is 0xfeb80000, the machine has 0xfeb00000",
                "the IOAPIC's address is 0xfec00000, the machine has 0xfec01000",
            ])
        // of another domain, and a list that begins at another bus
        let spaces = RunningMachine(
            ioports: "",
            iomem: "a0000000-afffffff : PCI ECAM 0001 [bus 00-ff]\nb8000000-bfffffff : PCI ECAM 0000 [bus 80-ff]\n")
        #expect(found("JH1327", spaces, system) == [])
        // an ordinary user sees no addresses
        let hidden = RunningMachine(ioports: "0000-0000 : ACPI PM_TMR\n", iomem: "00000000-00000000 : IOAPIC 0\n")
        #expect(found("JH1327", hidden, system) == [])
    }

    @Test func allThatIsMissingIsNamed() {
        let machine = RunningMachine(
            ioports: "",
            iomem: """
                a40000000-a4fffffff : System RAM
                b40000000-b4fffffff : System RAM
                c40000000-c7fffffff : CXL Window 0
                  c40000000-c7fffffff : dax0.0
                    c40000000-c7fffffff : System RAM (kmem)
                """)
        #expect(
            found("JH1317", machine, laptop([])) == [
                "no region of [root-cell] has all of 0xa40000000–0xa4fffffff, 0xb40000000–0xb4fffffff, "
                    + "0xc40000000–0xc7fffffff, RAM that Linux uses"
            ])
    }

    /// Before revision 14 a file does not say its architecture, but the GIC in it does.
    @Test func aBoardsSystemOnAPC() throws {
        var system = board
        system.rootCell.isArchitectureGuessed = true
        let machine = RunningMachine(ioports: "0020-0021 : pic1\n", iomem: "00001000-0009ffff : System RAM\n")
        #expect(found("JH1316", machine, system).count == 1 && found("JH1317", machine, system) == [])
        system.platform.specific = .arm(ArmPlatform())
        #expect(found("JH1316", machine, system) == [])
    }

    /// QEMU's own tree has room for 123 CPUs. Linux claims all of it since 6.1.
    @Test(
        arguments: [
            ("080a0000-08ffffff : GICR\n", .error), ("09000000-09000fff : pl011\n", .note), ("", .error),
            ("00000000-00000000 : GICR\n", .error), ("08e00000-08efffff : PCI ECAM\n08f00000-08f01fff : pci@0\n", nil),
        ] as [(String, Finding.Severity?)])
    func redistributorsOverTheVirtualHost(iomem: String, severity: Finding.Severity?) throws {
        var system = board
        (system.platform.virtualPCI, system.platform.mmconfigBase) = (1, 0x8e0_0000)
        system.rootCell.pciDevices = [
            PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:01.0")), sharedMemoryPeers: 2)
        ]
        var machine = RunningMachine(ioports: "", iomem: iomem)
        machine.registers = [
            .init(
                node: "intc@8000000", compatible: ["arm,gic-v3"],
                windows: [0x800_0000...0x800_ffff, 0x80a_0000...0x8ff_ffff])
        ]
        let findings = machine.findings(system: ("s.toml", system), cells: []).filter { $0.rule == "JH1312" }
        #expect(findings.map(\.severity) == (severity.map { [$0] } ?? []))
    }
}
