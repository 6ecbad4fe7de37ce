// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The files that the rules' pages make mistakes in: a system and two cells, without any. They are judged together.
struct ExampleMachine: Sendable {
    var files: [RuleExample.File]

    func example(_ changes: [RuleExample.Change]) -> RuleExample {
        RuleExample(files: files, changes: changes, judge: ExampleMachine.findings)
    }

    static let systemFile = "system.toml"
    static let portsFile = "/proc/ioports"
    static let memoryFile = "/proc/iomem"
    static let interruptsFile = "/proc/interrupts"
    static let onlineFile = "/sys/devices/system/cpu/online"
    /// The names in it, one a line.
    static let pciFile = "/sys/bus/pci/devices"
    static let cpuInfoFile = "/proc/cpuinfo"
    static let commandLineFile = "/proc/cmdline"
    /// The CPUs' MPIDRs, each behind its number.
    static let affinityFile = "/sys/firmware/devicetree/base/cpus"
    /// Of each device its name, what it is compatible with, then address and size of its registers.
    static let treeFile = "/sys/firmware/devicetree/base"

    static func findings(in files: [RuleExample.File]) throws -> [Finding] {
        var findings: [Finding] = []
        var system: SystemDescriptor?
        var members: [CellGroup.Member] = []
        var lines: [String: [String: Int]] = [:]
        for file in files where file.name.hasSuffix(".toml") {
            let document = try SourceDocument(toml: file.text, path: file.name)
            if file.name == systemFile {
                let found = try SystemDescriptor(toml: file.text, path: file.name)
                findings += found.findings().map { $0.at(file.name) }
                system = found
            } else {
                let cell = try CellDescriptor(source: document)
                findings += (cell.findings() + (system?.findings(ofCell: cell) ?? [])).map { $0.at(file.name) }
                members.append(.init(path: file.name, cell: cell))
            }
            // those of lists that a link adds to are known once it has been read
            lines[file.name] = document.lines
        }
        findings += CellGroup(members, in: system).findings()
        let proc = { name in files.first { $0.name == name }?.text ?? "" }
        var machine = RunningMachine(ioports: proc(portsFile), iomem: proc(memoryFile))
        machine.interrupts = RunningMachine.interrupts(in: proc(interruptsFile))
        machine.onlineCPUs = try CPUSet(list: proc(onlineFile))
        machine.hasPCProcessors = RunningMachine.hasPCProcessors(cpuInfo: proc(cpuInfoFile))
        machine.hasIntelProcessors = RunningMachine.hasIntelProcessors(cpuInfo: proc(cpuInfoFile))
        machine.translatesByVTD = RunningMachine.translatesByVTD(commandLine: proc(commandLineFile))
        machine.runsAtEL2 = RunningMachine.runsAtEL2(
            cpuInfo: proc(cpuInfoFile), commandLine: proc(commandLineFile))
        machine.pciDevices = Set(proc(pciFile).split(separator: "\n").map(String.init))
        for line in proc(affinityFile).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let cpu = Int(words[0]) else { continue }
            machine.affinities[cpu] = UInt64(words[1].dropFirst(2), radix: 16)
        }
        machine.registers = proc(treeFile).split(separator: "\n").map(registers)
        findings += machine.findings(system: system.map { (systemFile, $0) }, cells: members)
        return findings.map { finding in
            let path = finding.path ?? ""
            return finding.placed(in: path) { lines[path]?[$0] }
        }
    }
}

extension ExampleMachine {
    /// A line of ``treeFile``.
    private static func registers(in line: Substring) -> RunningMachine.TreeRegisters {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst(2).compactMap { UInt64($0.dropFirst(2), radix: 16) }
        return RunningMachine.TreeRegisters(
            node: String(words.first ?? ""), compatible: words.dropFirst().prefix(1).map(String.init),
            windows: stride(from: 0, to: numbers.count - 1, by: 2).map {
                numbers[$0]...numbers[$0] + max(numbers[$0 + 1], 1) - 1
            })
    }
}

extension Finding {
    fileprivate func at(_ file: String) -> Finding {
        var finding = self
        finding.path = file
        return finding
    }
}

