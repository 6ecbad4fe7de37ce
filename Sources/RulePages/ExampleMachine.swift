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
