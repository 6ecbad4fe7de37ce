// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import InmateImage

/// With what a Linux kernel is entered: the keys beside `start = "linux"` of an `[[image]]`.
package struct LinuxStart: Hashable, Sendable {
    /// The word in the key `start`.
    static let word = "linux"
    /// Where `make install` and the packages have the loader; beside this program's `bin`.
    package static let defaultLoader = "/usr/lib/jailhoused/linux-loader.bin"

    /// As the daemon sees it; nil for none.
    package var initrd: String?
    package var commandLine: String
    /// `linux-loader.bin`.
    package var loader: String

    package init(initrd: String? = nil, commandLine: String = "", loader: String = LinuxStart.defaultLoader) {
        self.initrd = initrd
        self.commandLine = commandLine
        self.loader = loader
    }
}

extension LinuxStart {
    /// Of a table `[[image]]`; nil when another program is in it.
    ///
    /// - Parameter path: the definition's file, to which the paths are relative.
    init?(_ table: SourceTable, _ path: String) throws(ConfigurationError) {
        let word = try table.value("start")?.word(of: LinuxStart.words)
        guard word == LinuxStart.word else {
            for key in ["initrd", "loader"] {
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
        self.init(initrd: initrd, commandLine: line, loader: loader ?? LinuxStart.defaultLoader)
    }

    static var words: [String] { ProgramStart.Mode.allCases.map(\.rawValue) + [word] }
}

extension CellDescriptor {
    /// What Linux must know of the cell.
    var linuxCell: LinuxBoot.Cell {
        let ram = memoryRegions.filter {
            $0.flags.isSuperset(of: [.read, .write, .execute, .dma])
                && $0.flags.isDisjoint(with: [.communicationRegion, .io, .rootShared])
        }
        var serialPorts: UInt32 = 0
        for (bit, base) in [0x3f8, 0x2f8, 0x3e8, 0x2e8].enumerated() {
            // Linux takes a UART for its own only with all of its registers
            guard ioPortRegions.contains(where: { Int($0.base) == base && $0.count == 8 }) else { continue }
            serialPorts |= 1 << UInt32(bit)
        }
        return LinuxBoot.Cell(
            resetAddress: cpuResetAddress, memory: ram.map(\.cellRegion),
            loadable: ram.filter { $0.flags.contains(.loadable) }.map(\.cellRegion),
            communicationRegion: communicationRegion?.cellRegion, serialPorts: serialPorts,
            hasStandardIOAPIC: interruptChips.contains { $0.address == 0xfec0_0000 })
    }
}
