// SPDX-License-Identifier: Apache-2.0

import DeviceTree
import Testing

@testable import CellConfiguration
@testable import ConfigurationRules

@Suite struct RunningMachineTests {
    private func machine(_ iomem: String) -> RunningMachine {
        RunningMachine(ioports: "", iomem: iomem)
    }

    private func cell(
        at start: UInt64, size: UInt64 = 0x80_0000, path: String = "rtems.toml"
    ) -> CellGroup.Member {
        .init(
            path: path,
            cell: CellDescriptor(
                name: "rtems",
                memoryRegions: [MemoryRegion(name: "ram", physicalStart: start, size: size, flags: [.read, .write])]))
    }

    private let system = SystemDescriptor(
        hypervisorMemory: MemoryRegion(physicalStart: 0x3e80_0000, size: 0x80_0000),
        rootCell: CellDescriptor(
            name: "linux",
            memoryRegions: [
                MemoryRegion(physicalStart: 0, size: 0x3e80_0000, flags: [.read, .write, .execute, .dma])
            ]))

    @Test func linesAndWhatLiesInThem() throws {
        let machine = RunningMachine(
            ioports: "0000-0cf7 : PCI Bus 0000:00\n  0060-0060 : keyboard\nnonsense\n",
            iomem: "fd000000-fdffffff : 0000:00:01.0\n  fd000000-fd0fffff : some driver, with spaces\n")
        #expect(machine.ports.map(\.name) == ["PCI Bus 0000:00", "keyboard"])
        #expect(machine.ports.map(\.isDriver) == [false, true])
        #expect(machine.memory[1].name == "some driver, with spaces")
        #expect(machine.memory[1].belongs(toAnyOf: ["0000:00:01.0"]))
        #expect(!machine.hidesAddresses)
    }

    @Test func portsOfACPIAreLinuxs() {
        let machine = RunningMachine(
            ioports: "0000-ffff : PCI Bus 0000:00\n  0600-0603 : ACPI PM1a_EVT_BLK\n",
            iomem: "7ffd0000-7fffffff : ACPI Tables\n")
        #expect(machine.memory.map(\.isDriver) == [false])
        let cell = CellDescriptor(name: "acpi", ioPortRegions: [IOPortRegion(name: "pm", base: 0x600, count: 4)])
        let findings = machine.findings(system: ("q35.toml", system), cells: [.init(path: "acpi.toml", cell: cell)])
        #expect(findings.filter { $0.rule == "JH1301" }.count == 1)
        #expect(findings.first?.message.contains("ACPI PM1a_EVT_BLK") == true)
    }

    /// Another tool has enabled the hypervisor, with a system that is not known here.
    @Test(arguments: [0x20, 0x60, 0x92, 0x3b4, 0x4d0]) func portsOfThePCWithoutASystem(base: UInt16) {
        let machine = RunningMachine(ioports: "0000-ffff : PCI Bus 0000:00\n  0020-0021 : pic1\n", iomem: "")
        let cell = CellDescriptor(name: "pc", ioPortRegions: [IOPortRegion(name: "own", base: base, count: 1)])
        let findings = machine.findings(system: nil, cells: [.init(path: "pc.toml", cell: cell)])
        #expect(findings.map(\.rule) == ["JH1302"])
        #expect(findings.first?.severity == .error)
        let free = CellDescriptor(name: "pc", ioPortRegions: [IOPortRegion(name: "own", base: 0x2f8, count: 8)])
        #expect(machine.findings(system: nil, cells: [.init(path: "pc.toml", cell: free)]).isEmpty)
    }

    @Test func theParameterReservesWhatAdjoinsAsOne() throws {
        let findings = machine("00100000-3effffff : System RAM\n").findings(
            system: ("q35.toml", system), cells: [cell(at: 0x3e00_0000)])
        #expect(findings.map(\.rule) == ["JH1303", "JH1303"])
        #expect(findings.map(\.path) == ["q35.toml", "rtems.toml"])
        #expect(findings[0].message.contains("reserve: the kernel parameter memmap=16M$0x3e000000, where"))
    }

    @Test func aReservationThatIsTooSmall() throws {
        let findings = machine(
            "00100000-39ffffff : System RAM\n3a000000-3a3fffff : Reserved\n3a400000-3fffffff : System RAM\n"
        )
        .findings(
            system: nil, cells: [cell(at: 0x3a00_0000), cell(at: 0x3b00_0000, size: 0x1000, path: "other.toml")])
        #expect(findings.count == 2)
        #expect(findings[0].message.contains("memmap=8M$0x3a000000 memmap=4K$0x3b000000, where"))
    }