extension ExampleMachine {
    static let x86 = ExampleMachine(files: [
        .init(
            name: systemFile,
            text: """
                [system]
                architecture = "x86"
                virtual-debug-console = true

                [hypervisor-memory]
                physical = 0x3e800000
                size = "8 MiB"

                [platform]
                mmconfig-base = 0xb0000000
                mmconfig-end-bus = 0xff
                pm-timer-port = 0x608

                [[iommu]]
                type = "intel"
                base = 0xfed90000
                size = "4 KiB"

                [root-cell]
                name = "q35"
                cpus = "0-3"

                [[memory]]
                name = "low memory"
                physical = 0x0
                size = "928 MiB"
                access = ["read", "write", "execute", "dma"]

                [[memory]]
                name = "memory for cells"
                physical = 0x3a000000
                size = "72 MiB"
                access = ["read", "write", "execute", "dma"]

                [[memory]]
                name = "state of the link"
                physical = 0x3f000000
                size = "4 KiB"
                access = ["read"]

                [[memory]]
                name = "common to the link"
                physical = 0x3f001000
                size = "4 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "from q35"
                physical = 0x3f002000
                size = "8 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "to q35"
                physical = 0x3f004000
                size = "8 KiB"
                access = ["read"]

                [[memory]]
                name = "PCI devices"
                physical = 0xfeb00000
                size = "820 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "high memory"
                physical = 0x3f006000
                size = 0xffa000
                access = ["read", "write", "execute", "dma"]

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = "0-23"

                [[pci-device]]
                bdf = "00:02.0"

                [[pci-device]]
                bdf = "00:03.0"

                [[pci-device]]
                type = "ivshmem"
                bdf = "00:0e.0"
                bar-masks = [0xfffff000, 0x0, 0x0, 0x0, 0x0, 0x0]
                first-memory-region = 2
                peers = 2
                protocol = 0x1

                """),
        .init(
            name: "rtems.toml",
            text: """
                [cell]
                name = "rtems"
                architecture = "x86"
                cpus = [3]
                message-timeout = 1000000
                reset-address = 0xf0000
                virtual-console = "permitted"
                console = { type = "8250", access = "pio", address = 0x3f8 }

                [[memory]]
                name = "ram"
                physical = 0x3a000000
                virtual = 0x0
                size = "8 MiB"
                access = ["read", "write", "execute", "loadable"]

                [[memory]]
                name = "communication region"
                virtual = 0x900000
                size = "4 KiB"
                access = ["read", "write", "communication-region"]

                [[memory]]
                name = "network card"
                physical = 0xfeb00000
                size = "64 KiB"
                access = ["read", "write", "io"]

                [[memory]]
                name = "state of the link"
                physical = 0x3f000000
                size = "4 KiB"
                access = ["read", "root-shared"]

                [[memory]]
                name = "common to the link"
                physical = 0x3f001000
                size = "4 KiB"
                access = ["read", "write", "root-shared"]

                [[memory]]
                name = "to rtems"
                physical = 0x3f002000
                size = "8 KiB"
                access = ["read", "root-shared"]

                [[memory]]
                name = "from rtems"
                physical = 0x3f004000
                size = "8 KiB"
                access = ["read", "write", "root-shared"]

                [[ports]]
                name = "COM1"
                base = 0x3f8
                count = 8

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = [4]

                [[pci-device]]
                bdf = "00:02.0"
                first-capability = 0
                capabilities = 1
                msix-vectors = 4
                msix-region-size = "4 KiB"
                msix-address = 0xfeb10000

                [[pci-device]]
                type = "ivshmem"
                bdf = "00:0e.0"
                bar-masks = [0xfffff000, 0x0, 0x0, 0x0, 0x0, 0x0]
                first-memory-region = 3
                peer-id = 1
                peers = 2
                protocol = 0x1

                [[pci-capability]]
                id = 0x11
                start = 0xa0
                length = 12
                writable = true

                """),
        .init(
            name: "other.toml",
            text: """
                [cell]
                name = "other"
                architecture = "x86"
                cpus = [2]
                passive-comm-region = true
                console = { type = "8250", address = 0x2f8 }

                [[memory]]
                name = "ram"
                physical = 0x3a800000
                virtual = 0x0
                size = "1 MiB"
                access = ["read", "write", "execute", "loadable"]

                [[memory]]
                name = "timer card"
                physical = 0xfeb20000
                size = "4 KiB"
                access = ["read", "write", "io"]

                [[ports]]
                name = "COM2"
                base = 0x2f8
                count = 8

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = [3]

                [[pci-device]]
                bdf = "00:03.0"

                """),
        .init(
            name: portsFile,
            text: """
                0000-0cf7 : PCI Bus 0000:00
                  0020-0021 : pic1
                  0060-0060 : keyboard
                  00a0-00a1 : pic2
                  0cf8-0cff : PCI conf1

                """),
        .init(name: memoryFile, text: iomem),
        .init(name: interruptsFile, text: "  8:       1  IO-APIC  8-edge  rtc0\n"),
        .init(name: onlineFile, text: "0-3"),
        .init(name: pciFile, text: "0000:00:02.0\n0000:00:03.0\n0000:00:19.0\n"),
        .init(name: cpuInfoFile, text: "vendor_id : GenuineIntel\nflags : fpu vmx\n"),
        .init(name: commandLineFile, text: "root=/dev/sda1 intel_iommu=off\n"),
    ])

