// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

/// A Linux kernel in its cell, for what the rules say of it.
struct LinuxInCell {
    let definition: CellDefinition
    let image: ImageReference
    let linux: LinuxStart
    /// All that could be read of its files, by path.
    let files: [String: [UInt8]]
    /// The key path of its `[[image]]`.
    let location: String

    var cell: CellDescriptor { definition.descriptor }

    /// - Parameter readFile: reads the kernel's configuration, where there is one beside it.
    func findings(readFile: (String) throws -> [UInt8]) -> [Finding] {
        // of what is no kernel, that has been said
        guard isKernel else { return [] }
        let own =
            cell.architecture == .x86
            ? guestFindings(readFile) + busFindings + lowMemoryFindings : loaderFindings + treeFindings
        return own + passiveFindings + consoleFindings + earlyConsoleFindings + initrdFindings
    }

    private var kernel: [UInt8] { files[image.path] ?? [] }

    private var isKernel: Bool {
        switch cell.architecture {
        case .x86: (try? BzImage(kernel)) != nil
        case .arm64: (try? Arm64Kernel(kernel)) != nil
        case .arm: false
        }
    }

    private var treeFindings: [Finding] {
        guard let root = try? definition.deviceTree(linux, initrd: nil, files) else { return [] }
        return TreeInCell(definition: definition, linux: linux, root: root, location: location).findings
    }

    private var loaderFindings: [Finding] {
        let ram = cell.memoryRegions.indices.filter {
            cell.memoryRegions[$0].flags.isSuperset(of: [.execute, .dma, .loadable])
        }
        guard ram.count > 1,
            let first = ram.first(where: {
                let region = cell.memoryRegions[$0]
                return region.size <= 1 << 20 && cell.cpuResetAddress >= region.virtualStart
                    && cell.cpuResetAddress - region.virtualStart < region.size
            })
        else { return [] }
        let region = cell.memoryRegions[first]
        return [
            ImageRule.loaderMemory.finding(
                at: "memory[\(first)]",
                "the region \"\(region.label)\" of \(region.size >> 10) KiB, where the cell begins, is \"dma\" as the RAM is"
            )
        ]
    }

    private var passiveFindings: [Finding] {
        guard !cell.isPassive else { return [] }
        return [
            ImageRule.linuxIsPassive.finding(
                at: "cell", "\(image.path) is a Linux kernel, which answers no messages, but the cell is not passive")
        ]
    }

    // MARK: - The kernel

    private func guestFindings(_ readFile: (String) throws -> [UInt8]) -> [Finding] {
        for file in configurationFiles {
            guard let text = try? readFile(file), let configuration = KernelConfiguration(text) else { continue }
            return findings(of: configuration, file)
        }
        guard let header = try? BzImage(kernel) else { return [] }
        guard let unpacked = header.unpacked(kernel) else {
            guard header.hasPayload else { return [] }
            let places =
                configurationFiles.isEmpty ? "" : ", and there is no \(configurationFiles.joined(separator: ", nor "))"
            return [
                ImageRule.guestSupport.finding(
                    at: location,
                    "whether \(header.release.isEmpty ? image.path : "Linux \(header.release)") was built with "
                        + "\(GuestSupport.option) cannot be seen: it is not packed with gzip or zstd\(places)",
                    severity: .note,
                    consequence:
                        "if it was not, it ends with `FATAL: Invalid PIO write, port: 20` or a similar line before it prints anything",
                    remedy: "put its configuration beside it")
            ]
        }
        if let configuration = KernelConfiguration(embeddedIn: unpacked) {
            return findings(of: configuration, "the configuration in \(image.path)")
        }
        guard GuestSupport(stringsOf: unpacked) == .missing else { return [] }
        return [
            ImageRule.guestSupport.finding(
                at: location, "\(image.path) was built without \(GuestSupport.option): nothing in it names Jailhouse")
        ]
    }

    /// - Parameter source: where the configuration is.
    private func findings(of configuration: KernelConfiguration, _ source: String) -> [Finding] {
        guard GuestSupport(configuration) == .present else {
            return [ImageRule.guestSupport.finding(at: location, "\(source) lacks \(GuestSupport.option)=y")]
        }
        let hasPort = cell.ioPortRegions.contains {
            (Int($0.base)..<Int($0.base) + Int($0.count)).contains(Int(GuestSupport.dmaPort))
        }
        guard configuration.hasBuiltIn(GuestSupport.dmaOption), !hasPort else { return [] }
        return [ImageRule.dmaDriver.finding(at: location, "\(source) has \(GuestSupport.dmaOption)=y")]
    }

    /// Where kernels' configurations are: beside it as distributions have it, and where it was built.
    private var configurationFiles: [String] {
        let parts = image.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var files: [String] = []
        if let release = (try? BzImage(kernel))?.release, !release.isEmpty {
            files.append((parts.dropLast() + ["config-" + release]).joined(separator: "/"))
        }
        if parts.suffix(4).dropLast() == ["arch", "x86", "boot"] {
            files.append((parts.dropLast(4) + [".config"]).joined(separator: "/"))
        }
        return files
    }

