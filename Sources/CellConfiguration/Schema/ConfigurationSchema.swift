// SPDX-License-Identifier: Apache-2.0

/// The keys that the source of a cell or a system may have, from the same lists of keys that read and write it.
package enum ConfigurationSchema {
    /// The tables of a cell: `[cell]`, `[[memory]]` …
    package static var cell: [SchemaTable] {
        named(
            SourceFile.tables { file throws(ConfigurationError) in
                var cell = CellDescriptor(name: "")
                try cell.code(&file)
            })
    }

    /// The tables of a system: `[system]`, `[root-cell]` …
    package static var system: [SchemaTable] {
        named(
            SourceFile.tables { file throws(ConfigurationError) in
                var system = SystemDescriptor(rootCell: CellDescriptor(name: ""))
                try system.code(&file)
            })
    }

    /// With descriptions for people.
    private static func named(_ tables: [SchemaTable]) -> [SchemaTable] {
        tables.map { table in
            var table = table
            table.text = SchemaTexts.tables[table.key] ?? ""
            table.properties = named(table.properties, in: table.key)
            return table
        }
    }

    private static func named(_ properties: [SchemaProperty], in table: String) -> [SchemaProperty] {
        properties.map { property in
            var property = property
            property.text = SchemaTexts.text(of: property.key, in: table)
            if case .table(let inner) = property.type { property.type = .table(named(inner, in: "debug-console")) }
            return property
        }
    }
}
