// SPDX-License-Identifier: Apache-2.0

extension CellDescriptor {
    /// Bytes before the lists, in the longest layout.
    package static let fixedSize = 132

    /// From a `.cell` file.
    ///
    /// - Parameters:
    ///   - binary: the whole file; it must be as long as its counts need, because the hypervisor believes the counts.
    ///     A few bytes more are kept as ``surplus``.
    ///   - assumed: the architecture of a file before revision 14, which does not have it; nil: what the contents are
    ///     typical of, else x86.
    package init(binary: [UInt8], assuming assumed: Architecture? = nil) throws(ConfigurationError) {
        let header = try FileHeader(reading: binary, expecting: .cell)
        let format = try FormatDetection.format(ofCell: binary, header.revision)
        self.init(name: "", revision: header.revision)
        self.format = format
        var coder = RecordCoder(reading: binary, at: FileHeader.encodedSize, as: format)
        try code(&coder)
        isArchitectureGuessed = header.architecture == nil && assumed == nil
        architecture = header.architecture ?? assumed ?? typicalArchitecture ?? .x86
    }

    /// The contents of a `.cell` file.
    ///
    /// - Parameter revision: of the format; nil: the descriptor's own.
    /// - Throws: as ``binary(as:)``.
    package func binary(revision: FormatRevision? = nil) throws(ConfigurationError) -> [UInt8] {
        try binary(as: revision.flatMap { $0 == self.revision ? nil : $0.standard } ?? format)
    }

    /// The contents of a `.cell` file in one layout.
    ///
    /// - Throws: ``ConfigurationError`` `outOfRange` for what no layout can have: a name longer than 32 bytes,
    ///   more than six BAR masks, lists that make the file longer than 4 GiB; `inexpressible` for what this one cannot.
    package func binary(as format: FormatVariant) throws(ConfigurationError) -> [UInt8] {
        if format != self.format { try checkExpressible(in: format) }
        try checkRecognisable(in: format)
        let header = FileHeader(kind: .cell, revision: format.revision, architecture: architecture)
        var coder = RecordCoder(writing: format)
        var copy = self
        try copy.code(&coder)
        return header.binary + coder.bytes
    }

    /// How long the file must be, by the counts in its first ``fixedSize(header:)`` bytes. More bytes are ignored.
    ///
    /// - Throws: ``ConfigurationError`` `signature`, `revision` or `architecture` when the bytes are no cell
    ///   configuration that is understood here, `length` when they are too few or the counts are impossible.
    package static func encodedLength(header: [UInt8]) throws(ConfigurationError) -> Int {
        let revision = try FileHeader(reading: header, expecting: .cell).revision
        // the layouts of a revision do not differ in it
        return try encodedLength(of: header, at: 0, as: revision.standard)
    }

    /// Bytes before the lists of a file, by the revision in its header; ``fixedSize`` when that is not understood.
    package static func fixedSize(header: [UInt8]) -> Int {
        (try? FileHeader(reading: header, expecting: .cell))?.revision.standard.cellSize ?? fixedSize
    }

    /// The length of a descriptor that begins at `offset`, from there.
    static func encodedLength(
        of bytes: [UInt8], at offset: Int, as format: FormatVariant
    ) throws(ConfigurationError) -> Int {
        guard bytes.count >= offset + format.cellSize else {
            throw .tooShort(bytes.count, needed: offset + format.cellSize)
        }
        var coder = RecordCoder(reading: bytes, at: offset + ListCounts.offset, as: format)
        var counts = ListCounts()
        try counts.code(&coder)
        let length = format.cellSize + counts.encodedSize(format)
        // The driver is given the size as 32 bits; the counts cannot overflow Int.
        guard length <= UInt32.max else {
            throw ConfigurationError(.length, "the counts in the file ask for \(length) bytes: it is damaged")
        }
        return length
    }

