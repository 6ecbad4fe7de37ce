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
        if surplus != 0, let foreign = ForeignFormat.find(cell: bytes, revision.rawValue),
            surplus != knownSurplus || !isSensible(bytes, at: 0, format) && foreign.explains(cell: bytes)
        {
            throw foreign.error
        }
        let length = try CellDescriptor.encodedLength(of: bytes, at: 0, as: format)
        if let error = ConfigurationError.wrongLength(bytes.count, needed: length) { throw error }
        try refuseColors(in: bytes, at: 0, format)
        guard bytes.count == length || isSensible(bytes, at: 0, format) else {
            throw .unknownLayout(revision, bytes.count, needed: length)
        }
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
        if let exact {
            try refuseColors(in: bytes, at: exact.format.rootOffset, exact.format)
            return exact.format.refined(for: bytes)
        }
        let longer = layouts.filter {
            (1...CellDescriptor.surplusLimit).contains($0.surplus) && isRootCell(bytes, at: $0.format.rootOffset)
        }
        let known = longer.first { $0.surplus == knownSurplus }
        if let foreign = ForeignFormat.find(system: bytes, revision.rawValue) {
            let isUpstreams = known.map { isSensible(bytes, at: $0.format.rootOffset, $0.format) } ?? false
            guard isUpstreams || known != nil && !foreign.explains(system: bytes) else { throw foreign.error }
        }
        if let found = known ?? longer.min(by: { $0.surplus < $1.surplus }) {
            try refuseColors(in: bytes, at: found.format.rootOffset, found.format)
            guard isSensible(bytes, at: found.format.rootOffset, found.format),
                hasSensibleMachine(bytes, revision, found.format)
            else {
                throw .unknownLayout(revision, bytes.count, needed: bytes.count - found.surplus)
            }
            return found.format.refined(for: bytes)
        }
        guard
            bytes.count < revision.standard.rootOffset + revision.standard.cellSize
                || revision.variants.contains(where: { isRootCell(bytes, at: $0.rootOffset) })
        else {
            throw .unknownLayout(revision, bytes.count, needed: try? length(ofSystem: bytes, revision.standard))
        }
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

    /// A cell of the branch that gives cells parts of the cache by the color of their memory is told from upstream's by one
    /// bit alone; a hypervisor without colors would give it memory that it must not have.
    private static func refuseColors(
        in bytes: [UInt8], at offset: Int, _ format: FormatVariant
    ) throws(ConfigurationError) {
        guard format.revision == .revision13,
            memory(of: bytes, at: offset, format).contains(where: \.isColored)
        else { return }
        throw ForeignFormat.error(ForeignFormat.coloringName, revision: format.revision.rawValue)
    }

    /// Whether the contents make sense as upstream's: of a file that is longer than its counts ask for, either the end is of
    /// no account, or it was read in the wrong places.
    private static func isSensible(_ bytes: [UInt8], at offset: Int, _ format: FormatVariant) -> Bool {
        guard let cell = cell(of: bytes, at: offset, format) else { return false }
        return !cell.cpus.isEmpty && !cell.isStrange
    }

    /// As ``isSensible(_:at:_:)``, of what comes before the root cell.
    private static func hasSensibleMachine(_ bytes: [UInt8], _ revision: FormatRevision, _ format: FormatVariant)
        -> Bool
    {
        let known = revision.hasArchitecture ? Architecture(rawValue: bytes[5]) : nil
        guard let architecture = known ?? (try? SystemDescriptor.typicalArchitecture(of: bytes, format)),
            let system = try? SystemDescriptor(binary: bytes, architecture: architecture, format: format)
        else { return false }
        return !system.hasStrangeMachine
    }

    /// Empty when there is no cell.
    private static func memory(of bytes: [UInt8], at offset: Int, _ format: FormatVariant) -> [MemoryRegion] {
        cell(of: bytes, at: offset, format)?.memoryRegions ?? []
    }

    private static func cell(of bytes: [UInt8], at offset: Int, _ format: FormatVariant) -> CellDescriptor? {
        var cell = CellDescriptor(name: "")
        var coder = RecordCoder(reading: bytes, at: offset + FileHeader.encodedSize, as: format)
        return (try? cell.code(&coder)) == nil ? nil : cell
    }

    /// Whether a cell has ivshmem devices of v0.11, whose first window has 256 bytes.
    fileprivate static func hasOldLinks(_ bytes: [UInt8], at offset: Int, _ format: FormatVariant) -> Bool {
        cell(of: bytes, at: offset, format)?.pciDevices.contains {
            $0.kind == .sharedMemory && $0.barMasks.first == 0xffff_ff00
        } ?? false
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

extension MemoryRegion {
    /// Whether it has the bit by which a fork gives cells parts of the cache.
    var isColored: Bool { flags.rawValue & ForeignFormat.colored != 0 }
}
