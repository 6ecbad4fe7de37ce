/// The revision of the binary format. Revision 13 has no architecture byte and a signature one letter longer.
public enum FormatRevision: UInt16, CaseIterable, Hashable, Sendable {
    case revision14 = 14

    /// The one that is written.
    public static let current = FormatRevision.revision14

    /// `revision 13 (Jailhouse v0.12 and earlier)`, for any number.
    static func name(of number: UInt16) -> String {
        switch number {
        case 14: "revision 14 (Jailhouse after v0.12)"
        case 13: "revision 13 (Jailhouse v0.12 and earlier)"
        case 10: "revision 10 (Jailhouse v0.11)"
        case 0..<13: "revision \(number) (older than Jailhouse v0.12)"
        default: "revision \(number)"
        }
    }
}

/// What a configuration file begins with: 8 bytes that tell what it is.
struct FileHeader: Hashable {
    enum Kind: Hashable {
        case cell, system
    }

    static let encodedSize = 8

    var kind: Kind
    var revision: FormatRevision
    var architecture: Architecture

    init(kind: Kind, architecture: Architecture, revision: FormatRevision = .current) {
        self.kind = kind
        self.architecture = architecture
        self.revision = revision
    }

    private static let signatures: [(kind: Kind, current: String, revision13: String)] = [
        (.cell, "JHCLL", "JHCELL"),
        (.system, "JHSYS", "JHSYST"),
    ]

    /// Which kind of configuration the bytes begin as, in any revision; nil: neither.
    static func kind(of bytes: [UInt8]) -> Kind? {
        signatures.first { bytes.starts(with: $0.current.utf8) || bytes.starts(with: $0.revision13.utf8) }?.kind
    }

    /// - Throws: ``ConfigurationError`` `signature`, `revision` (which it names) or `architecture`.
    init(reading bytes: [UInt8], expecting expected: Kind) throws(ConfigurationError) {
        guard let kind = FileHeader.kind(of: bytes) else {
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
            throw ConfigurationError(
                .revision,
                "this is a configuration of \(FormatRevision.name(of: number)); "
                    + "\(FormatRevision.name(of: FormatRevision.current.rawValue)) is needed here"
            )
        }
        guard let architecture = Architecture(rawValue: bytes[5]) else {
            throw ConfigurationError(
                .architecture, "architecture \(bytes[5]) is neither x86 (0), Arm (1) nor Arm64 (2)")
        }
        self.init(kind: kind, architecture: architecture, revision: revision)
    }

    var binary: [UInt8] {
        let signature = kind == .cell ? "JHCLL" : "JHSYS"
        return Array(signature.utf8) + [
            architecture.rawValue, UInt8(truncatingIfNeeded: revision.rawValue), UInt8(revision.rawValue >> 8),
        ]
    }
}

extension ConfigurationError {
    static func tooShort(_ count: Int, needed: Int) -> ConfigurationError {
        ConfigurationError(.length, "the file has \(count) bytes, but the counts in it need \(needed)")
    }

    /// Nil when a file of `count` bytes has exactly the length that it needs.
    static func wrongLength(_ count: Int, needed: Int) -> ConfigurationError? {
        if count < needed { return tooShort(count, needed: needed) }
        if count == needed { return nil }
        let extra = count - needed
        return ConfigurationError(
            .length,
            "\(extra) byte\(extra == 1 ? "" : "s") too many: the counts in the file need \(needed) bytes, it has \(count)"
        )
    }
}
