// SPDX-License-Identifier: Apache-2.0

/// What a configuration file begins with: 8 bytes that tell what it is.
struct FileHeader: Hashable {
    enum Kind: Hashable {
        case cell, system
    }

    static let encodedSize = 8

    var kind: Kind
    var revision: FormatRevision
    /// Nil before revision 14, when there is another letter of the signature in its place.
    var architecture: Architecture?

    init(kind: Kind, revision: FormatRevision, architecture: Architecture) {
        self.init(kind, revision, revision.hasArchitecture ? architecture : nil)
    }

    private init(_ kind: Kind, _ revision: FormatRevision, _ architecture: Architecture?) {
        self.kind = kind
        self.revision = revision
        self.architecture = architecture
    }

    /// The signature until revision 13 has six letters, later ones have five.
    private static let signatures: [(kind: Kind, old: String, new: String)] = [
        (.cell, "JHCELL", "JHCLL"),
        (.system, "JHSYST", "JHSYS"),
    ]

    /// Which kind of configuration the bytes begin as, in any revision; nil: neither.
    static func kind(of bytes: [UInt8]) -> Kind? {
        signatures.first { bytes.starts(with: $0.new.utf8) || bytes.starts(with: $0.old.utf8) }?.kind
    }

    private static func hasOldSignature(_ bytes: [UInt8]) -> Bool {
        signatures.contains { bytes.starts(with: $0.old.utf8) }
    }

    /// - Throws: ``ConfigurationError`` `signature`, `revision` (which it names) or `architecture`.
    init(reading bytes: [UInt8], expecting expected: Kind) throws(ConfigurationError) {
        guard let kind = FileHeader.kind(of: bytes) else {
            if let foreign = ForeignFormat.find(signature: bytes) { throw foreign.error }
            throw ConfigurationError(
                .signature,
                bytes.isEmpty
                    ? "the file is empty" : "this is no Jailhouse configuration: it does not begin with its signature"
            )
        }
        guard kind == expected else {
            throw ConfigurationError(
                .signature,
                kind == .system
                    ? "this is a system configuration, not a cell's" : "this is a cell's configuration, not a system's"
            )
        }
        guard bytes.count >= FileHeader.encodedSize else {
            throw .tooShort(bytes.count, needed: FileHeader.encodedSize)
        }
        let number = UInt16(bytes[6]) | UInt16(bytes[7]) << 8
        guard let revision = FormatRevision(rawValue: number) else {
            if let foreign = ForeignFormat.find(revision: number, bytes, kind) { throw foreign.error }
            throw ConfigurationError(
                .revision,
                "this is a configuration of \(FormatRevision.name(of: number)); "
                    + "revisions \(FormatRevision.names) are understood"
            )
        }
        guard revision.hasArchitecture else {
            guard FileHeader.hasOldSignature(bytes) else {
                throw ConfigurationError(
                    .revision, "the file says revision \(number), but its signature is that of revision 14")
            }
            self.init(kind, revision, nil)
            return
        }
        guard let architecture = Architecture(rawValue: bytes[5]) else {
            throw ConfigurationError(
                .architecture, "architecture \(bytes[5]) is neither x86 (0), Arm (1) nor Arm64 (2)")
        }
        self.init(kind, revision, architecture)
    }

    var binary: [UInt8] {
        let signature = FileHeader.signatures.first { $0.kind == kind }.map { architecture == nil ? $0.old : $0.new }
        return Array((signature ?? "").utf8) + (architecture.map { [$0.rawValue] } ?? [])
            + [UInt8(truncatingIfNeeded: revision.rawValue), UInt8(revision.rawValue >> 8)]
    }
}

extension ConfigurationError {
    static func tooShort(_ count: Int, needed: Int) -> ConfigurationError {
        ConfigurationError(.length, "the file has \(count) bytes, but the counts in it need \(needed)")
    }

    /// - Parameter needed: the length that upstream's layout asks for by its counts; nil when these are impossible.
    static func unknownLayout(_ revision: FormatRevision, _ count: Int, needed: Int?) -> ConfigurationError {
        let revision = FormatRevision.name(of: revision.rawValue)
        let doubt =
            needed.map { "by its counts upstream's layout has \($0), and what stands there makes no sense" }
            ?? "in upstream's layout its counts are impossible"
        return ConfigurationError(
            .foreign,
            "its layout is not known: the file says \(revision) and has \(count) bytes, but \(doubt); write it in TOML, or "
                + "compile it with upstream's headers")
    }

    /// Nil when a file of `count` bytes has the length that it needs, or a few bytes more.
    static func wrongLength(_ count: Int, needed: Int) -> ConfigurationError? {
        if count < needed { return tooShort(count, needed: needed) }
        if count - needed <= CellDescriptor.surplusLimit { return nil }
        let extra = count - needed
        return ConfigurationError(
            .length,
            "\(extra) byte\(extra == 1 ? "" : "s") too many: the counts in the file need \(needed) bytes, it has \(count)"
        )
    }
}