    static let arm64 = ExampleMachine(files: [
        .init(
            name: systemFile,
            text: """
                [system]
                architecture = "arm64"
                virtual-debug-console = true

                [hypervisor-memory]
                physical = 0x7fc00000
                size = "4 MiB"

                [platform]
                gic-version = 3
                gicd-base = 0x08000000
                gicr-base = 0x080a0000
                maintenance-interrupt = 25

                [[iommu]]
                type = "mmu-500"
                base = 0xfd800000
                size = "128 KiB"

                [root-cell]
                name = "board"
                cpus = "0-3"

                [[memory]]
                name = "RAM"
                physical = 0x40000000
                size = "1020 MiB"
                access = ["read", "write", "execute"]

                [[memory]]
                name = "devices"
                physical = 0x9000000
                size = "256 KiB"
                access = ["read", "write", "io"]

                [[interrupt-chip]]
                address = 0x8000000
                pin-base = 32
                pins = "32-159"

                """),
        .init(name: "rtems.toml", text: armCell("rtems", cpu: 3, ram: "0x70000000", uart: "0x9000000", pin: 33)),
        .init(name: "other.toml", text: armCell("other", cpu: 2, ram: "0x71000000", uart: "0x9010000", pin: 34)),
        .init(
            name: memoryFile,
            text: """
                09020000-09020fff : 9020000.serial
                40000000-6fffffff : System RAM
                70000000-7fffffff : reserved

                """),
        .init(name: portsFile, text: ""),
        .init(name: interruptsFile, text: " 41:       7  GICv3  35 Level  9020000.serial\n"),
        .init(name: onlineFile, text: "0-3"),
        .init(name: cpuInfoFile, text: "processor : 0\nFeatures : fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n"),
        .init(name: commandLineFile, text: "root=/dev/vda1 console=ttyAMA0\n"),
        .init(name: affinityFile, text: "0 0x0\n1 0x1\n2 0x2\n3 0x3\n"),
        .init(
            name: treeFile,
            text: """
                intc@8000000 arm,gic-v3 0x08000000 0x10000 0x080a0000 0x80000
                pl011@9000000 arm,pl011 0x09000000 0x1000
                pl011@9010000 arm,pl011 0x09010000 0x1000
                serial@9020000 arm,pl011 0x09020000 0x1000

                """),
    ])

    private static func armCell(_ name: String, cpu: Int, ram: String, uart: String, pin: Int) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "arm64"
        cpus = [\(cpu)]
        passive-comm-region = true
        stream-ids = [\(pin)]

        [[memory]]
        name = "ram"
        physical = \(ram)
        virtual = 0x0
        size = "16 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "UART"
        physical = \(uart)
        size = "4 KiB"
        access = ["read", "write", "io"]

        [[interrupt-chip]]
        address = 0x8000000
        pin-base = 32
        pins = [\(pin)]

        """
    }

    static let iomem = """
        00001000-0009fbff : System RAM
        00100000-39ffffff : System RAM
          01000000-01e025d0 : Kernel code
        3a000000-3f005fff : Reserved
        3f006000-3fffffff : System RAM
        c0000000-febfffff : PCI Bus 0000:00
          feb00000-feb1ffff : 0000:00:02.0
            feb00000-feb1ffff : e1000e
          feb20000-feb20fff : 0000:00:03.0
          feb30000-feb30fff : 0000:00:04.0
            feb30000-feb30fff : ahci
        fec00000-fec003ff : IOAPIC 0

        """

    /// As an ordinary user sees it.
    static let hiddenMemory = """
        00000000-00000000 : System RAM
        00000000-00000000 : Reserved

        """
}
