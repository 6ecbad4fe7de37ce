// SPDX-License-Identifier: Apache-2.0

/// A layout of a fork of Jailhouse, or of another hypervisor with Jailhouse's files. None of them is read: each is
/// recognised by its lengths, so that its file is refused by its name and not misread.
struct ForeignFormat: Sendable {
    /// A count in a cell's descriptor, and the size of what it counts in bytes.
    struct List: Sendable {
        var offset: Int
        var size: Int
    }

    var name: String
    var revision: UInt16
    /// Of a cell's descriptor; a file of such a cell cannot be distinguished from upstream's when this is nil.
    var cellSize: Int?
    /// Of the root cell's descriptor in a system; nil: systems are not known.
    var rootOffset: Int?
    var rootSize: Int
    var lists: [List]
    /// Of the cell's console in its descriptor.
    var console: Int

    var error: ConfigurationError { ForeignFormat.error(name, revision: revision) }

    static func error(_ name: String, revision: UInt16?) -> ConfigurationError {
        let number = revision.map { ", which says revision \($0)" } ?? ""
        return ConfigurationError(
            .foreign, "this is a configuration in the format of \(name)\(number); only upstream's are understood")
    }

    /// One whose own counts give the file's length. Of several, the first whose memory regions make sense.
    static func find(cell bytes: [UInt8], _ revision: UInt16) -> ForeignFormat? {
        choice(all.filter { $0.revision == revision && $0.cellSize != nil && $0.fits(bytes, at: 0) }, bytes) { _ in 0 }
    }

    static func find(system bytes: [UInt8], _ revision: UInt16) -> ForeignFormat? {
        let fitting = all.filter { format in
            guard format.revision == revision, let root = format.rootOffset else { return false }
            return FormatDetection.isRootCell(bytes, at: root) && format.fits(bytes, at: root)
        }
        return choice(fitting, bytes) { $0.rootOffset ?? 0 }
    }

    private static func choice(
        _ fitting: [ForeignFormat], _ bytes: [UInt8], offset: (ForeignFormat) -> Int
    ) -> ForeignFormat? {
        fitting.first { $0.hasSensibleMemory(bytes, at: offset($0)) } ?? fitting.first
    }

    /// Whether it fits a file that upstream's layout fits but for a number of bytes, and is the better reading of it.
    func explains(cell bytes: [UInt8]) -> Bool { hasSensibleMemory(bytes, at: 0) }

    func explains(system bytes: [UInt8]) -> Bool { hasSensibleMemory(bytes, at: rootOffset ?? 0) }

    /// One with a revision that upstream never had, or has no more.
    static func find(revision: UInt16, _ bytes: [UInt8], _ kind: FileHeader.Kind) -> ForeignFormat? {
        kind == .cell ? find(cell: bytes, revision) : find(system: bytes, revision)
    }

    private func fits(_ bytes: [UInt8], at offset: Int) -> Bool {
        let size = offset == 0 ? cellSize ?? rootSize : rootSize
        guard bytes.count >= offset + size else { return false }
        let length = lists.reduce(offset + size) { $0 + Int(bytes.number32(at: offset + $1.offset)) * $1.size }
        return length == bytes.count && hasSensibleConsole(bytes, at: offset + console)
    }

    /// Whether no region has access that no hypervisor knows, which numbers in the wrong places soon do.
    private func hasSensibleMemory(_ bytes: [UInt8], at offset: Int) -> Bool {
        // two sets of other processors may come before it
        guard let index = lists.firstIndex(where: { $0.size >= Self.memorySize }) else { return false }
        var start = offset + (cellSize ?? rootSize)
        for list in lists[..<index] { start += Int(bytes.number32(at: offset + list.offset)) * list.size }
        let count = Int(bytes.number32(at: offset + lists[index].offset))
        let flags = (0..<count).map { number in
            let place = start + number * lists[index].size + Self.flagsOffset
            return (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
        }
        return flags.allSatisfy { $0 & ~(MemoryRegion.Flags.known.rawValue | Self.colored) == 0 }
    }

    private static let memorySize = 32
    /// Of a memory region; forks append what they add.
    private static let flagsOffset = 24
    /// A bit of a memory region's flags in all cache-coloring branches.
    static let colored: UInt64 = 0x200
    /// Of revision 13, whose cells have the same layout as upstream's.
    static let coloringName = "the cache-coloring branch"

    /// Lengths fit by chance now and then.
    private func hasSensibleConsole(_ bytes: [UInt8], at offset: Int) -> Bool {
        let kind = UInt16(bytes[offset + 12]) | UInt16(bytes[offset + 13]) << 8
        let hasAddress = bytes[offset..<offset + 8].contains { $0 != 0 }
        return kind <= 11 && (kind != 0 || !hasAddress)
    }
}

extension ForeignFormat {
    /// Another hypervisor whose files begin as Jailhouse's do, with letters of its own.
    struct Stranger {
        var name: String

        var error: ConfigurationError { ForeignFormat.error(name, revision: nil) }
    }

    static func find(signature bytes: [UInt8]) -> Stranger? {
        strangers.first { stranger in stranger.signatures.contains { bytes.starts(with: $0.utf8) } }
            .map { Stranger(name: $0.name) }
    }

    private static let strangers: [(name: String, signatures: [String])] = [
        ("Jailhouse before release v0.6 (2015 and 2016)", ["JAILCELL", "JAILSYST"]),
        ("RVM1.5", ["RCMCL", "RVMSY", "RVMCEL", "RVMSYS"]),
        ("ArceOS's hypervisor", ["AOSCE", "ACESY", "ARCEOS"]),
        ("EVM", ["EVMCEL", "EVMSYS"]),
    ]
}

extension [UInt8] {
    fileprivate func number32(at offset: Int) -> UInt32 {
        self[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