    /// Their registers need not be in `/proc/iomem`.
    @Test(arguments: [false, true]) func aClockControllerThatLinuxUses(isShared: Bool) throws {
        var machine = machine("00100000-39ffffff : System RAM\n3a000000-ffffffff : Reserved\n")
        let clocks = try #require(
            RunningMachine.UsedDevice(platformDevice: "e6150000.clock-controller", driver: "renesas-cpg-mssr"))
        let early = RunningMachine.UsedDevice(clockController: "clock@e6160000", address: 0xe616_0000)
        machine.usedDevices = [clocks, early]
        #expect(RunningMachine.UsedDevice(platformDevice: "soc", driver: "x") == nil)
        var member = cell(at: 0xe615_0000, size: 0x1000)
        member.cell.architecture = .arm64
        member.cell.memoryRegions[0].flags = isShared ? [.read, .write, .io, .rootShared] : [.read, .write, .io]
        member.cell.memoryRegions.append(member.cell.memoryRegions[0])
        member.cell.memoryRegions[1].physicalStart = 0xe616_0000
        let findings = machine.findings(system: nil, cells: [member])
        #expect(findings.map(\.rule) == (isShared ? ["JH1310", "JH1310"] : ["JH1305", "JH1305"]))
        #expect(findings.first?.message.hasSuffix("Linux's driver renesas-cpg-mssr, at 0xe6150000") == true)
        #expect(findings.last?.message.hasSuffix("Linux's clock controller clock@e6160000, at 0xe6160000") == true)
    }

    @Test func whatIsReservedIsQuiet() throws {
        let machine = machine("00100000-39ffffff : System RAM\n3a000000-3effffff : Reserved\n")
        #expect(machine.findings(system: ("q35.toml", system), cells: [cell(at: 0x3a00_0000)]).isEmpty)
    }

    /// RAM that the root cell lacks is Linux's end; what Linux leaves alone need not be there.
    @Test func linuxKeepsItsMemory() {
        func texts(_ iomem: String) -> [String] {
            machine(iomem).findings(system: ("q35.toml", system), cells: []).filter { $0.rule != "JH1307" }.map {
                "\($0.severity) \($0.rule ?? "") \($0.message)"
            }
        }
        #expect(texts("00100000-39ffffff : System RAM\n3f000000-3fffffff : Reserved\n") == [])
        #expect(
            texts("00100000-39ffffff : System RAM\n100000000-13fffffff : System RAM\n")
                == [
                    "warning JH1317 no region of [root-cell] has all of 0x100000000–0x13fffffff, RAM that Linux uses"
                ])
        // on Arm what the device tree reserves lies in the list of RAM
        #expect(
            texts("3e000000-3fffffff : System RAM\n  3f000000-3fffffff : reserved\n").allSatisfy {
                !$0.contains("JH1317")
            })
        #expect(
            texts("00100000-39ffffff : System RAM\n3ffd0000-3fffffff : ACPI Tables\n")
                == [
                    "warning JH1318 no region of [root-cell] has all of 0x3ffd0000–0x3fffffff, the firmware's tables"
                ])
    }

    @Test func addressesBeyondAllAndNone() throws {
        let machine = machine("0-ffffffffffffffff : all\n00000000-00000000 : System RAM\nffffffffffffffff-0 : back\n")
        #expect(machine.memory.count == 2)
        #expect(machine.findings(system: ("q35.toml", system), cells: [cell(at: .max - 0xfff)]).isEmpty)
    }

    /// A region that several drivers have part of is one fault; so is a chip with interrupts of several.
    @Test func severalDriversAreOneFinding() {
        var machine = RunningMachine(
            ioports: "0060-0060 : keyboard\n0064-0064 : keyboard\n03c0-03df : vga+\n",
            iomem: "fe000000-fe000fff : first\nfe001000-fe001fff : second\n")
        machine.interrupts = RunningMachine.interrupts(
            in: "  4:  7  0  IO-APIC  4-edge  a\n  5:  7  IO-APIC  5-edge  b\n")
        var member = cell(at: 0xfe00_0000, size: 0x2000)
        member.cell.memoryRegions[0].flags = [.read, .write, .io]
        var system = system
        system.hypervisorMemory.size = 0
        member.cell.ioPortRegions = [IOPortRegion(base: 0x60, count: 0x380)]
        member.cell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0, pins: [4, 5])]
        let findings = machine.findings(system: ("q35.toml", system), cells: [member])
        #expect(findings.map(\.rule) == ["JH1301", "JH1305", "JH1308"])
        #expect(
            findings.map(\.message) == [
                "of the ports 0x60–0x3df, Linux's \"keyboard\" has 0x60–0x60, \"keyboard\" has 0x64–0x64, \"vga+\" has "
                    + "0x3c0–0x3df",
                "of the region \"ram\" (physical 0xfe000000–0xfe001fff), Linux's \"first\" has 0xfe000000–0xfe000fff, "
                    + "\"second\" has 0xfe001000–0xfe001fff",
                "Linux's \"a\" has the interrupt 4, \"b\" has the interrupt 5",
            ])
    }

    /// An Arm board's configuration, checked on the PC where it is written, has nothing to do with that PC's memory.
    @Test func aConfigurationForAnotherMachine() throws {
        var machine = machine("00100000-bfffffff : System RAM\n")
        machine.hasPCProcessors = RunningMachine.hasPCProcessors(cpuInfo: "vendor_id\t: x\nflags\t\t: fpu vme\n")
        var member = cell(at: 0x7000_0000)
        #expect(machine.findings(system: nil, cells: [member]).map(\.rule) == ["JH1303"])
        member.cell.architecture = .arm64
        let finding = try #require(machine.findings(system: nil, cells: [member]).first)
        #expect(finding.rule == "JH1316" && finding.severity == .warning)
        #expect(finding.message == "the configuration is for arm64, this machine is a PC (x86)")
        #expect(machine.findings(system: nil, cells: [member]).count == 1)
        // said once: at the system
        var system = system
        system.architecture = .arm64
        system.platform.specific = .arm(ArmPlatform())
        #expect(machine.findings(system: ("s", system), cells: [member]).map(\.path) == ["s"])
        // a guess says nothing
        member.cell.isArchitectureGuessed = true
        #expect(machine.findings(system: nil, cells: [member]).map(\.rule) == ["JH1303"])
        // a simulated board has the processors of the PC underneath, but a tree of its own
        machine.treeMemory = [0x4000_0000...0x6fff_ffff]
        member.cell.isArchitectureGuessed = false
        #expect(!machine.findings(system: nil, cells: [member]).map(\.rule).contains("JH1316"))
        #expect(RunningMachine.hasPCProcessors(cpuInfo: "processor : 0\nFeatures\t: fp asimd\n") == false)
        #expect(RunningMachine.hasPCProcessors(cpuInfo: "") == nil)
    }

    @Test func textOnArmNamesTheDeviceTree() throws {
        var member = cell(at: 0x7000_0000)
        member.cell.architecture = .arm64
        let finding = machine("40000000-7fffffff : System RAM\n").findings(system: nil, cells: [member]).first
        #expect(finding?.message.contains("reserved-memory") == true)
    }

    @Test(arguments: [
        ("fp asimd crc32 cpuid", "", false), ("fp asimd atomics cpuid", "", false),
        ("fp asimd atomics cpuid asimdrdm", "root=/dev/vda1 quiet", true),
        ("fp asimd atomics cpuid asimdrdm", "root=/dev/vda1 kvm-arm.mode=nvhe\n", false),
        ("fp asimd atomics cpuid asimdrdm", "id_aa64mmfr1.vh=0", false),
    ])
    func linuxAtEL2(features: String, commandLine: String, isAtEL2: Bool) {
        let cpuInfo = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: \(features)\nCPU part\t: 0xd0c\n"
        #expect(RunningMachine.runsAtEL2(cpuInfo: cpuInfo, commandLine: commandLine) == isAtEL2)
    }

    /// Registers behind a bus with addresses of its own, as on a Raspberry Pi 4; also of a device that Linux leaves alone.
    @Test func aPartOfAPageIsComparedWithTheTree() throws {
        func cells(_ numbers: UInt32...) -> [UInt8] {
            numbers.flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) }
        }
        let port = DeviceNode(
            name: "serial@7e215040",
            properties: [
                "compatible": Array("brcm,bcm2835-aux-uart\0".utf8), "reg": cells(0x7e21_5040, 0x40),
                "status": Array("disabled\0".utf8),
            ])
        let bus = DeviceNode(
            name: "soc",
            properties: [
                "#address-cells": cells(1), "#size-cells": cells(1),
                "ranges": cells(0x7e00_0000, 0, 0xfe00_0000, 0x180_0000),
            ], children: [port])
        var machine = machine("")
        machine.read(
            DeviceNode(properties: ["#address-cells": cells(2), "#size-cells": cells(1)], children: [bus]))
        #expect(machine.registers.map(\.windows) == [[0xfe21_5040...0xfe21_507f]])
        var member = cell(at: 0xfe21_5040, size: 0x40)
        member.cell.architecture = .arm64
        member.cell.memoryRegions[0].flags = [.read, .write, .io, .io8]
        #expect(machine.findings(system: nil, cells: [member]).isEmpty)
        member.cell.memoryRegions[0].physicalStart = 0xfe21_6040
        let finding = try #require(machine.findings(system: nil, cells: [member]).first)
        #expect(finding.rule == "JH1313" && finding.severity == .error)
    }
}
