// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import DeviceTree
import Testing

@testable import ConfigurationRules

/// What a system says of the GIC.
@Suite struct GICRuleTests {
    private func findings(_ arm: ArmPlatform, cpus: Int = 4) -> [Finding] {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<cpus)))
        system.architecture = .arm64
        system.platform.specific = .arm(arm)
        return system.findings().filter { ["JH1103", "JH1106", "JH1107", "JH1112", "JH1113"].contains($0.rule) }
    }

    private static let third = ArmPlatform(
        maintenanceInterrupt: 25, gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000)
    private static let second = ArmPlatform(
        maintenanceInterrupt: 25, gicVersion: 2, gicdBase: 0xf901_0000, giccBase: 0xf902_f000, gichBase: 0xf904_0000,
        gicvBase: 0xf906_f000)

    /// CPU 0 may be given away, but not the last one.
    @Test func aCPUIsLeftForLinux() {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(Self.third)
        func rules(_ cpus: Range<Int>) -> [String] {
            let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet(cpus))
            return system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH0502" }
        }
        #expect(rules(0..<3) == [] && rules(0..<4) == ["JH0502"])
    }

    @Test func linksOfLinuxKeepTheirInterrupts() throws {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        (system.architecture, system.rootCell.architecture) = (.arm64, .arm64)
        system.platform.specific = .arm(Self.third)
        system.rootCell.vpciInterruptBase = 96
        system.rootCell.pciDevices = [
            PCIDevice(kind: .sharedMemory, address: try #require(PCIAddress("00:01.0")), sharedMemoryPeers: 2)
        ]
        func rules(_ pin: Int) -> [String] {
            var cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]))
            cell.interruptChips = [InterruptChip(address: 0x800_0000, id: 0, pinBase: 128, pins: [pin])]
            return system.findings(ofCell: cell).compactMap(\.rule).filter { $0 == "JH1117" }
        }
        // 32 + 96 + 1
        #expect(rules(129) == ["JH1117"] && rules(130) == [])
    }

    @Test func unitsOfAnIOMMU() {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        func found(_ units: IOMMUUnit...) -> [String] {
            system.platform.iommuUnits = units
            return system.findings().filter { $0.rule == "JH1207" }.map(\.location)
        }
        let unit = IOMMUUnit(kind: .intel, base: 0xfed9_0000, size: 0x1000)
        #expect(found(unit, IOMMUUnit(kind: .intel, base: 0xfed9_1000, size: 0x1000)) == [])
        #expect(found(unit, unit) == ["iommu[1]"])
        #expect(found(IOMMUUnit(kind: .intel, base: 0xfed9_0000)) == ["iommu[0]"])
        #expect(found(IOMMUUnit(kind: .smmuV3, base: 0xfed9_0000, size: 0x1000)) == ["iommu[0]"])
    }

    @Test func theDistributorIsNotPCIs() {
        var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
        system.architecture = .arm64
        system.platform.specific = .arm(Self.third)
        system.platform.mmconfigBase = 0x800_0000
        #expect(system.findings().contains { $0.rule == "JH1113" && $0.location == "platform.mmconfig-base" })
        // as on QEMU's machine, where few CPUs leave room behind the redistributors
        system.platform.mmconfigBase = 0x8e0_0000
        #expect(!system.findings().contains { $0.rule == "JH1113" })
    }

    @Test func anArmConsoleHasAnAddressInMemory() {
        func rules(_ console: Console) -> [String] {
            let cell = CellDescriptor(name: "cell", architecture: .arm64, cpus: CPUSet([1]), console: console)
            return cell.findings().compactMap(\.rule).filter { $0 == "JH0404" }
        }
        #expect(rules(Console(kind: .uart8250, address: 0x900_0000, flags: .mmio)) == [])
        #expect(rules(Console(kind: .uart8250, address: 0x3f8)) == ["JH0404"])
        #expect(rules(Console(kind: .pl011, flags: .mmio)) == ["JH0404"])
        #expect(rules(.none) == [])
    }

    @Test(arguments: [third, second]) func boardsThatThereAre(arm: ArmPlatform) {
        #expect(findings(arm) == [])
    }

    @Test(arguments: [
        (0, "the GIC has no maintenance-interrupt"),
        (9, "the maintenance interrupt 9 is one that CPUs send each other (0 to 15)"),
        (27, "the maintenance interrupt 27 is that of the timers in cells"),
        (41, "the maintenance interrupt 41 is shared by all CPUs (32 and above)"),
    ]) func theMaintenanceInterrupt(number: UInt8, message: String) {
        var arm = Self.third
        arm.maintenanceInterrupt = number
        let found = findings(arm)
        #expect(found.map(\.rule) == ["JH1112"] && found.first?.severity == .error)
        #expect(found.first?.message == message)
    }

    typealias Change = @Sendable (inout ArmPlatform) -> Void
    static let places: [(ArmPlatform, String, String, Change)] = [
        (third, "gicd-base", "the GIC has no gicd-base", { $0.gicdBase = 0 }),
        (second, "gicd-base", "the GIC has no gicd-base", { $0.gicdBase = 0 }),
        (third, "gicr-base", "gicr-base is gicd-base, too: 0x8000000", { $0.gicrBase = 0x800_0000 }),
        (
            third, "gicr-base", "gicr-base (0x7f90000–0x800ffff) lies over gicd-base (0x8000000–0x800ffff)",
            { $0.gicrBase = 0x7f9_0000 }
        ),
        (third, "gicr-base", "gicr-base 0x80a1000 is no multiple of 0x10000", { $0.gicrBase = 0x80a_1000 }),
        (third, "gicd-base", "gicd-base 0x8001000 is no multiple of 0x10000", { $0.gicdBase = 0x800_1000 }),
        (second, "gicc-base", "gicc-base 0xf902f800 is no multiple of 0x1000", { $0.giccBase = 0xf902_f800 }),
        (second, "gicv-base", "gicv-base is gich-base, too: 0xf9040000", { $0.gicvBase = 0xf904_0000 }),
    ]

    @Test(arguments: places.indices) func theWindows(index: Int) {
        var (arm, key, message, change) = Self.places[index]
        change(&arm)
        let found = findings(arm)
        #expect(found.map(\.rule) == ["JH1113"] && found.first?.severity == .error)
        #expect(found.first?.location == "platform.\(key)")
        // 4 CPUs: 0x80000 bytes
        #expect(found.first?.message == message)
    }

    /// By the device tree of the machine.
    @Test func theMachinesGIC() {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.registers = [
            .init(
                node: "interrupt-controller@f9010000", compatible: ["arm,gic-400"],
                windows: [
                    0xf901_0000...0xf901_ffff, 0xf902_0000...0xf903_ffff, 0xf904_0000...0xf905_ffff,
                    0xf906_0000...0xf907_ffff,
                ])
        ]
        func messages(_ arm: ArmPlatform) -> [String] {
            var system = SystemDescriptor(rootCell: CellDescriptor(name: "root", cpus: CPUSet(0..<4)))
            system.architecture = .arm64
            system.platform.specific = .arm(arm)
            return machine.findings(system: ("s", system), cells: []).filter { $0.rule == "JH1314" }.map(\.message)
        }
        #expect(messages(Self.second) == [])
        #expect(
            messages(Self.third)
                == ["the system has a GICv3, the device tree a GICv2 (interrupt-controller@f9010000)"])
        var arm = Self.second
        arm.gichBase = 0xf906_0000
        #expect(
            messages(arm) == [
                "gich-base is 0xf9060000, but in the device tree 0xf9040000–0xf905ffff (interrupt-controller@f9010000)"
            ])
    }
}

