// SPDX-License-Identifier: Apache-2.0

import TOML

/// Goes through the tables of a whole file: reads them, writes them, or tells which there are.
struct SourceFile {
    private enum Mode {
        case reading(SourceTable)
        case writing
        case describing
    }

    private let mode: Mode
    /// What has been written.
    private(set) var text = ""
    /// What has been described.
    private(set) var tables: [SchemaTable] = []

    init(reading root: SourceTable) {
        mode = .reading(root)
    }

    private init(_ mode: Mode) {
        self.mode = mode
    }

    /// What `write` writes.
    static func text(_ write: (inout SourceFile) throws(ConfigurationError) -> Void) -> String {
        file(.writing, write).text
    }

    /// The tables that `describe` goes through.
    static func tables(_ describe: (inout SourceFile) throws(ConfigurationError) -> Void) -> [SchemaTable] {
        file(.describing, describe).tables
    }

    private static func file(
        _ mode: Mode, _ goThrough: (inout SourceFile) throws(ConfigurationError) -> Void
    ) -> SourceFile {
        var file = SourceFile(mode)
        do throws(ConfigurationError) {
            try goThrough(&file)
        } catch {
            assertionFailure("only reading can fail: \(error)")
        }
        return file
    }

    /// `[key]`, absent when all of it is at its defaults.
    mutating func table<Record: SourceRecord>(
        _ key: String, _ record: inout Record, required: Bool = false
    ) throws(ConfigurationError) {
        switch mode {
        case .reading(let root):
            guard let table = try root.table(key) else {
                if required { _ = try root.required(key) }
                return
            }
            var coder = SourceCoder(reading: table)
            try record.code(&coder)
        case .writing:
            var coder = SourceCoder()
            try record.code(&coder)
            if !coder.entries.isEmpty || required { append("[\(key)]", coder) }
        case .describing:
            tables.append(SchemaTable(key, isRequired: required, try SourceCoder.properties(of: record)))
        }
    }

    /// `[[key]]` for each element.
    ///
    /// - Parameter comments: what is said of each to whom reads the text; the last may be absent.
    mutating func list<Record: SourceRecord & Blank>(
        _ key: String, _ records: inout [Record], limit: Int = .max, comments: [String] = []
    ) throws(ConfigurationError) {
        switch mode {
        case .reading(let root):
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
        case .writing:
            for index in records.indices {
                var coder = SourceCoder()
                try records[index].code(&coder)
                append("[[\(key)]]", comment: comments.indices.contains(index) ? comments[index] : "", coder)
            }
        case .describing:
            tables.append(SchemaTable(key, isList: true, try SourceCoder.properties(of: Record.blank)))
        }
    }

    var isReading: Bool {
        if case .reading = mode { return true }
        return false
    }

    /// Whether a table of the text that is read has a key that one record can have and another cannot.
    func hasKey(
        in table: String, of record: some SourceRecord, butNotOf other: some SourceRecord
    ) throws(ConfigurationError) -> Bool {
        guard case .reading(let root) = mode, let value = root.value(table), case .table(let found) = value.content
        else { return false }
        let others = try SourceCoder.properties(of: other).map(\.key)
        return try SourceCoder.properties(of: record).contains {
            found.members[$0.key] != nil && !others.contains($0.key)
        }
    }

    /// Tells where the elements of a list come from that is not in the source as it is in the descriptor.
    func renumber(_ key: String, _ origins: [String]) {
        if case .reading(let root) = mode { root.renumbered[key] = origins }
    }

    private mutating func append(_ header: String, comment: String = "", _ coder: SourceCoder) {
        if !text.isEmpty { text += "\n" }
        text += SourceText.line(header, comment: comment)
        for entry in coder.entries { text += SourceText.line("\(entry.key) = \(entry.text)", comment: entry.comment) }
    }
}