    // MARK: - The command line

    var words: [Substring] { linux.commandLine.split(separator: " ") }

    private var busFindings: [Finding] {
        let options = words.filter { $0.hasPrefix("pci=") }.flatMap { $0.dropFirst(4).split(separator: ",") }
        // without a bus there is nothing to look for
        guard !options.contains("off") else { return [] }
        guard let text = options.last(where: { $0.hasPrefix("lastbus=") })?.dropFirst(8) else {
            return [
                ImageRule.lastBus.finding(
                    at: commandLine, "the command line of \(image.path) does not say which PCI bus is the last one")
            ]
        }
        let (last, highest) = (KernelNumber(text).value, UInt64(cell.pciDevices.map(\.address.bus).max() ?? 0))
        let says = "the command line has pci=lastbus=\(text)"
        if let platform = definition.machine?.platform, platform.mmconfigBase != 0,
            last > UInt64(platform.mmconfigEndBus)
        {
            return [
                ImageRule.lastBus.finding(
                    at: commandLine, "\(says), but the last bus of the machine is \(platform.mmconfigEndBus)",
                    consequence: "Linux reads the configuration space of buses where nothing is mapped",
                    remedy: "set pci=lastbus=\(highest)")
            ]
        }
        guard last != highest else { return [] }
        return [
            ImageRule.lastBus.finding(
                at: commandLine,
                "\(says), but the cell has "
                    + (last > highest ? "no PCI device behind bus \(highest)" : "a PCI device on bus \(highest)"),
                consequence: last > highest
                    ? "Linux asks for each function of the buses in between, 512 accesses a bus that the hypervisor checks: it boots "
                        + "later for nothing"
                    : "Linux does not look for the devices on the buses behind it",
                remedy: "set pci=lastbus=\(highest)")
        ]
    }

    var commandLine: String {
        let key = location + ".command-line"
        return definition.line(of: key) == nil ? location : key
    }

    private var consoleFindings: [Finding] {
        let consoles = words.filter { $0.hasPrefix("console=") }.map { $0.dropFirst(8).prefix { $0 != "," } }
        guard !consoles.isEmpty else {
            return [
                ImageRule.linuxConsole.finding(at: commandLine, "the command line of \(image.path) names no console")
            ]
        }
        return virtualConsoleFindings(consoles)
            + (cell.architecture == .x86 ? consoles.flatMap(serialFindings) : consoleFindings(ofArm: consoles))
    }

    private func serialFindings(_ console: Substring) -> [Finding] {
        guard console.hasPrefix("ttyS"), let index = Int(console.dropFirst(4)),
            LinuxStart.serialPorts.indices.contains(index)
        else { return [] }
        let port = LinuxStart.serialPorts[index]
        let range = rangeText(UInt64(port.base), UInt64(port.base) + 7)
        let says = "the command line has console=\(console)"
        let regions = cell.ioPortRegions.indices.filter { cell.ioPortRegions[$0].base == port.base }
        guard let region = regions.first else {
            return [
                ImageRule.linuxSerialPort.finding(
                    at: commandLine,
                    "\(says), the serial port at \(range), but the cell has no ports from "
                        + "\(hexadecimal(port.base)) on",
                    remedy: "add [[ports]] with base = \(hexadecimal(port.base)) and count = 8")
            ]
        }
        var findings: [Finding] = []
        if !regions.contains(where: { cell.ioPortRegions[$0].count == 8 }) {
            findings.append(
                ImageRule.linuxSerialPort.finding(
                    at: "ports[\(region)]",
                    "\(says), the serial port at \(range), but of it the cell has \(cell.ioPortRegions[region].count) ports",
                    remedy: "set its count = 8: Linux asks for exactly that"))
        }
        if !cell.interruptChips.contains(where: { $0.address == LinuxStart.ioAPIC && $0.pins.contains(port.pin) }) {
            findings.append(
                ImageRule.linuxSerialPort.finding(
                    at: commandLine, "\(says), whose interrupt is pin \(port.pin), which is not the cell's",
                    consequence: "the kernel prints, but a program that reads or writes there hangs",
                    remedy: "add \(port.pin) to the pins of an [[interrupt-chip]] with address = "
                        + hexadecimal(LinuxStart.ioAPIC)))
        }
        return findings
    }

    // MARK: - Memory

    private var lowMemoryFindings: [Finding] {
        let ram = cell.linuxCell.memory
        guard !ram.isEmpty, !ram.contains(where: { $0.start < 0x10_0000 }) else { return [] }
        let lowest = ram.map(\.start).min() ?? 0
        let isReachable = cell.linuxCell.loadable.contains { $0.start < 1 << 32 }
        var findings = [
            ImageRule.linuxLowMemory.finding(
                at: "memory", "the cell's RAM for Linux begins at \(hexadecimal(lowest)), above 1 MiB")
        ]
        if !isReachable, !cell.linuxCell.loadable.isEmpty {
            findings.append(
                ImageRule.linuxReach.finding(
                    at: "memory", "all of the loadable RAM that the cell has for Linux is above 4 GiB"))
        }
        return findings
    }
}