/// Domains of PCI devices, at which the hypervisor does not look.
@Suite struct DomainTests {
    private static let bdf = PCIAddress(rawValue: 0x10)

    private func system(virtual: Bool = false, domain: UInt16 = 0, _ devices: PCIDevice...) -> SystemDescriptor {
        var system = RuleTests.system
        system.platform.virtualPCI = virtual ? 1 : 0
        system.platform.pciDomain = domain
        system.rootCell.pciDevices = devices
        return system
    }

    private func cell(_ devices: PCIDevice...) -> CellDescriptor {
        var cell = RuleTests.sound
        cell.pciDevices = devices
        return cell
    }

    private func texts(_ findings: [Finding]) -> [String] {
        findings.filter { ["JH1002", "JH1010", "JH1022", "JH0604", "JH1315"].contains($0.rule) }
            .map { "\($0.severity) \($0.rule ?? "") \($0.location): \($0.message)" }
    }

    @Test func againstTheSystem() {
        let device = PCIDevice(address: Self.bdf)
        let other = PCIDevice(domain: 1, address: Self.bdf)
        #expect(texts(system(device).findings(ofCell: cell(device))) == [])
        #expect(
            texts(system(device).findings(ofCell: cell(other))) == [
                "warning JH1010 pci-device[0]: the device 00:02.0 has the domain 0x1, but 0x0 in the system's list"
            ])
        #expect(
            texts(system(other).findings()) == [
                "warning JH1022 pci-device[0]: the device 00:02.0 has the domain 0x1, the host controller 0x0"
            ])
        #expect(
            texts(system(device, other).findings()) == [
                "warning JH1022 pci-device[1]: the device 00:02.0 has the domain 0x1, the host controller 0x0",
                "error JH1002 pci-device[1]: the device 00:02.0 is pci-device[0] already; the hypervisor does not tell "
                    + "their domains apart",
            ])
    }

    @Test func ofLinks() {
        let link = PCIDevice(kind: .sharedMemory, domain: 1, address: Self.bdf)
        #expect(texts(system(virtual: true, domain: 1, link).findings()) == [])
        // Linux chooses the number
        #expect(texts(system(virtual: true, domain: 0xffff, link).findings()) == [])
        #expect(
            texts(system(virtual: true, domain: 2, link).findings()) == [
                "note JH1022 pci-device[0]: the device 00:02.0 has the domain 0x1, the virtual host controller 0x2"
            ])
        // in a cell, buses have numbers of its own
        #expect(texts(system(virtual: true, domain: 2).findings(ofCell: cell(link))) == [])
    }

    @Test func ofTwoCells() {
        var other = cell(PCIDevice(domain: 1, address: Self.bdf))
        (other.name, other.cpus) = ("other", CPUSet([2]))
        let group = CellGroup([
            .init(path: "a", cell: cell(PCIDevice(address: Self.bdf))), .init(path: "b", cell: other),
        ])
        #expect(
            texts(group.findings()) == [
                "error JH0604 pci-device[0]: a has the device 00:02.0 (domain 0x1), too, with the domain 0x0, which the "
                    + "hypervisor does not look at"
            ])
    }

    @Test func onTheMachine() {
        var machine = RunningMachine(ioports: "", iomem: "")
        let device = PCIDevice(address: Self.bdf)
        let missing = PCIDevice(address: PCIAddress(rawValue: 0x20))
        let link = PCIDevice(kind: .sharedMemory, address: PCIAddress(rawValue: 0x70))
        let system = ("s", system(device, link))
        #expect(texts(machine.findings(system: system, cells: [])) == [])
        machine.pciDevices = ["0000:00:02.0", "0001:00:03.0"]
        let member = CellGroup.Member(path: "c", cell: cell(device, missing))
        #expect(
            texts(machine.findings(system: system, cells: [member]))
                == ["warning JH1315 pci-device[1]: the machine has no device 0000:00:04.0"])
        machine.pciDevices = ["0001:00:02.0"]
        #expect(
            texts(machine.findings(system: system, cells: []))
                == ["warning JH1315 pci-device[0]: the machine has no device 0000:00:02.0, but 0001:00:02.0"])
    }
}

