// SPDX-License-Identifier: Apache-2.0

extension CellDescriptor {
    /// From a cell's TOML source; every mistake in it is an error with its place.
    ///
    /// - Parameter path: the file's name, for errors.
    package init(toml: String, path: String) throws(ConfigurationError) {
        let document = try SourceDocument(toml: toml, path: path)
        self = try CellDescriptor(source: document)
        try document.finish()
    }

    /// From the tables `[cell]`, `[[memory]]` and so on of a text that may have others; the caller finishes it.
    package init(source document: SourceDocument) throws(ConfigurationError) {
        self.init(name: "")
        var file = SourceFile(reading: document.root)
        try code(&file)
    }

    /// The tables of ``init(source:)`` that a definition with a compiled configuration must not have.
    package static let sourceTables = ["cell"] + listTables

    static let listTables = [
        "memory", "ivshmem", "cache", "interrupt-chip", "ports", "pci-device", "pci-capability",
    ]

    /// Its TOML source: nothing at its default value, and compiled again it is the same byte for byte.
    package func toml() -> String {
        SourceFile.text { file throws(ConfigurationError) in
            var copy = self.withRegionNames()
            try copy.code(&file)
        }
    }

    mutating func code(_ file: inout SourceFile) throws(ConfigurationError) {
        var keys = CellKeys(cell: self)
        try file.table("cell", &keys, required: true)
        self = keys.cell
        try codeLists(&file)
        if file.isReading && isArchitectureGuessed { architecture = typicalArchitecture ?? .x86 }
    }

    /// The lists, which both a system's file (for the root cell) and a cell's own have.
    mutating func codeLists(_ file: inout SourceFile) throws(ConfigurationError) {
        var lists = SharedMemoryLinks(takenFrom: self)
        try file.list("memory", &lists.regions)
        try file.list("ivshmem", &lists.links)
        try file.list("cache", &cacheRegions)
        try file.list("interrupt-chip", &interruptChips)
        try file.list("ports", &ioPortRegions)
        try file.list("pci-device", &lists.devices, comments: lists.devices.map { capabilityNames(of: $0) })
        try file.list("pci-capability", &pciCapabilities, comments: capabilityComments)
        guard file.isReading else { return }
        for index in lists.regions.indices { lists.regions[index].giveMeaning(in: format) }
        let whole = try lists.expanded()
        memoryRegions = whole.memory.map(\.value)
        pciDevices = whole.pci.map(\.value)
        if !lists.links.isEmpty {
            file.renumber("memory", whole.memory.map(\.key))
            file.renumber("pci-device", whole.pci.map(\.key))
        }
    }
}

/// The table `[cell]`.
struct CellKeys: SourceRecord {
    var cell: CellDescriptor

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try cell.codeName(&coder)
        let said = try coder.architecture(
            "architecture", cell.architecture, &cell.format, isGuessed: cell.isArchitectureGuessed)
        if coder.isReading {
            cell.isArchitectureGuessed = said.architecture == nil
            cell.architecture = said.architecture ?? cell.architecture
            cell.isRevisionAssumed = said.isRevisionAssumed
        }
        try cell.codeKeys(&coder)
    }
}

/// The table `[root-cell]`: its architecture is the system's.
struct RootCellKeys: SourceRecord {
    var cell: CellDescriptor
    var header: [UInt8]

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try cell.codeName(&coder)
        try cell.codeKeys(&coder)
        try coder.bytes("header-bytes", &header, limit: FileHeader.encodedSize)
    }
}

extension CellDescriptor {
    fileprivate mutating func codeName(_ coder: inout SourceCoder) throws(ConfigurationError) {
        // a name that is no text, or has bytes after its end, must be kept, too
        let isText = nameField.elementsEqual(name.utf8) && nameField.count <= CellDescriptor.nameLimit
        var text = isText ? name : ""
        var bytes = isText ? [] : nameField
        let isRaw = coder.isReading ? coder.found("name-bytes") != nil : !isText
        try coder.string("name", &text, default: isRaw ? "" : nil)
        try coder.bytes("name-bytes", &bytes, limit: CellDescriptor.nameLimit + 1)
        if isRaw && !text.isEmpty, let found = coder.found("name-bytes") {
            throw found.error(.conflict, "give either \"name\" or \"name-bytes\"")
        }
        if let found = coder.found("name") {
            guard !text.utf8.contains(0) else { throw found.error(.invalidValue, "a name cannot have a NUL in it") }
            guard text.utf8.count <= CellDescriptor.nameLimit else {
                throw found.error(
                    .outOfRange, "the name has \(text.utf8.count) bytes; \(CellDescriptor.nameLimit) are possible"
                )
            }
        }
        nameField = isRaw ? bytes : Array(text.utf8)
    }