    /// Everything after signature and revision, lists included. A reading coder must have been given as many
    /// bytes as ``encodedLength(of:at:as:)`` says.
    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        var counts = ListCounts(of: self, in: coder.format)
        var bitmap = cpus.bitmap
        guard nameField.count <= CellDescriptor.nameLimit + 1 else {
            throw ConfigurationError(
                .outOfRange,
                "the name \"\(name)\" has \(nameField.count) bytes; \(CellDescriptor.nameLimit) are possible"
            )
        }
        try coder.padded(&nameField, width: 32)  // 8
        try coder.field(&id)  // 40
        try codeFlags(&coder)  // 44
        try counts.code(&coder)  // 48
        try coder.field(&vpciInterruptBase)  // 80
        try coder.field(&cpuResetAddress)  // 84
        try coder.field(&messageReplyTimeout)  // 92
        try console.code(&coder)  // 100
        try coder.exact(&bitmap, width: Int(counts.cpuSetBytes))  // 132
        try coder.list(&memoryRegions, count: Int(counts.memoryRegions))
        try coder.list(&cacheRegions, count: Int(counts.cacheRegions))
        try coder.list(&interruptChips, count: Int(counts.interruptChips))
        if coder.format.hasPortBitmap {
            try codePortBitmap(&coder, size: counts.ports)
        } else {
            try coder.list(&ioPortRegions, count: Int(counts.ports))
        }
        try coder.list(&pciDevices, count: Int(counts.pciDevices))
        try coder.list(&pciCapabilities, count: Int(counts.pciCapabilities))
        if coder.format.hasStreamIDs {
            try coder.list(&streamIDs, count: Int(counts.streamIDs))
        } else if !streamIDs.isEmpty {
            throw .inexpressible("stream ids", in: coder.format)
        }
        // all that is left of a file that is read
        try coder.exact(&surplus, width: coder.bytes.count - coder.offset)
        cpus = CPUSet(bitmap: bitmap)
    }
}

extension CellDescriptor {
    private mutating func codeFlags(_ coder: inout RecordCoder) throws(ConfigurationError) {
        let meaningless = coder.format.meaninglessCellFlag
        if !coder.isReading && flags.rawValue & meaningless != 0 {
            throw .inexpressible("a cell that starts in 32-bit mode (aarch32)", in: coder.format)
        }
        var bits = flags.rawValue | meaninglessFlags
        try coder.field(&bits)
        guard coder.isReading else { return }
        meaninglessFlags = bits & meaningless
        flags = Flags(rawValue: bits & ~meaningless)
    }
}

/// The counts in a cell descriptor, in the order of the file.
private struct ListCounts {
    /// Of the first count in the descriptor.
    static let offset = 48

    var cpuSetBytes: UInt32 = 0
    var memoryRegions: UInt32 = 0
    var cacheRegions: UInt32 = 0
    var interruptChips: UInt32 = 0
    /// Regions, or bytes of the bitmap.
    var ports: UInt32 = 0
    var pciDevices: UInt32 = 0
    var pciCapabilities: UInt32 = 0
    var streamIDs: UInt32 = 0

    init() {}

    init(of cell: CellDescriptor, in format: FormatVariant) {
        cpuSetBytes = UInt32(clamping: cell.cpus.bitmap.count)
        memoryRegions = UInt32(clamping: cell.memoryRegions.count)
        cacheRegions = UInt32(clamping: cell.cacheRegions.count)
        interruptChips = UInt32(clamping: cell.interruptChips.count)
        ports = format.hasPortBitmap ? cell.writtenPortBitmapSize : UInt32(clamping: cell.ioPortRegions.count)
        pciDevices = UInt32(clamping: cell.pciDevices.count)
        pciCapabilities = UInt32(clamping: cell.pciCapabilities.count)
        streamIDs = UInt32(clamping: cell.streamIDs.count)
    }

    mutating func code(_ coder: inout RecordCoder) throws(ConfigurationError) {
        try coder.field(&cpuSetBytes)
        try coder.field(&memoryRegions)
        try coder.field(&cacheRegions)
        try coder.field(&interruptChips)
        try coder.field(&ports)
        try coder.field(&pciDevices)
        try coder.field(&pciCapabilities)
        if coder.format.hasStreamIDs { try coder.field(&streamIDs) }
    }

    /// Of the lists, in bytes: below 2^40, so it never overflows.
    func encodedSize(_ format: FormatVariant) -> Int {
        Int(cpuSetBytes) + Int(memoryRegions) * 32 + Int(cacheRegions) * 12 + Int(interruptChips) * 32
            + Int(ports) * (format.hasPortBitmap ? 1 : 4) + Int(pciDevices) * 56 + Int(pciCapabilities) * 8
            + Int(streamIDs) * 4
    }
}
