// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Testing

@testable import FailureReports

@Suite("What is known beside the console's text") struct SurroundingsTests {
    let cell = try? CellDescriptor(
        toml: """
            [cell]
            name = "sample"
            architecture = "x86"
            cpus = [3]

            [[memory]]
            name = "RAM"
            physical = 0x3a000000
            virtual = 0x0
            size = "1 MiB"
            access = ["read", "write", "execute", "loadable"]

            [[memory]]
            name = "UART"
            physical = 0xfe000100
            virtual = 0xfe000100
            size = 0x20
            access = ["read", "write", "io", "io-32"]

            [[ivshmem]]
            name = "link"
            bdf = "00:0e.0"
            peer-id = 1
            msix-vectors = 1
            physical = 0x3a700000
            common-size = "4 KiB"
            output-size = "8 KiB"

            [[pci-device]]
            bdf = "00:02.0"
            first-capability = 0
            capabilities = 1

            [[pci-device]]
            bdf = "00:03.0"
            first-capability = 1
            capabilities = 1

            [[pci-device]]
            bdf = "00:04.0"

            [[pci-capability]]
            id = 0x5
            start = 0x60
            length = 10

            [[pci-capability]]
            id = 0x5
            start = 0x60
            length = 10

            """, path: "sample.toml")

    var system: SystemDescriptor? {
        try? SystemDescriptor(
            toml: """
                [system]
                architecture = "x86"

                [hypervisor-memory]
                physical = 0x3c000000
                size = "4 MiB"

                [platform]
                mmconfig-base = 0xb0000000
                mmconfig-end-bus = 255

                [[iommu]]
                type = "intel"
                base = 0xfed90000
                size = "4 KiB"

                [root-cell]
                name = "root"
                cpus = [0, 1, 2, 3]

                [[memory]]
                name = "RAM"
                physical = 0x0
                virtual = 0x0
                size = "928 MiB"
                access = ["read", "write", "execute", "dma"]

                [[memory]]
                name = "low RAM"
                physical = 0x3e000000
                virtual = 0x3e000000
                size = "16 MiB"
                access = ["read", "write", "execute"]

                [[memory]]
                name = "PCI window"
                physical = 0xe0000000
                virtual = 0xe0000000
                size = "128 MiB"
                access = ["read", "write"]

                [[pci-device]]
                bdf = "00:1f.2"

                """, path: "system.toml")
    }

