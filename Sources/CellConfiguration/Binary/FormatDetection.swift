// SPDX-License-Identifier: Apache-2.0

/// Which layout of its revision a file has: the one whose own counts give the file's length exactly.
enum FormatDetection {
    /// Upstream's own boards have one PCI device that they do not count.
    private static let knownSurplus = 56

    /// - Throws: ``ConfigurationError`` `foreign` for a fork's layout, `length` when none fits.
    static func format(ofCell bytes: [UInt8], _ revision: FormatRevision) throws(ConfigurationError) -> FormatVariant {
        // the layouts of one revision have the same size; they differ in ivshmem devices
        let format = revision.standard
        let surplus = (try? CellDescriptor.encodedLength(of: bytes, at: 0, as: format)).map { bytes.count - $0 }
        if surplus != 0 && surplus != knownSurplus, let foreign = ForeignFormat.find(cell: bytes, revision.rawValue) {
            throw foreign.error
        }
        let length = try CellDescriptor.encodedLength(of: bytes, at: 0, as: format)
        if let error = ConfigurationError.wrongLength(bytes.count, needed: length) { throw error }
        return revision == .revision12 && hasOldLinks(bytes, at: 0, format) ? .r12a : format
    }

    /// - Throws: ``ConfigurationError`` `foreign` for a fork's layout, `length` when none fits.
    static func format(
        ofSystem bytes: [UInt8], _ revision: FormatRevision
    ) throws(ConfigurationError) -> FormatVariant {
        var layouts: [(format: FormatVariant, surplus: Int)] = []
        for format in revision.variants where !layouts.contains(where: { $0.format.hasSamePlaces(as: format) }) {
            guard let length = try? length(ofSystem: bytes, format) else { continue }
            layouts.append((format, bytes.count - length))
        }
        let fitting = layouts.filter { $0.surplus == 0 }
        let exact = fitting.first { isRootCell(bytes, at: $0.format.rootOffset) } ?? fitting.first
        if let exact { return exact.format.refined(for: bytes) }
        let longer = layouts.filter {
            (1...CellDescriptor.surplusLimit).contains($0.surplus)
                && (layouts.count == 1 || isRootCell(bytes, at: $0.format.rootOffset))
        }
        let known = longer.first { $0.surplus == knownSurplus }
        if known == nil, let foreign = ForeignFormat.find(system: bytes, revision.rawValue) { throw foreign.error }
        if let found = known ?? longer.min(by: { $0.surplus < $1.surplus }) { return found.format.refined(for: bytes) }
        let needed = try length(ofSystem: bytes, revision.standard)
        throw ConfigurationError.wrongLength(bytes.count, needed: needed) ?? .tooShort(bytes.count, needed: needed)
    }

    /// How long a system must be in one layout, by its counts.
    static func length(ofSystem bytes: [UInt8], _ format: FormatVariant) throws(ConfigurationError) -> Int {
        format.rootOffset + (try CellDescriptor.encodedLength(of: bytes, at: format.rootOffset, as: format))
    }

    /// A root cell's descriptor has no header of its own, and a name.
    static func isRootCell(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard bytes.count > offset + FileHeader.encodedSize else { return false }
        return bytes[offset..<offset + FileHeader.encodedSize].allSatisfy { $0 == 0 }
            && (0x21...0x7e).contains(bytes[offset + FileHeader.encodedSize])
    }

    /// Whether a cell has ivshmem devices of v0.11, whose first window has 256 bytes.
    fileprivate static func hasOldLinks(_ bytes: [UInt8], at offset: Int, _ format: FormatVariant) -> Bool {
        var cell = CellDescriptor(name: "")
        var coder = RecordCoder(reading: bytes, at: offset + FileHeader.encodedSize, as: format)
        guard (try? cell.code(&coder)) != nil else { return false }
        return cell.pciDevices.contains { $0.kind == .sharedMemory && $0.barMasks.first == 0xffff_ff00 }
    }
}

extension FormatVariant {
    /// Of the layouts with the same places, the one that the contents show.
    fileprivate func refined(for bytes: [UInt8]) -> FormatVariant {
        switch self {
        case .r12a, .r12b: FormatDetection.hasOldLinks(bytes, at: rootOffset, self) ? .r12a : .r12b
        default: self
        }
    }
}
