// SPDX-License-Identifier: Apache-2.0

/// An entry of the memory map that an x86 kernel gets (`struct boot_e820_entry`, arch/x86/include/uapi/asm/bootparam.h).
package struct MemoryMapEntry: Hashable, Sendable {
    package enum Kind: UInt64, Hashable, Sendable {
        case ram = 1
        case reserved = 2
    }

    package var start: UInt64
    /// In bytes.
    package var size: UInt64
    package var kind: Kind
}

/// What an x86 kernel is told by its loader (Documentation/arch/x86/zero-page.rst).
struct ZeroPage {
    var image: BzImage
    var commandLine: UInt64
    var initrd: UInt64
    var initrdSize: UInt64
    var setupData: UInt64
    var memory: [MemoryMapEntry]

    static let size = 0x1000
    static let mostEntries = 128
    /// No number is assigned to this loader.
    private static let undefinedLoader: UInt64 = 0xff

    private enum Offset {
        static let entryCount = 0x1e8
        static let header = 0x1f1
        static let loader = 0x210
        static let initrd = 0x218
        static let initrdSize = 0x21c
        static let commandLine = 0x228
        static let setupData = 0x250
        static let entries = 0x2d0
        static let entrySize = 20
    }

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.size)
        bytes.replaceSubrange(Offset.header..<Offset.header + image.header.count, with: image.header)
        bytes.store(Self.undefinedLoader, at: Offset.loader, 1)
        bytes.store(initrd, at: Offset.initrd, 4)
        bytes.store(initrdSize, at: Offset.initrdSize, 4)
        bytes.store(commandLine, at: Offset.commandLine, 4)
        bytes.store(setupData, at: Offset.setupData, 8)
        let entries = memory.prefix(Self.mostEntries)
        bytes.store(UInt64(entries.count), at: Offset.entryCount, 1)
        for (index, entry) in entries.enumerated() {
            let offset = Offset.entries + index * Offset.entrySize
            bytes.store(entry.start, at: offset, 8)
            bytes.store(entry.size, at: offset + 8, 8)
            bytes.store(entry.kind.rawValue, at: offset + 16, 4)
        }
        return bytes
    }
}

/// The node `SETUP_JAILHOUSE` of the setup data, version 2. The loader fills in the rest (`inmates/linux/loader.swift`).
struct SetupData {
    var hasStandardIOAPIC: Bool
    var serialPorts: UInt32

    static let size = 300
    private static let type: UInt64 = 6
    private static let headerSize = 16

    private enum Offset {
        static let type = 8
        static let length = 12
        static let version = 16
        static let compatibleVersion = 18
        static let hasStandardIOAPIC = 40
        static let flags = 296
    }

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.size)
        bytes.store(Self.type, at: Offset.type, 4)
        bytes.store(UInt64(Self.size - Self.headerSize), at: Offset.length, 4)
        bytes.store(2, at: Offset.version, 2)
        bytes.store(1, at: Offset.compatibleVersion, 2)
        bytes.store(hasStandardIOAPIC ? 1 : 0, at: Offset.hasStandardIOAPIC, 1)
        bytes.store(UInt64(serialPorts), at: Offset.flags, 4)
        return bytes
    }
}

/// The fields at the beginning of `linux-loader.bin` that whoever loads it fills in.
enum LoaderField {
    static let region = 0x08
    static let zeroPage = 0x10
    static let setupData = 0x18
    static let entry = 0x20
    static let end = 0x28
}

/// Loader, zero page, setup data and command line as one piece; the loader has pages of its own.
struct Block {
    let address: UInt64
    let zeroPage: UInt64

    private static let pageSize = 0x1000
    private static func pages(_ size: Int) -> Int { (size + pageSize - 1) / pageSize * pageSize }

    init(address: UInt64, loaderSize: Int) {
        self.address = address
        zeroPage = address + UInt64(Self.pages(loaderSize))
    }

    var setupData: UInt64 { zeroPage + UInt64(ZeroPage.size) }
    var commandLine: UInt64 { setupData + UInt64(Self.setupDataRoom) }
    /// Aligned for what comes behind it.
    private static let setupDataRoom = 304

    static func size(loader: [UInt8], _ commandLine: String) -> UInt64 {
        UInt64(pages(loader.count) + ZeroPage.size + setupDataRoom + commandLine.utf8.count + 1)
    }

    func contents(
        loader: [UInt8], zeroPage: [UInt8], node: [UInt8], commandLine: String, region: UInt64, entry: UInt64
    ) -> [UInt8] {
        var bytes = loader
        bytes.store(region, at: LoaderField.region, 8)
        bytes.store(self.zeroPage, at: LoaderField.zeroPage, 8)
        bytes.store(setupData, at: LoaderField.setupData, 8)
        bytes.store(entry, at: LoaderField.entry, 8)
        bytes += [UInt8](repeating: 0, count: Int(self.zeroPage - address) - loader.count)
        bytes += zeroPage + node
        bytes += [UInt8](repeating: 0, count: Self.setupDataRoom - node.count)
        return bytes + Array(commandLine.utf8) + [0]
    }
}
