// SPDX-License-Identifier: Apache-2.0

import TOML

/// A TOML text, read to its end: every key of it must be asked for, else ``finish()`` names it.
///
/// Both configurations and cell definitions are read through it, so that all say their mistakes alike.
package struct SourceDocument {
    /// The whole file.
    package let root: SourceTable

    /// - Parameter path: the file's name, for errors.
    /// - Throws: ``ConfigurationError`` `syntax` when the text is not TOML.
    package init(toml: String, path: String) throws(ConfigurationError) {
        do throws(TOMLError) {
            let (table, lines) = try TOMLParser.parse(toml)
            root = SourceTable(table, SourceValue.Place(path: path, keyPath: "", offset: 0, lines: lines))
        } catch {
            throw ConfigurationError(.syntax, error.message, path: path, line: error.line, column: error.column)
        }
    }

    /// - Throws: ``ConfigurationError`` `unknownKey` for a key that was not read.
    package func finish() throws(ConfigurationError) {
        try root.finish()
    }
}

extension SourceDocument {
    /// The line of each key path: `memory[1].size`, `memory[1]`; indexes are the descriptor's, after it has been
    /// read.
    package var lines: [String: Int] {
        var lines: [String: Int] = [:]
        root.collectLines(into: &lines)
        for (list, origins) in root.renumbered { renumber(list, origins, in: &lines) }
        return lines
    }

    private func renumber(_ list: String, _ origins: [String], in lines: inout [String: Int]) {
        // by the table's own path, what follows it in the path of a key, and the line
        var tables: [String: [(rest: Substring, line: Int)]] = [:]
        for (path, line) in lines {
            guard let end = path.firstIndex(of: "]") else { continue }
            tables[String(path[...end]), default: []].append((path[path.index(after: end)...], line))
        }
        lines = lines.filter { !$0.key.hasPrefix(list + "[") }
        for (index, origin) in origins.enumerated() {
            for (rest, line) in tables[origin] ?? [] { lines["\(list)[\(index)]\(rest)"] = line }
        }
    }
}