    func surroundings(withSystem: Bool = true) throws -> Surroundings {
        let (cell, system) = (try #require(cell), try #require(system))
        return Surroundings(cell: cell, system: withSystem ? system : nil)
    }

    private func explain(_ address: UInt64, _ access: Access = .write, in known: Surroundings) -> Explanation {
        Violation.memory(access, address, size: 4).explanation(in: known)
    }

    // MARK: what is not to be granted

    @Test("Neither the state table of a link nor another peer's section is opened for writing")
    func link() throws {
        let table = explain(0x3a70_0000, in: try surroundings())
        #expect(table.entry == nil && table.advice.contains("the hypervisor alone writes the state table"), "\(table)")
        let others = explain(0x3a70_2000, in: try surroundings())
        #expect(others.entry == nil && others.advice.contains("the output section of peer 0"), "\(others)")
        var known = try surroundings()
        known.findings = []
        #expect(explain(0x3a70_0000, in: known).rule == nil, "no rule finds it: the file is right")
    }

    @Test("The stack pointer is named where the stack is not in memory")
    func stack() throws {
        var known = try surroundings()
        func notes(_ violation: Violation, _ registers: [String: UInt64]) -> String {
            violation.explanation(in: known, registers: registers).notes.joined(separator: " ")
        }
        let pushed = notes(.memory(.write, 0x10_3ff8, size: 8), ["rsp": 0x10_4000, "rax": 0x10_3000])
        #expect(pushed.contains("RSP, the stack pointer, held 0x104000, 0x8 above it"), "\(pushed)")
        #expect(pushed.contains("The stack is in no memory of the cell."), "\(pushed)")
        known.cell?.memoryRegions[0].virtualStart = 0x20_0000
        let overflow = Violation.memory(.write, 0x1f_fff8, size: 8).explanation(
            in: known, registers: ["rsp": 0x20_0010])
        #expect(overflow.notes.contains("The stack grew out of \"RAM\" (0x200000–0x2fffff) downwards."), "\(overflow)")
        #expect(overflow.advice.contains("recursion") && overflow.entry == nil, "\(overflow)")
        known.cell?.memoryRegions[0].virtualStart = 0
        let exact = notes(.memory(.write, 0x10_4000, size: 8), ["rsp": 0x10_4000, "rax": 0x10_4000])
        #expect(exact.contains("RAX held the address"), "\(exact)")
        let fault = ["cr0": 0x8000_0011, "rip": 0x1000, "rsp": 0x20_0000] as [String: UInt64]
        #expect(notes(.tripleFault, fault).contains("RSP, the stack pointer, is 0x200000"))
        // an empty stack begins right behind the memory
        #expect(!notes(.tripleFault, fault.merging(["rsp": 0x10_0000]) { $1 }).contains("RSP"))
        known.cell?.architecture = .arm64
        let arm = notes(.dataAbort(.write, 0x7fff_fff0, size: 8), ["sp": 0x8000_0000])
        #expect(arm.contains("SP, the stack pointer, held 0x80000000, 0x10 above it"), "\(arm)")
    }

    @Test("Of its own device's header a cell may write what its owner may")
    func header() throws {
        let known = try surroundings()
        func explain(_ device: String, _ register: UInt64) -> Explanation {
            Violation.pciConfiguration(.write, device: device, register: register, size: 2).explanation(in: known)
        }
        #expect(explain("00:02.0", 4).advice.contains("The file is not what the cell was created with"))
        #expect(explain("00:02.0", 0x10).advice.contains("The file is not what the cell was created with"))
        #expect(explain("00:02.0", 0x2c).notes.contains { $0.contains("which is protected") })
        let foreign = explain("05:00.0", 4)
        #expect(foreign.entry == nil && foreign.advice.contains("'jailhouse-ctl probe' proposes"), "\(foreign)")
    }

    @Test("A console that others share is shared, or left alone")
    func sharedConsole() throws {
        var known = try surroundings()
        known.system?.debugConsole = Console(kind: .init(rawValue: 1), address: 0xe000_0000, size: 0x1000, flags: .mmio)
        let console = explain(0xe000_0018, in: known)
        #expect(
            console.entry?.contains("root-shared") == true && console.advice.contains("parks its CPU"), "\(console)")
    }

    @Test("What stops a machine is no TOML to paste", arguments: [0xb2, 0x66, 0xcd6, 0x1ce, 0x510])
    func dangerousPorts(port: UInt64) throws {
        let explanation = Violation.port(.write, port, size: 1).explanation(in: try surroundings())
        #expect(explanation.entry == nil && explanation.advice.contains("Do not grant it"), "\(explanation)")
    }

    @Test("No address that no machine has is granted, nor a part of the GIC")
    func impossible() throws {
        var known = try surroundings()
        #expect(explain(0x4_0000_0000_0000, in: known).entry == nil)
        known.system?.platform.specific = .arm(ArmPlatform(gicVersion: 3, gicdBase: 0x800_0000, gicrBase: 0x80a_0000))
        let its = Violation.dataAbort(.write, 0x808_0040, size: 4).explanation(in: known)
        #expect(its.entry == nil && its.advice.contains("ITS"), "\(its)")
    }