    fileprivate mutating func codeKeys(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.decimal("id", &id)
        try coder.bytes("surplus-bytes", &surplus, limit: CellDescriptor.surplusLimit, keepsZeros: true)
        try coder.cpuSet(&cpus)
        // what is usual depends on the architecture, which another reader may guess differently
        let usual = isArchitectureGuessed ? nil : usualPortBitmapSize
        try coder.optionalNumber(
            "port-bitmap-bytes", &portBitmapSize, unless: format.hasPortBitmap ? usual : portBitmapSize)
        try coder.flag("passive-comm-region", &flags, .passiveCommunicationRegion)
        try coder.decimal("message-timeout", &messageReplyTimeout)
        coder.comment(on: "message-timeout", "loops of the hypervisor, with all of Linux stalled")
        try coder.hexadecimal("reset-address", &cpuResetAddress)
        try coder.flag("test-device", &flags, .testDevice)
        try coder.flag("aarch32", &flags, .aarch32)
        try coder.words("virtual-console", &flags.rawValue, Words.virtualConsole, bare: true)
        var others = flags.rawValue & ~Flags.known.rawValue | meaninglessFlags
        try coder.hexadecimal("other-flags", &others)
        if coder.isReading {
            meaninglessFlags = others & format.meaninglessCellFlag
            flags.formUnion(Flags(rawValue: others & ~format.meaninglessCellFlag))
        }
        try coder.decimal("vpci-interrupt-base", &vpciInterruptBase)
        try coder.list("stream-ids", &streamIDs)
        try coder.inline("console", &console)
    }
}

extension SourceCoder {
    /// The key of the architecture with those of the format. Before revision 14 files do not have it, and neither need
    /// texts: what was guessed is not written as if it had been said, but in a comment.
    ///
    /// - Returns: the architecture, nil where the text that is read leaves it open; and whether that text has no revision.
    mutating func architecture(
        _ key: String, _ architecture: Architecture, _ format: inout FormatVariant, isGuessed: Bool
    ) throws(ConfigurationError) -> (architecture: Architecture?, isRevisionAssumed: Bool) {
        var said = isWriting && isGuessed && !format.revision.hasArchitecture ? nil : Optional(architecture)
        let names = Architecture.allCases.map(\.name)
        try value(
            key, .word(names), &said, default: .some(nil),
            read: { found throws(ConfigurationError) in Architecture(name: try found.word(of: names)) },
            write: { SourceText.string($0?.name ?? "") })
        let isWritten = said != nil && !format.revision.hasArchitecture
        if isWritten { comment(on: key, "not in a file of revision \(format.revision.rawValue)") }
        let isRevisionAssumed = try self.format(&format)
        if isWriting && said == nil {
            comment(
                on: "revision",
                "such a file does not say its architecture; by its contents a guess: \(key) = \"\(architecture.name)\"")
        }
        if let table, said == nil, format.revision.hasArchitecture { _ = try table.required(key) }
        return (said, isRevisionAssumed)
    }

    /// The keys `revision` and `variant`.
    ///
    /// - Returns: whether a text that is read has neither.
    private mutating func format(_ format: inout FormatVariant) throws(ConfigurationError) -> Bool {
        var revision = format.revision
        try self.revision("revision", &revision)
        let names = FormatVariant.allCases.map(\.rawValue)
        // a layout tells its revision
        let hasRevision = found("revision") != nil
        try value(
            "variant", .word(names), &format, default: revision.standard,
            read: { found throws(ConfigurationError) in
                let variant = FormatVariant(rawValue: try found.word(of: names)) ?? revision.standard
                guard variant.revision == revision || !hasRevision else {
                    throw found.error(
                        .conflict, "\"\(variant.rawValue)\" is a layout of revision \(variant.revision.rawValue)")
                }
                return variant
            },
            write: { SourceText.string($0.rawValue) })
        return isReading && !hasRevision && found("variant") == nil
    }

    private mutating func revision(_ key: String, _ revision: inout FormatRevision) throws(ConfigurationError) {
        try value(
            key, .number(UInt64(FormatRevision.revision10.rawValue)...UInt64(FormatRevision.revision14.rawValue)),
            &revision, default: .current,
            read: { found throws(ConfigurationError) in
                let number: UInt16 = try found.number()
                guard let revision = FormatRevision(rawValue: number) else {
                    throw found.error(
                        .invalidValue,
                        "\(FormatRevision.name(of: number)) cannot be written, only \(FormatRevision.names)")
                }
                return revision
            },
            write: { "\($0.rawValue)" }
        )
    }

    /// The CPUs, and the bitmap's length where it is not the usual one.
    fileprivate mutating func cpuSet(_ cpus: inout CPUSet) throws(ConfigurationError) {
        var members = cpus.members
        var byteCount = UInt32(clamping: cpus.bitmap.count)
        try numbers("cpus", &members, in: 0...CPUSet.highestNumber, default: nil)
        try decimal(
            "cpu-set-bytes", &byteCount, default: UInt32(CPUSet(members).bitmap.count),
            upTo: UInt32(CPUSet.highestNumber / 8 + 1))
        if let found = found("cpu-set-bytes") {
            let needed = members.last.map { $0 / 8 + 1 } ?? 0
            guard byteCount >= needed else { throw found.error(.outOfRange, "\(byteCount) bytes are too few") }
        }
        cpus = CPUSet(members, byteCount: Int(byteCount))
    }
}
