// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

// What configurations and Linux say of an address.

extension PCIDevice {
    /// Whether its table of MSI-X vectors is there: a page, or more.
    func hasVectorTable(at address: UInt64) -> Bool {
        guard msixVectors > 0, msixAddress > 0, kind != .sharedMemory else { return false }
        return address >= msixAddress && address - msixAddress < max(UInt64(msixRegionSize), 16 * UInt64(msixVectors))
    }
}

extension MemoryRegion {
    func contains(_ address: UInt64) -> Bool { address >= virtualStart && address - virtualStart < size }

    func containsPhysical(_ address: UInt64) -> Bool {
        !flags.contains(.communicationRegion) && address >= physicalStart && address - physicalStart < size
    }

    var isSubPage: Bool { size > 0 && (virtualStart | size) & 0xfff != 0 }

    var isRAM: Bool { flags.isSuperset(of: [.read, .write, .execute]) && !flags.contains(.io) }

    /// In bytes, to its nearest end: 0 right behind its last byte.
    func distance(to address: UInt64) -> UInt64 {
        address < virtualStart
            ? virtualStart - address : address - virtualStart < size ? 0 : address - virtualStart - size
    }

    /// The key with more rights, to replace the region's own.
    func access(with more: [String]) -> String {
        let words = flags.words + more.filter { !flags.words.contains($0) }
        return "access = [\(words.map { "\"\($0)\"" }.joined(separator: ", "))]    # of \"\(label)\""
    }

    var rangeText: String {
        size == 0 ? "empty" : "0x\(hex(virtualStart))–0x\(hex(virtualStart &+ (size - 1)))"
    }
}

extension MemoryRegion.Flags {
    /// As a definition's `access` has them.
    var words: [String] {
        let all: [(MemoryRegion.Flags, String)] = [
            (.read, "read"), (.write, "write"), (.execute, "execute"), (.dma, "dma"), (.io, "io"),
            (.communicationRegion, "communication-region"), (.loadable, "loadable"), (.rootShared, "root-shared"),
            (.noHugePages, "no-huge-pages"), (.ioUnaligned, "io-unaligned"), (.io8, "io-8"), (.io16, "io-16"),
            (.io32, "io-32"), (.io64, "io-64"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension RunningMachine.Resource {
    /// Registers of a device, by its name in `/proc/iomem`: not memory, not a mere window of a bus.
    var isDevice: Bool {
        let others = [
            "PCI Bus", "PCI ECAM", "Reserved", "reserved", "System R", "Kernel ", "ACPI ", "Video ", "Adapter ",
        ]
        return !others.contains(where: name.hasPrefix) && last - first < 0x1000_0000
    }
}