    @Test("A blocked interrupt of an IOAPIC is no PCI device's")
    func ioapic() throws {
        var known = try surroundings()
        known.system?.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0xff00, pins: [4])]
        let fault = DMAFault(unit: 0, device: "ff:00.0", address: 0, access: .read, code: 0x26)
        let explanation = fault.explanation(in: known)
        #expect(
            explanation.summary.hasPrefix("The IOAPIC (ff:00.0)") && !explanation.advice.contains("[root-cell]"),
            "\(explanation)")
    }

    @Test("On the hypervisor's own PCI bus nothing is granted")
    func virtualBus() throws {
        var known = try surroundings()
        known.system?.platform.virtualPCI = 1
        let write = Violation.pciMemory(.write, device: "00:05.0", register: 0x40, size: 4).explanation(in: known)
        #expect(write.entry == nil && write.notes.contains { $0.contains("virtual-pci = 1") }, "\(write)")
    }

    @Test("The configuration space of virtual devices is no region, and Arm64 has no such addresses")
    func virtualSpace() throws {
        var known = try surroundings()
        known.system?.platform.virtualPCI = 1
        known.system?.platform.mmconfigBase = 0x8e0_0000
        known.system?.platform.mmconfigEndBus = 0
        known.cell?.pciDevices = []
        let space = explain(0x8e0_0000, in: known)
        #expect(space.entry == nil && space.advice.contains("[[ivshmem]]"), "\(space)")
        known.cell?.architecture = .arm64
        let far = explain(1 << 47, in: known)
        #expect(far.entry == nil && far.advice.contains("pointer"), "\(far)")
    }

    @Test("Of Linux's port it is said that Linux has it, and how memory is kept from Linux is the machine's way")
    func linuxHas() throws {
        var known = Surroundings(system: system)
        known.system?.rootCell.ioPortRegions = [IOPortRegion(name: "keyboard", base: 0x60, count: 16)]
        let port = Violation.port(.write, 0x64, size: 1).explanation(isRootCell: true, in: known)
        #expect(
            port.notes.contains { $0.contains("has 0x60–0x6f (\"keyboard\")") } && !port.advice.contains("lacks it"),
            "\(port)")
        let memory = try #require(known.system?.hypervisorMemory.physicalStart)
        func advice() -> String {
            Violation.memory(.write, memory, size: 4).explanation(isRootCell: true, in: known).advice
        }
        #expect(advice().contains("memmap=") && advice().contains("that wrote to it"), "\(advice())")
        known.system?.architecture = .arm64
        #expect(!advice().contains("memmap=") && advice().contains("/reserved-memory"), "\(advice())")
    }

    @Test("Linux's own death says what it did, and a bus is nobody's port")
    func linux() throws {
        var known = try surroundings()
        known.machine = RunningMachine(ioports: "0000-0cf7 : PCI Bus 0000:00\n", iomem: "")
        let port = Violation.port(.write, 0x3f8, size: 1).explanation(isRootCell: true, in: known)
        #expect(
            port.summary.hasPrefix("Linux wrote 1 byte to ") && !port.notes.contains { $0.contains("PCI Bus") },
            "\(port)")
        let reset = Violation.port(.write, 0xcf9, size: 1).explanation(isRootCell: true, in: known)
        #expect(
            reset.summary.contains("the reset control register")
                && reset.advice.contains("Disable the hypervisor before"), "\(reset)")
        let fault = Violation.tripleFault.explanation(isRootCell: true, in: known)
        #expect(!fault.summary.contains("program"), "\(fault)")
        let memory = Violation.memory(.read, 0x3900_0000, size: 4).explanation(isRootCell: true, in: known)
        #expect(memory.summary == "Linux read 4 bytes at the address 0x39000000, which it does not have.")
    }

    @Test("An offset from a null pointer is called so, and nothing is granted", arguments: [0xffff_fffc, 0xffff_f000])
    func null(address: UInt64) throws {
        let explanation = explain(address, in: try surroundings())
        #expect(explanation.entry == nil && explanation.advice.contains("pointer that was never set"), "\(explanation)")
        #expect(explanation.notes.contains { $0.contains("−\(0x1_0000_0000 - address)") }, "\(explanation.notes)")
    }

    @Test("An IOMMU is the hypervisor's own, not a device that it shows to cells")
    func unit() throws {
        let explanation = explain(0xfed9_0018, in: try surroundings())
        #expect(explanation.entry == nil && explanation.advice.contains("keeps the IOMMU for itself"), "\(explanation)")
        #expect(explanation.notes.contains { $0.contains("is the IOMMU 0") }, "\(explanation.notes)")
    }

    @Test("Neither a table of MSI-X vectors, nor firmware for writing, nor the machine's address of its own memory")
    func forbidden() throws {
        var known = try surroundings()
        known.system?.rootCell.pciDevices[0].msixAddress = 0xe000_4000
        known.system?.rootCell.pciDevices[0].msixVectors = 5
        known.system?.rootCell.pciDevices[0].msixRegionSize = 0x1000
        let table = explain(0xe000_4000, in: known)
        #expect(table.entry == nil && table.notes.contains { $0.contains("MSI-X table of the PCI device 00:1f.2") })
        known.system?.rootCell.memoryRegions[2].flags = [.read]
        let firmware = explain(0xe100_0000, in: known)
        #expect(firmware.entry == nil && firmware.advice.contains("may only read"), "\(firmware)")
        let own = explain(0x3a00_1000, in: known)
        #expect(own.entry == nil && own.advice.contains("the cell's address, 0x1000"), "\(own)")
    }

    @Test("Of a dump without files nothing is offered for an address")
    func unknown() {
        #expect(explain(0x2000_0000, in: Surroundings()).entry == nil)
        let guest = Violation.dataAbort(.read, 0x10, size: 1).explanation(
            in: Surroundings(), registers: ["esr": 0x24, "iss": 0])
        #expect(guest.summary.contains("read memory at 0x10"), "\(guest.summary)")
    }

    @Test("A port that Linux has is not granted; its name in the system configuration is said")
    func ports() throws {
        var known = try surroundings()
        known.machine = RunningMachine(
            ioports: "0600-0603 : ACPI PM1a_EVT_BLK\nc000-cfff : PCI Bus 0000:00\n", iomem: "")
        func explain(_ port: UInt64) -> Explanation { Violation.port(.write, port, size: 1).explanation(in: known) }
        #expect(explain(0x600).entry == nil && explain(0x600).advice.contains("\"ACPI PM1a_EVT_BLK\""))
        #expect(explain(0xc040).entry != nil, "a window of a bus is nobody's")
    }

    @Test("A rule is named only where what it finds is about the same place")
    func samePlace() throws {
        var known = Surroundings(system: system, others: [try #require(cell)])
        known.findings = ["JH1301"]
        known.findingTexts = ["JH1301": ["the ports 0x3f8–0x3ff are those of COM1, Linux's console ttyS0"]]
        func rule(_ port: UInt64) -> String? {
            Violation.port(.write, port, size: 1).explanation(isRootCell: true, in: known).rule
        }
        #expect(rule(0x3f9) == "JH1301" && rule(0xc040) == nil)
    }

    // MARK: what may be granted

    @Test("What the system configuration has there for Linux is named; so is that it has nothing")
    func window() throws {
        let window = explain(0xe100_0000, in: try surroundings())
        #expect(window.notes.contains { $0.contains("Linux's region \"PCI window\"") }, "\(window.notes)")
        #expect(window.entry?.contains("physical = 0xe1000000") == true)
        let nothing = explain(0xd000_0000, in: try surroundings())
        #expect(nothing.notes.contains { $0.hasPrefix("No region of [root-cell]") }, "\(nothing.notes)")
    }

    @Test("Beside a region smaller than a page that region grows, at either end; another cell's part stays its own")
    func smallRegions() throws {
        let behind = explain(0xfe00_0120, in: try surroundings())
        #expect(behind.entry == "size = 0x24    # of \"UART\"")
        let before = explain(0xfe00_00f4, in: try surroundings())
        #expect(before.entry?.hasPrefix("physical = 0xfe0000f0") == true, "\(before.entry ?? "")")
        #expect(before.entry?.contains("\nsize = 0x30") == true)

        let own = try #require(cell)
        var known = Surroundings(others: [own])
        known.cell = try CellDescriptor(
            toml: "[cell]\nname = \"other\"\narchitecture = \"x86\"\ncpus = [2]\n", path: "other.toml")
        let beside = explain(0xfe00_0204, in: known)
        #expect(beside.entry?.contains("physical = 0xfe000200") == true && beside.entry?.contains("size = 0x8") == true)
        #expect(beside.advice.hasPrefix("Another cell has a part of this page"), "\(beside.advice)")
    }

    @Test("The HPET is advised against, also where /proc/iomem names it")
    func timer() throws {
        var known = try surroundings()
        known.machine = RunningMachine(ioports: "", iomem: "fed00000-fed003ff : HPET 0\n")
        let explanation = explain(0xfed0_00f0, .read, in: known)
        #expect(explanation.advice.contains("hpet=disable"), "\(explanation.advice)")
        #expect(explanation.notes.contains { $0.contains("\"HPET 0\"") })
    }

    @Test("Of a misconfigured page the address is judged, Linux's as well")
    func misconfiguration() throws {
        let known = Surroundings(system: system, others: [try #require(cell)])
        let explanation = Violation.vmExit(reason: 49).explanation(
            isRootCell: true, in: known, registers: ["phys": 0x3a00_1000])
        #expect(explanation.notes.contains("The cell \"sample\" has 0x3a001000."), "\(explanation)")
    }
}
