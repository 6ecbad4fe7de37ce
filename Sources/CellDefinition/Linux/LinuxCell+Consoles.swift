// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import InmateImage

// Where Linux prints, and what it unpacks.

extension LinuxInCell {
    // MARK: - Arm64

    /// How Linux calls serial ports of cells' consoles.
    static let consoleNames: [Console.Kind: String] = [
        .pl011: "ttyAMA", .uart8250: "ttyS", .xuartps: "ttyPS", .imx: "ttymxc", .imxLPUART: "ttyLP", .mvebu: "ttyMV",
    ]

    /// Serial ports of a cell for whose Linux the device tree is made: it has one.
    func consoleFindings(ofArm consoles: [Substring]) -> [Finding] {
        // others may be in the user's own tree
        guard linux.deviceTree == nil, linux.overlays.isEmpty else { return [] }
        let serial = consoles.filter { console in
            Self.consoleNames.values.contains {
                console.hasPrefix($0) && console.dropFirst($0.count).allSatisfy(\.isNumber)
            }
        }
        guard let first = serial.first else { return [] }
        guard hasMappedConsole else {
            return [
                ImageRule.linuxSerialPort.finding(
                    at: commandLine,
                    "the command line has console=\(first), but the device tree that is made for the cell has no serial port",
                    consequence: "Linux does not find that port: nobody learns what it says",
                    remedy: "give [cell] a console with access = \"mmio\", and the cell its registers as a region")
            ]
        }
        guard let own = Self.consoleNames[cell.console.kind], !serial.contains(where: { $0 == own + "0" }) else {
            return []
        }
        return [
            ImageRule.linuxSerialPort.finding(
                at: commandLine,
                "the command line has console=\(first), but the cell's serial port (\(cell.console.kind.word)) is \(own)0",
                consequence: "Linux does not find that port: nobody learns what it says",
                remedy: "write console=\(own)0")
        ]
    }

    /// Whether the cell has the registers of its console.
    private var hasMappedConsole: Bool {
        let console = cell.console
        return console.kind != .none && console.flags.contains(.mmio)
            && cell.memoryRegions.contains {
                console.address >= $0.physicalStart && console.address - $0.physicalStart < $0.size
            }
    }

    // MARK: - The hypervisor's console

    /// Of a Linux with the driver of Siemens' kernels.
    func virtualConsoleFindings(_ consoles: [Substring]) -> [Finding] {
        guard consoles.contains("jailhouse") || words.contains("earlycon=jailhouse"),
            cell.flags.isDisjoint(with: [.virtualConsolePermitted, .virtualConsoleActive])
        else { return [] }
        return [
            ImageRule.linuxConsole.finding(
                at: commandLine,
                "the command line has console=jailhouse, but the cell may not print on the hypervisor's console",
                remedy: "set virtual-console = \"permitted\" in [cell]")
        ]
    }

    // MARK: - Early consoles

    /// What Linux prints to before it has drivers, by its registers (Documentation/admin-guide/kernel-parameters.txt, earlycon
    /// and earlyprintk).
    private enum Registers {
        case ports(UInt64)
        case memory(UInt64)
    }

    var earlyConsoleFindings: [Finding] {
        words.compactMap { word -> Finding? in
            guard let registers = registers(of: word) else { return nil }
            switch registers {
            case .ports(let base):
                guard cell.architecture == .x86, !ownsPorts(base) else { return nil }
                return ImageRule.earlyConsole.finding(
                    at: commandLine,
                    "the command line has \(word), the ports \(rangeText(base, base + 7)), which are not the cell's",
                    consequence: "Linux touches them before anything else, and ends with `FATAL: Invalid PIO`")
            case .memory(let address):
                guard !ownsMemory(address) else { return nil }
                return ImageRule.earlyConsole.finding(
                    at: commandLine,
                    "the command line has \(word), and the cell has nothing to write to at \(hexadecimal(address))",
                    consequence: "Linux touches it before anything else, and ends with "
                        + (cell.architecture == .x86 ? "`FATAL: Invalid MMIO/RAM`" : "`FATAL: unhandled trap`"))
            }
        }
    }

    private func registers(of word: Substring) -> Registers? {
        if word.hasPrefix("earlyprintk=") {
            return cell.architecture == .x86 ? registers(ofPrintk: word.dropFirst(12)) : nil
        }
        for key in ["earlycon=", "console="] where word.hasPrefix(key) {
            let parts = word.dropFirst(key.count).split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count > 1, key == "earlycon=" || parts[0] == "uart" || parts[0] == "uart8250" else {
                return nil
            }
            switch parts[1] {
            case "io": return parts.count > 2 ? KernelNumber(parts[2]).nonzero.map(Registers.ports) : nil
            case _ where parts[1].hasPrefix("mmio"):
                return parts.count > 2 ? KernelNumber(parts[2]).nonzero.map(Registers.memory) : nil
            // options, such as a rate, have no prefix
            case _ where parts[1].lowercased().hasPrefix("0x"):
                return KernelNumber(parts[1]).nonzero.map(Registers.memory)
            default: return nil
            }
        }
        return nil
    }

    /// Of x86 (arch/x86/kernel/early_printk.c).
    private func registers(ofPrintk text: Substring) -> Registers? {
        var parts = text.split(separator: ",")[...]
        if parts.first == "vga" { return .memory(0xb8000) }
        var isSerial = false
        if parts.first == "serial" {
            isSerial = true
            parts = parts.dropFirst()
        }
        guard let part = parts.first else { return isSerial ? .ports(0x3f8) : nil }
        if part.hasPrefix("ttyS") {
            // of two, whatever the number
            return .ports(part == "ttyS1" ? 0x2f8 : 0x3f8)
        }
        guard isSerial else { return nil }
        return .ports(part.hasPrefix("0x") ? KernelNumber(part).value : 0x3f8)
    }

    private func ownsPorts(_ base: UInt64) -> Bool {
        (base..<base &+ 8).allSatisfy { port in
            cell.ioPortRegions.contains { port >= UInt64($0.base) && port - UInt64($0.base) < UInt64($0.count) }
        }
    }

    private func ownsMemory(_ address: UInt64) -> Bool {
        cell.memoryRegions.contains { region in
            region.flags.isSuperset(of: [.read, .write]) && address >= region.virtualStart
                && address - region.virtualStart < region.size
        }
    }

    // MARK: - The initrd

    var initrdFindings: [Finding] {
        guard let path = linux.initrd, let contents = files[path] else { return [] }
        // a disk in memory is no archive
        guard !words.contains(where: { $0.hasPrefix("root=/dev/ram") }), let problem = Initrd.problem(of: contents)
        else {
            return []
        }
        return [
            ImageRule.initrd.finding(
                at: location, "\(path): \(problem.message)", remedy: problem.remedy ?? ImageRule.initrd.remedy)
        ]
    }
}

/// A number on a kernel's command line (lib/vsprintf.c, `simple_strtoull` with base 0): what follows it does not count.
struct KernelNumber {
    let value: UInt64

    init(_ text: Substring) {
        var (digits, radix) = (text, UInt64(10))
        if text.lowercased().hasPrefix("0x") {
            (digits, radix) = (text.dropFirst(2), 16)
        } else if text.hasPrefix("0") {
            radix = 8
        }
        var value: UInt64 = 0
        for digit in digits {
            guard let number = digit.hexDigitValue, number < radix else { break }
            value = value &* radix &+ UInt64(number)
        }
        self.value = value
    }

    /// An address of 0 is none.
    var nonzero: UInt64? { value == 0 ? nil : value }
}
