// SPDX-License-Identifier: Apache-2.0

import TOML

/// A table of a TOML text; it remembers which keys it was asked for.
package final class SourceTable {
    private let table: TOMLTable
    private let place: SourceValue.Place
    private var asked: [String] = []
    /// Tables that were handed out, each with its reader's questions.
    private var children: [SourceTable] = []
    /// Of the root: for each element of a list in the descriptor, the table in the source that it comes from.
    var renumbered: [String: [String]] = [:]

    init(_ table: TOMLTable, _ place: SourceValue.Place) {
        self.table = table
        self.place = place
    }

    /// The table itself as a value, for errors.
    package var asValue: SourceValue { SourceValue(content: .table(table), place: place) }

    package func value(_ key: String) -> SourceValue? {
        ask(key)
        return table.members[key].map {
            SourceValue(content: $0.content, place: place.member(key, at: $0.offset))
        }
    }

    /// - Throws: ``ConfigurationError`` `missingKey`.
    package func required(_ key: String) throws(ConfigurationError) -> SourceValue {
        guard let value = value(key) else {
            throw asValue.error(.missingKey, "the key \"\(key)\" is missing\(nearestUnasked(to: key))")
        }
        return value
    }

    /// A table within; nil when there is none.
    package func table(_ key: String) throws(ConfigurationError) -> SourceTable? {
        guard let table = try value(key)?.table() else { return nil }
        children.append(table)
        return table
    }

    /// `[[key]]`, however many.
    package func tables(_ key: String) throws(ConfigurationError) -> [SourceTable] {
        let tables = try value(key)?.tables() ?? []
        children += tables
        return tables
    }

    /// All keys, in the order of the text.
    package var keys: [String] { table.keyOffsets.sorted { $0.value < $1.value }.map(\.key) }

    /// What is wrong about one of them.
    package func error(at key: String, _ code: ConfigurationError.Code, _ message: String) -> ConfigurationError {
        place.member(key, at: table.keyOffsets[key] ?? 0).error(code, message)
    }

    /// Takes a key as known without reading it.
    package func ask(_ key: String) {
        if !asked.contains(key) { asked.append(key) }
    }

    /// - Throws: ``ConfigurationError`` `unknownKey` for a key here or in a table within that was not read.
    package func finish() throws(ConfigurationError) {
        let unknown = table.keyOffsets.filter { !asked.contains($0.key) }.min { $0.value < $1.value }
        if let (key, offset) = unknown {
            let hint =
                if let nearest = nearestWord(to: key, among: asked.filter { table.members[$0] == nil }) {
                    "did you mean \"\(nearest)\"?"
                } else {
                    "known here are \(asked.joined(separator: ", "))"
                }
            throw place.member(key, at: offset).error(.unknownKey, "unknown key \"\(key)\"; \(hint)")
        }
        for child in children { try child.finish() }
    }

    /// The lines of all keys here and in the tables within.
    func collectLines(into lines: inout [String: Int]) {
        for (key, offset) in table.keyOffsets {
            let keyPlace = place.member(key, at: offset)
            lines[keyPlace.keyPath] = keyPlace.line
            switch table.members[key]?.content {
            case .table(let inner)?: SourceTable(inner, keyPlace).collectLines(into: &lines)
            case .tables(let tables)?:
                for (index, inner) in tables.enumerated() {
                    let elementPlace = keyPlace.element(index, at: inner.offset)
                    lines[elementPlace.keyPath] = elementPlace.line
                    SourceTable(inner, elementPlace).collectLines(into: &lines)
                }
            default: continue
            }
        }
    }

    /// A misspelled key is reported at once.
    private func nearestUnasked(to key: String) -> String {
        guard let nearest = nearestWord(to: key, among: table.members.keys.filter { !asked.contains($0) }.sorted())
        else {
            return ""
        }
        return "; is \"\(nearest)\" meant to be it?"
    }
}
