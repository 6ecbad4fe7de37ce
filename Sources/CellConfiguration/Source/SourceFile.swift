/// Goes through the tables of a whole file, in either direction.
struct SourceFile {
    private let root: SourceTable?
    /// What has been written.
    private(set) var text = ""

    init(reading root: SourceTable) {
        self.root = root
    }

    private init() {
        root = nil
    }

    /// What `write` writes.
    static func text(_ write: (inout SourceFile) throws(ConfigurationError) -> Void) -> String {
        var file = SourceFile()
        do throws(ConfigurationError) {
            try write(&file)
        } catch {
            assertionFailure("only reading can fail: \(error)")
        }
        return file.text
    }

    /// `[key]`, absent when all of it is at its defaults.
    mutating func table<Record: SourceRecord>(
        _ key: String, _ record: inout Record, required: Bool = false
    ) throws(ConfigurationError) {
        if let root {
            guard let table = try root.table(key) else {
                if required { _ = try root.required(key) }
                return
            }
            var coder = SourceCoder(reading: table)
            try record.code(&coder)
        } else {
            var coder = SourceCoder()
            try record.code(&coder)
            if !coder.entries.isEmpty || required { append("[\(key)]", coder) }
        }
    }

    /// `[[key]]` for each element.
    mutating func list<Record: SourceRecord & Blank>(
        _ key: String, _ records: inout [Record], limit: Int = .max
    ) throws(ConfigurationError) {
        if let root {
            records = []
            for table in try root.tables(key) {
                guard records.count < limit else {
                    throw table.asValue.error(.outOfRange, "there can be \(limit) of these, and this is one more")
                }
                var record = Record.blank
                var coder = SourceCoder(reading: table)
                try record.code(&coder)
                records.append(record)
            }
        } else {
            for index in records.indices {
                var coder = SourceCoder()
                try records[index].code(&coder)
                append("[[\(key)]]", coder)
            }
        }
    }

    var isReading: Bool { root != nil }

    /// Tells where the elements of a list come from that is not in the source as it is in the descriptor.
    func renumber(_ key: String, _ origins: [String]) {
        root?.renumbered[key] = origins
    }

    private mutating func append(_ header: String, _ coder: SourceCoder) {
        if !text.isEmpty { text += "\n" }
        text += header + "\n"
        for entry in coder.entries { text += "\(entry.key) = \(entry.text)\n" }
    }
}