/// What a device tree says, by `reg` and `ranges` and not by the names of nodes.
@Suite struct DeviceTreeFactTests {
    private static let gicHandle: UInt32 = 1

    /// A board whose bus has addresses of its own: what is `@7e200000` there is at 0xfe200000.
    private static let tree = DeviceNode(
        properties: [
            "#address-cells": [UInt8](cells: [2]), "#size-cells": [UInt8](cells: [1]),
            "interrupt-parent": [UInt8](cells: [gicHandle]),
        ],
        children: [
            DeviceNode(
                name: "memory@0",
                properties: ["device_type": [UInt8](texts: "memory"), "reg": [UInt8](cells: [0, 0, 0x3000_0000])]),
            DeviceNode(
                name: "reserved-memory",
                properties: [
                    "#address-cells": [UInt8](cells: [2]), "#size-cells": [UInt8](cells: [1]), "ranges": [],
                ],
                children: [
                    DeviceNode(
                        name: "jailhouse@30000000",
                        properties: ["no-map": [], "reg": [UInt8](cells: [0, 0x3000_0000, 0x100_0000])]),
                    DeviceNode(
                        name: "firmware@38000000",
                        properties: ["no-map": [], "reg": [UInt8](cells: [0, 0x3800_0000, 0x10_0000])]),
                ]),
            DeviceNode(
                name: "soc",
                properties: [
                    "#address-cells": [UInt8](cells: [1]), "#size-cells": [UInt8](cells: [1]),
                    "ranges": [UInt8](cells: [0x7e00_0000, 0, 0xfe00_0000, 0x180_0000]),
                ],
                children: [
                    DeviceNode(
                        name: "interrupt-controller@7e841000",
                        properties: [
                            "compatible": [UInt8](texts: "arm,gic-400"), "#interrupt-cells": [UInt8](cells: [3]),
                            "phandle": [UInt8](cells: [gicHandle]), "reg": [UInt8](cells: [0x7e84_1000, 0x1000]),
                        ]),
                    DeviceNode(
                        name: "serial@7e201000",
                        properties: [
                            "reg": [UInt8](cells: [0x7e20_1000, 0x200]), "interrupts": [UInt8](cells: [0, 121, 4]),
                        ]),
                    // the name is another one than the address
                    DeviceNode(
                        name: "clock@1",
                        properties: [
                            "#clock-cells": [UInt8](cells: [1]), "reg": [UInt8](cells: [0x7e10_1000, 0x2000]),
                        ]),
                    DeviceNode(
                        name: "gpio@7e200000",
                        properties: [
                            "phandle": [UInt8](cells: [2]), "#interrupt-cells": [UInt8](cells: [2]),
                            "reg": [UInt8](cells: [0x7e20_0000, 0xb4]),
                            "interrupts-extended": [UInt8](cells: [gicHandle, 0, 113, 4, gicHandle, 1, 2, 4]),
                        ]),
                    DeviceNode(
                        name: "card@7e300000",
                        properties: [
                            "interrupt-parent": [UInt8](cells: [2]), "reg": [UInt8](cells: [0x7e30_0000, 0x100]),
                            "interrupts": [UInt8](cells: [17, 8, 42]),
                        ]),
                ]),
        ])

