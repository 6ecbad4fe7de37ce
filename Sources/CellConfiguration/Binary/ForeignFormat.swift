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

    /// The first whose own counts give the file's length.
    static func find(cell bytes: [UInt8], _ revision: UInt16) -> ForeignFormat? {
        all.first { $0.revision == revision && $0.cellSize != nil && $0.fits(bytes, at: 0) }
    }

    static func find(system bytes: [UInt8], _ revision: UInt16) -> ForeignFormat? {
        all.first { format in
            guard format.revision == revision, let root = format.rootOffset else { return false }
            return FormatDetection.isRootCell(bytes, at: root) && format.fits(bytes, at: root)
        }
    }

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
