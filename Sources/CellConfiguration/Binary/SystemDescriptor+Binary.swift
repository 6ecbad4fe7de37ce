// SPDX-License-Identifier: Apache-2.0

extension SystemDescriptor {
    /// Bytes before the root cell's descriptor.
    static let rootCellOffset = 356

    /// Bytes before the root cell's lists.
    package static let fixedSize = rootCellOffset + CellDescriptor.fixedSize

    /// From a system configuration file.
    ///
    /// - Parameters:
    ///   - binary: the whole file; it must be exactly as long as its counts need.
    ///   - assumed: as in ``CellDescriptor/init(binary:assuming:)``.
    package init(binary: [UInt8], assuming assumed: Architecture? = nil) throws(ConfigurationError) {
        let length = try SystemDescriptor.encodedLength(header: binary)
        if let error = ConfigurationError.wrongLength(binary.count, needed: length) { throw error }
        let header = try FileHeader(reading: binary, expecting: .system)
        let known = header.architecture ?? assumed
        let architecture = if let known { known } else { try SystemDescriptor.typicalArchitecture(of: binary) }
        try self.init(binary: binary, architecture: architecture, revision: header.revision)
    }

    init(
        binary: [UInt8], architecture: Architecture, revision: FormatRevision
    ) throws(ConfigurationError) {
        self.init(
            architecture: architecture,
            platform: Platform(specific: Platform.Specific(for: architecture)),
            rootCell: CellDescriptor(name: ""), revision: revision
        )
        var coder = RecordCoder(reading: binary, at: FileHeader.encodedSize)
        try code(&coder)
    }

    /// The contents of a system configuration file.
    ///
    /// - Parameter revision: of the format; nil: the descriptor's own.
    /// - Throws: ``ConfigurationError`` `outOfRange` as ``CellDescriptor/binary(revision:)``, `conflict` when the
    ///   platform's specific part is another architecture's.
    package func binary(revision: FormatRevision? = nil) throws(ConfigurationError) -> [UInt8] {
        guard platform.specific.fits(architecture) else {
            throw ConfigurationError(.conflict, "the specific part of the platform is not for \(architecture.name)")
        }
        var coder = RecordCoder()
        var copy = self
        try copy.code(&coder)
        let header = FileHeader(kind: .system, revision: revision ?? self.revision, architecture: architecture)
        return header.binary + coder.bytes
    }

    /// How long the file must be, by the counts in its first ``fixedSize`` bytes. More bytes are ignored.
    ///
    /// - Throws: as ``CellDescriptor/encodedLength(header:)``.
    package static func encodedLength(header: [UInt8]) throws(ConfigurationError) -> Int {
        _ = try FileHeader(reading: header, expecting: .system)
        return rootCellOffset + (try CellDescriptor.encodedLength(of: header, at: rootCellOffset))
    }

    private mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&flags.rawValue)  // 8
        try hypervisorMemory.code(&coder)  // 12
        try debugConsole.code(&coder)  // 44
        try platform.code(&coder)  // 76
        try coder.padded(&rootCellHeader, width: FileHeader.encodedSize)  // 356
        try rootCell.code(&coder)  // 364
    }
}
