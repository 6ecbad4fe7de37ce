// SPDX-License-Identifier: Apache-2.0

extension SystemDescriptor {
    /// Bytes before the root cell's lists, in the longest layout.
    package static let fixedSize = 356 + CellDescriptor.fixedSize

    /// From a system configuration file.
    ///
    /// - Parameters:
    ///   - binary: the whole file; it must be as long as its counts need. A few bytes more are kept.
    ///   - assumed: as in ``CellDescriptor/init(binary:assuming:)``.
    package init(binary: [UInt8], assuming assumed: Architecture? = nil) throws(ConfigurationError) {
        let header = try FileHeader(reading: binary, expecting: .system)
        let format = try FormatDetection.format(ofSystem: binary, header.revision)
        let known = header.architecture ?? assumed
        let architecture =
            if let known { known } else { try SystemDescriptor.typicalArchitecture(of: binary, format) }
        try self.init(binary: binary, architecture: architecture, format: format)
        rootCell.isArchitectureGuessed = known == nil
    }

    init(
        binary: [UInt8], architecture: Architecture, format: FormatVariant
    ) throws(ConfigurationError) {
        self.init(
            architecture: architecture,
            platform: Platform(specific: Platform.Specific(for: architecture)),
            rootCell: CellDescriptor(name: ""), revision: format.revision
        )
        self.format = format
        rootCell.format = format
        var coder = RecordCoder(reading: binary, at: FileHeader.encodedSize, as: format)
        try code(&coder)
    }

    /// The contents of a system configuration file.
    ///
    /// - Parameter revision: of the format; nil: the descriptor's own.
    /// - Throws: as ``binary(as:)``.
    package func binary(revision: FormatRevision? = nil) throws(ConfigurationError) -> [UInt8] {
        try binary(as: revision.flatMap { $0 == self.revision ? nil : $0.standard } ?? format)
    }

    /// The contents of a system configuration file in one layout.
    ///
    /// - Throws: ``ConfigurationError`` as ``CellDescriptor/binary(as:)``, `conflict` when the platform's specific part is
    ///   another architecture's.
    package func binary(as format: FormatVariant) throws(ConfigurationError) -> [UInt8] {
        guard platform.specific.fits(architecture) else {
            throw ConfigurationError(.conflict, "the specific part of the platform is not for \(architecture.name)")
        }
        if format != self.format { try checkExpressible(in: format) }
        try rootCell.checkRecognisable(in: format)
        var coder = RecordCoder(writing: format)
        var copy = self
        try copy.code(&coder)
        let header = FileHeader(kind: .system, revision: format.revision, architecture: architecture)
        return header.binary + coder.bytes
    }

    /// How long the file must be, by the counts in its first ``fixedSize`` bytes. More bytes are ignored.
    ///
    /// - Parameter format: the layout that its reader expects; nil: the standard one of the file's revision.
    /// - Throws: as ``CellDescriptor/encodedLength(header:)``.
    package static func encodedLength(
        header: [UInt8], as format: FormatVariant? = nil
    ) throws(ConfigurationError) -> Int {
        let revision = try FileHeader(reading: header, expecting: .system).revision
        return try FormatDetection.length(ofSystem: header, format ?? revision.standard)
    }

    /// How long a driver that was built for `format` takes the file to be; nil for a file of another revision.
    package static func encodedLength(
        header: [UInt8], asReadBy format: FormatVariant
    ) throws(ConfigurationError) -> Int? {
        let revision = try FileHeader(reading: header, expecting: .system).revision
        return revision == format.revision ? try FormatDetection.length(ofSystem: header, format) : nil
    }

    /// How long the file must be, in the layout that fits its own length best.
    ///
    /// - Throws: as ``init(binary:assuming:)``.
    package static func encodedLength(file: [UInt8]) throws(ConfigurationError) -> Int {
        let revision = try FileHeader(reading: file, expecting: .system).revision
        return try FormatDetection.length(ofSystem: file, FormatDetection.format(ofSystem: file, revision))
    }

    private mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&flags.rawValue)  // 8
        try hypervisorMemory.code(&coder)  // 12
        try debugConsole.code(&coder)  // 44
        try platform.code(&coder, architecture)  // 76
        try coder.padded(&rootCellHeader, width: FileHeader.encodedSize)  // 356
        try rootCell.code(&coder)  // 364
    }
}
