// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
import ConfigurationRules
import InmateImage

/// A cell for Linux on a machine: `new-cell --linux`.
package struct LinuxProposal {
    package struct Request {
        /// As in ``CellProposal/Request``; its image is the kernel.
        package var cell: CellProposal.Request
        /// Absolute; nil for none.
        package var initrd: String?
        /// Nil: that of the console.
        package var commandLine: String?
        /// Arm64: the interrupt of the system's serial port, as the interrupt controller numbers it.
        package var serialInterrupt: UInt32?
        /// Arm64: those that the machine's own device tree says, by the address of their registers
        /// (``RunningMachine/sharedInterrupts``); empty where it is not known.
        package var interrupts: [UInt64: UInt32] = [:]
        /// x86, absolute; nil: that of the package.
        package var loader: String?

        package init(
            _ cell: CellProposal.Request, initrd: String? = nil, commandLine: String? = nil,
            serialInterrupt: UInt32? = nil, loader: String? = nil
        ) {
            self.cell = cell
            self.initrd = initrd
            self.commandLine = commandLine
            self.serialInterrupt = serialInterrupt
            self.loader = loader
        }
    }

    /// Of the cell: enough for a small system.
    static let standardMemory: UInt64 = 64 << 20
    private static let blockSize: UInt64 = 0x20_0000

    private let request: Request
    private let architecture: Architecture
    private let architectureLines: [String]
    private let name: String
    private let cpus: CPUSet
    /// Where the block in front of its RAM is, which the loader has.
    private let physical: UInt64
    /// Of its RAM without that block.
    private let size: UInt64
    /// Arm64: of the serial port.
    private let serialInterrupt: UInt32?
    /// Whether machine or system have another one than was asked for.
    private let isOtherInterrupt: Bool
    private let console: Console
    private let interruptController: UInt64
    /// Arm64: where upstream's programs look for it, or else behind the RAM.
    private let communicationRegion: UInt64

    /// - Parameters:
    ///   - kernel: the whole file.
    ///   - others: the cells that are to exist beside it.
    /// - Throws: ``DefinitionError`` for what cannot be: no CPU or memory left, a file that is no kernel.
    package init(
        _ request: Request, kernel: [UInt8], system: SystemDescriptor, others: [CellDescriptor]
    ) throws(DefinitionError) {
        guard request.loader == nil || system.architecture == .x86 else {
            throw DefinitionError(
                .invalidValue, "Linux on Arm64 needs no loader", path: request.cell.imagePath,
                remedy: "leave --loader out")
        }
        self.request = request
        architecture = system.architecture
        architectureLines = system.architectureLines
        let needed: UInt64
        do throws(ImageError) {
            needed =
                architecture == .x86
                ? try BzImage(kernel).initialSize : try Arm64Kernel(kernel).imageSize
        } catch {
            throw DefinitionError(error, path: request.cell.imagePath)
        }
        name = try CellProposal.name(request.cell, besides: [system.rootCell.name] + others.map(\.name))
        cpus = if let asked = request.cell.cpus { asked } else { try CellProposal.freeCPU(system, others) }
        // the kernel prefers to be at 16 MiB, and unpacks things behind itself
        let wanted = request.cell.memory ?? max(Self.standardMemory, needed * 2 + (32 << 20))
        size = (min(wanted, 1 << 40) + Self.blockSize - 1) / Self.blockSize * Self.blockSize
        guard size >= 16 << 20 else {
            throw DefinitionError(
                .invalidValue, "Linux does not run in \(size >> 20) MiB", path: request.cell.imagePath,
                remedy: "give it more with --memory")
        }
        physical =
            if let asked = request.cell.physical { asked } else {
                try FreeMemory(system: system, others: others).place(for: size, with: Self.blockSize).start
            }
        console = CellProposal.console(system)
        communicationRegion = SeenDevices(system, ProposedConsole(console: console)).freePage(
            at: 0x8000_0000, besides: (physical, size + Self.blockSize))
        guard physical <= CellProposal.addressLimit else {
            throw DefinitionError(
                .invalidValue, "\(hexadecimal(physical)) is beyond what a processor can address",
                path: request.cell.imagePath,
                remedy: "correct --physical")
        }
        if case .arm(let platform) = system.platform.specific {
            interruptController = platform.gicdBase
            let known = request.interrupts[console.address] ?? system.knownInterrupts[console.address]
            serialInterrupt = request.serialInterrupt ?? known
            isOtherInterrupt = known != nil && known != serialInterrupt
            guard serialInterrupt != nil || console.kind == .none else {
                throw DefinitionError(
                    .invalidValue,
                    "which interrupt the serial port at \(hexadecimal(console.address)) has is not known: neither the system configuration nor "
                        + "this machine's device tree says it",
                    path: request.cell.imagePath,
                    remedy:
                        "give it with --serial-interrupt: 32 more than the device tree's, as /proc/interrupts has it; or write it as "
                        + "interrupt into [debug-console] of the system")
            }
            guard serialInterrupt.map({ (32..<1020).contains($0) }) ?? true else {
                throw DefinitionError(
                    .invalidValue, "no device has the interrupt \(serialInterrupt ?? 0)",
                    path: request.cell.imagePath,
                    remedy: "give --serial-interrupt 32 to 1019: 32 more than the device tree's")
            }
        } else {
            interruptController = LinuxStart.ioAPIC
            serialInterrupt = nil
            isOtherInterrupt = false
        }
    }

    /// The definition's text, with comments.
    package func toml() -> String {
        ([head] + (architecture == .x86 ? x86 : arm64) + [image, text(["[supervision]", "restart = \"on-failure\""])])
            .joined(separator: "\n")
    }

    private var head: String {
        var lines = ["# Linux in a cell: \(SourceQuote.quoted(request.cell.imagePath))."]
        if architecture == .arm64 {
            lines += [
                "# The access \"dma\" says what is Linux's RAM. It confines no device: an SMMU does, where the system has one."
            ]
        }
        lines += ["", "[cell]", "name = \(SourceQuote.quoted(name))"]
        lines += architectureLines
        lines += [
            "cpus = [\(cpus.members.map(String.init).joined(separator: ", "))]", "reset-address = 0x0",
            "passive-comm-region = true      # Linux does not read the hypervisor's messages",
            "virtual-console = \"permitted\"",
        ]
        if let line = ProposedConsole(console: console).line { lines.append(line) }
        return text(lines)
    }

    private func region(
        _ name: String, physical: UInt64? = nil, virtual: UInt64, size: UInt64, _ access: [String]
    ) -> String {
        var lines = ["[[memory]]", "name = \"\(name)\""]
        if let physical { lines.append("physical = \(hexadecimal(physical))") }
        lines += [
            "virtual = \(hexadecimal(virtual))",
            "size = \(Quantity.sizeText(size).map { "\"\($0)\"" } ?? hexadecimal(size))",
            "access = [\(access.map { "\"\($0)\"" }.joined(separator: ", "))]",
        ]
        return text(lines)
    }

    private static let ram = ["read", "write", "execute", "dma", "loadable"]
    private static let page: UInt64 = 0x1000

    private var x86: [String] {
        var tables = [
            region("low RAM", physical: physical, virtual: 0, size: 1 << 20, Self.ram),
            region(
                "communication region", virtual: 1 << 20, size: Self.page, ["read", "write", "communication-region"]),
            region(
                "RAM", physical: physical + Self.blockSize, virtual: Self.blockSize, size: size, Self.ram),
        ]
        if let base = UInt16(exactly: console.address), !console.flags.contains(.mmio),
            let index = LinuxStart.serialPorts.firstIndex(where: { $0.base == base })
        {
            let port = LinuxStart.serialPorts[index]
            tables.append(
                text(["[[ports]]", "name = \"COM\(index + 1)\"", "base = \(hexadecimal(base))", "count = 8"]))
            tables.append(
                text([
                    "[[interrupt-chip]]", "address = \(hexadecimal(interruptController))", "id = 0xff00",
                    "pins = [\(port.pin)]",
                ]))
        }
        return tables
    }

    private var arm64: [String] {
        var tables = [
            region("loader", physical: physical, virtual: 0, size: 0x1_0000, ["read", "write", "execute", "loadable"]),
            region(
                "RAM", physical: physical + Self.blockSize, virtual: physical + Self.blockSize, size: size, Self.ram),
            region(
                "communication region", virtual: communicationRegion, size: Self.page,
                ["read", "write", "communication-region"]),
        ]
        if let registers = ProposedConsole(console: console).registers, let interrupt = serialInterrupt {
            tables.append(
                region(
                    registers.name, physical: registers.physicalStart, virtual: registers.virtualStart,
                    size: registers.size, registers.accessWords))
            // a record has 128 pins, and there are 1024
            let base = min(interrupt / 32 * 32, 896)
            tables.append(
                text([
                    "[[interrupt-chip]]", "address = \(hexadecimal(interruptController))", "pin-base = \(base)",
                    "pins = [\(interrupt)]              # the serial port's",
                ]))
        }
        return tables
    }

    private var image: String {
        var lines = ["[[image]]", "path = \(SourceQuote.quoted(request.cell.imagePath))", "start = \"linux\""]
        if let loader = request.loader { lines.append("loader = \(SourceQuote.quoted(loader))") }
        // what is known otherwise would count
        if let asked = request.serialInterrupt, isOtherInterrupt { lines.append("serial-interrupt = \(asked)") }
        if let initrd = request.initrd { lines.append("initrd = \(SourceQuote.quoted(initrd))") }
        lines.append("command-line = \(SourceQuote.quoted(request.commandLine ?? usualCommandLine))")
        return text(lines)
    }

    private var usualCommandLine: String {
        let names: [Console.Kind: String] = [
            .pl011: "ttyAMA0", .xuartps: "ttyPS0", .imx: "ttymxc0", .imxLPUART: "ttyLP0", .mvebu: "ttyMV0",
        ]
        guard architecture == .x86 else { return "console=\(names[console.kind] ?? "ttyS0"),115200" }
        let index = LinuxStart.serialPorts.firstIndex { UInt64($0.base) == console.address } ?? 0
        return "console=ttyS\(index),115200 pci=lastbus=0"
    }

    private func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}