    private var machine: RunningMachine {
        var machine = RunningMachine(ioports: "", iomem: "")
        machine.read(Self.tree)
        return machine
    }

    @Test func addressesAreThoseOfTheProcessors() {
        #expect(machine.devices.map(\.name) == ["serial@7e201000", "gpio@7e200000"])
        #expect(machine.devices.map(\.address) == [0xfe20_1000, 0xfe20_0000])
        // those of another controller are not the GIC's
        #expect(machine.devices.map(\.pins) == [[153], [145, 18]])
        #expect(machine.usedDevices.map(\.address) == [0xfe10_1000])
        #expect(machine.treeMemory == [0...0x2fff_ffff, 0x3000_0000...0x30ff_ffff])
        #expect(machine.registers.contains { $0.windows == [0xfe84_1000...0xfe84_1fff] })
    }

    @Test func theRulesGoByThem() {
        var member = CellGroup.Member(path: "a", cell: RuleTests.sound)
        member.cell.architecture = .arm64
        member.cell.memoryRegions = [
            MemoryRegion(
                name: "serial port", physicalStart: 0xfe20_1000, virtualStart: 0xfe20_1000, size: 0x1000,
                flags: [.read, .write, .io]),
            MemoryRegion(
                name: "clocks", physicalStart: 0xfe10_1000, virtualStart: 0xfe10_1000, size: 0x1000,
                flags: [.read, .write, .io]),
        ]
        member.cell.ioPortRegions = []
        member.cell.interruptChips = [InterruptChip(address: 0xfe84_1000, id: 0, pinBase: 32, pins: [121])]
        let findings = machine.findings(system: nil, cells: [member])
        #expect(findings.map(\.rule) == ["JH1309", "JH1305"] || findings.map(\.rule) == ["JH1305", "JH1309"])
        #expect(
            findings.contains {
                $0.message == "serial@7e201000 has the interrupt 153; among the cell's pins is 121, the device tree's "
                    + "number of it"
            })
        // at the address in the name there is nothing
        member.cell.memoryRegions[0].physicalStart = 0x7e20_1000
        member.cell.memoryRegions.remove(at: 1)
        #expect(!machine.findings(system: nil, cells: [member]).contains { $0.rule == "JH1309" })
    }
}

