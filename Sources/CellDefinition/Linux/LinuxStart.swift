// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import InmateImage

/// With what a Linux kernel is entered: the keys beside `start = "linux"` of an `[[image]]`.
package struct LinuxStart: Hashable, Sendable {
    /// The word in the key `start`.
    static let word = "linux"
    /// The serial ports that Linux knows, ttyS0 first: their ports, and the interrupt controller's pin.
    static let serialPorts: [(base: UInt16, pin: Int)] = [(0x3f8, 4), (0x2f8, 3), (0x3e8, 4), (0x2e8, 3)]
    /// The interrupt controller of a PC.
    static let ioAPIC: UInt64 = 0xfec0_0000
    /// Where `make install` and the packages have the loader; beside this program's `bin`.
    package static let defaultLoader = "/usr/lib/jailhoused/linux-loader.bin"

    /// As the daemon sees it; nil for none.
    package var initrd: String?
    package var commandLine: String
    /// x86: `linux-loader.bin`; nil on Arm64, where a few instructions of ours do it.
    package var loader: String?
    /// Arm64: the user's own device tree (`.dtb`); nil: it is made of the configurations.
    package var deviceTree: String?
    /// Arm64: what is applied to the tree (`.dtbo`), in this order.
    package var overlays: [String] = []
    /// Arm64: how the device tree names the cell's CPUs, in ascending order of their numbers; nil: as most machines do.
    package var affinities: [UInt64]?
    /// Arm64: the interrupt of the console's serial port, as the interrupt controller numbers it, 32 at least; nil: the
    /// one that the cell has besides those of virtual PCI.
    package var serialInterrupt: UInt32?
    /// Arm64: of the serial port, in Hz.
    package var serialClock = LinuxStart.standardClock

    /// Of the PL011 in QEMU's machine, and on many boards.
    static let standardClock: UInt32 = 24_000_000

    package init(initrd: String? = nil, commandLine: String = "", loader: String? = nil) {
        self.initrd = initrd
        self.commandLine = commandLine
        self.loader = loader
    }

    /// All files besides the kernel that are read for a load.
    var files: [String] { [initrd, loader, deviceTree].compactMap(\.self) + overlays }
}

extension LinuxStart {
    /// Of a table `[[image]]`; nil when another program is in it.
    ///
    /// - Parameter path: the definition's file, to which the paths are relative.
    init?(_ table: SourceTable, _ path: String) throws(ConfigurationError) {
        let word = try table.value("start")?.word(of: LinuxStart.words)
        guard word == LinuxStart.word else {
            for key in ["initrd", "loader"] + Self.keysOfArm {
                if let value = table.value(key) {
                    throw value.error(.conflict, "only a Linux kernel has this: it needs start = \"linux\"")
                }
            }
            return nil
        }
        func file(_ key: String) throws(ConfigurationError) -> String? {
            guard let value = table.value(key) else { return nil }
            let name = try value.string()
            guard !name.isEmpty else { throw value.error(.invalidValue, "this must be the path of a file") }
            return FilePath.resolve(name, besides: path)
        }
        let initrd = try file("initrd")
        let tree = try file("device-tree")
        var overlays: [String] = []
        for value in try table.value("overlays")?.list() ?? [] {
            overlays.append(FilePath.resolve(try value.string(), besides: path))
        }
        let loader = try file("loader")
        let line = try table.value("command-line")?.string() ?? ""
        if line.utf8.contains(0), let value = table.value("command-line") {
            throw value.error(.invalidValue, "a NUL ends a command line")
        }
        for key in [
            "address", "stack-pointer", "command-line-address", "communication-region-layout", "work-area", "kind",
        ] {
            if let value = table.value(key) {
                throw value.error(.conflict, "a Linux kernel does not need it: remove it")
            }
        }
        self.init(initrd: initrd, commandLine: line, loader: loader)
        self.overlays = overlays
        deviceTree = tree
        if let value = table.value("affinities") {
            affinities = []
            for number in try value.list() { affinities?.append(try number.number()) }
        }
        serialInterrupt = try table.value("serial-interrupt")?.number(in: 32...1019)
        serialClock = try table.value("serial-clock")?.number(in: 1...UInt32.max) ?? Self.standardClock
    }

    private static let keysOfArm = ["device-tree", "overlays", "affinities", "serial-interrupt", "serial-clock"]

    /// The same for a processor: without what it does not need.
    ///
    /// - Parameter line: of a key of its `[[image]]`; nil when it is not there.
    func fitted(
        to cell: CellDescriptor, at location: String, line: (String) -> Int?
    ) throws(ConfigurationError) -> LinuxStart {
        var start = self
        let isX86 = cell.architecture == .x86
        for key in isX86 ? Self.keysOfArm : ["loader"] {
            guard let line = line("\(location).\(key)") else { continue }
            throw ConfigurationError(
                .conflict, isX86 ? "only Linux on Arm64 has a device tree" : "Linux on Arm64 needs no loader",
                line: line, keyPath: "\(location).\(key)")
        }
        if isX86 { start.loader = loader ?? Self.defaultLoader }
        if let affinities, affinities.count != cell.cpus.members.count {
            throw ConfigurationError(
                .invalidValue, "it has \(affinities.count) numbers, but the cell \(cell.cpus.members.count) CPUs",
                line: line(location + ".affinities"), keyPath: location + ".affinities")
        }
        return start
    }

    static var words: [String] { ProgramStart.Mode.allCases.map(\.rawValue) + [word] }
}

extension CellDescriptor {
    /// What Linux must know of the cell.
    var linuxCell: LinuxBoot.Cell {
        let own = memoryRegions.filter {
            $0.flags.isSuperset(of: [.read, .write, .execute])
                && $0.flags.isDisjoint(with: [.communicationRegion, .io, .rootShared])
        }
        let ram = own.filter { $0.flags.contains(.dma) }
        var serialPorts: UInt32 = 0
        for (bit, port) in LinuxStart.serialPorts.enumerated() {
            // Linux takes a UART for its own only with all of its registers
            guard ioPortRegions.contains(where: { $0.base == port.base && $0.count == 8 }) else { continue }
            serialPorts |= 1 << UInt32(bit)
        }
        return LinuxBoot.Cell(
            resetAddress: cpuResetAddress, memory: ram.map(\.cellRegion),
            loadable: ram.filter { $0.flags.contains(.loadable) }.map(\.cellRegion),
            communicationRegion: communicationRegion?.cellRegion, serialPorts: serialPorts,
            hasStandardIOAPIC: interruptChips.contains { $0.address == LinuxStart.ioAPIC },
            withoutDMA: own.filter { $0.flags.contains(.loadable) && !$0.flags.contains(.dma) }.map(\.cellRegion))
    }
}