/// What is RAM, and what only has addresses.
@Suite struct PresentMemoryTests {
    private static let iomem = """
        00100000-39ffffff : System RAM
        3a000000-3effffff : Reserved
        3f000000-3fffffff : System RAM
        b0000000-bfffffff : Reserved
          b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]
        c0000000-febfffff : PCI Bus 0000:00
          feb00000-feb1ffff : 0000:00:02.0
        fed1c000-fed1ffff : Reserved

        """

    private func isPresent(
        _ start: UInt64, iomem: String = iomem, _ architecture: Architecture = .x86, commandLine: String = "",
        firmware: [ClosedRange<UInt64>] = []
    ) -> Bool {
        var machine = RunningMachine(ioports: "", iomem: iomem)
        machine.keptMemory = RunningMachine.KeptMemory(commandLine: commandLine)
        machine.keptMemory.firmware = firmware
        let cell = CellDescriptor(
            name: "a", architecture: architecture,
            memoryRegions: [
                MemoryRegion(physicalStart: start, size: 0x10_0000, flags: [.read, .write, .execute, .loadable])
            ])
        return !machine.findings(system: nil, cells: [.init(path: "a", cell: cell)]).contains { $0.rule == "JH1307" }
    }

    @Test func windowsAreNoMemory() {
        #expect(isPresent(0x3a00_0000))
        for start: UInt64 in [0xb000_0000, 0xc000_0000, 0xfeb0_0000, 0x1_4000_0000] {
            #expect(!isPresent(start), "\(hexadecimal(start))")
        }
    }

    @Test func theCommandLineTellsWhatWasReserved() {
        #expect(isPresent(0x3a00_0000, commandLine: "quiet memmap=80M$0x3a000000\n"))
        // the firmware's own
        #expect(!isPresent(0x3a00_0000, commandLine: "quiet\n"))
        #expect(isPresent(0x3b00_0000, commandLine: "memmap=1M$0x3a000000,16M$0x3b000000"))
        #expect(!isPresent(0x3c00_0000, commandLine: "memmap=1M$0x3a000000,16M$0x3b000000"))
        // such a reservation leaves no trace in the list
        #expect(isPresent(0x8000_0000, commandLine: "mem=1G"))
        #expect(isPresent(0x8000_0000, commandLine: "memmap=exactmap memmap=640K@0 memmap=1G@1M"))
    }

    @Test func theFirmwaresListIsTheTruth() {
        let firmware: [ClosedRange<UInt64>] = [0...0x9_ffff, 0x10_0000...0x7fff_ffff]
        #expect(isPresent(0x7000_0000, commandLine: "mem=1G", firmware: firmware))
        #expect(!isPresent(0x8000_0000, commandLine: "mem=1G", firmware: firmware))
    }

    @Test func onArm() {
        let iomem = "08000000-0800ffff : GICD\n40000000-6fffffff : System RAM\n70000000-7fffffff : reserved\n"
        #expect(isPresent(0x7000_0000, iomem: iomem, .arm64))
        #expect(!isPresent(0x800_0000, iomem: iomem, .arm64))
        #expect(!isPresent(0x8000_0000, iomem: iomem, .arm64))
    }

    @Test(
        arguments: [
            ("memmap=80M$0x3a000000", [0x3a00_0000...0x3eff_ffff]), ("memmap=80M ro", []),
            ("memmap=1K$0,2k$4096 memmap=1G@0 memmap=$1 memmap=0$1", [0...1023, 4096...6143]),
            ("memmap=99999999999G$0 memmap=4K$0xfffffffffffff800", []),
        ] as [(String, [ClosedRange<UInt64>])]) func reservations(line: String, ranges: [ClosedRange<UInt64>])
    {
        #expect(RunningMachine.reservations(commandLine: line) == ranges)
    }
}
