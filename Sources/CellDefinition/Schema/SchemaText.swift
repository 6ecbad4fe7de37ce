// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Writes tables as a JSON Schema (draft 7, which editors know).
enum SchemaText {
    /// - Parameter alternatives: the keys that must be there, one list for each kind of file.
    static func schema(_ tables: [SchemaTable], alternatives: [[String]]) -> String {
        let properties = tables.map { table in (table.key, value(of: table)) }
        let configuration = object([
            ("description", .string("The file with the cell's hardware, compiled or source, instead of the tables")),
            ("type", .string("string")),
        ])
        let architecture = object([
            (
                "description",
                .string("Beside \"configuration\": of a compiled file before revision 14, which does not say it")
            ),
            ("enum", strings(Architecture.allCases.map(\.name))),
        ])
        let document = object([
            ("$schema", .string("http://json-schema.org/draft-07/schema#")),
            ("title", .string("Jailhouse cells and systems, as jailhoused and jailhouse-ctl read them")),
            ("type", .string("object")),
            ("properties", object([("configuration", configuration), ("architecture", architecture)] + properties)),
            ("anyOf", .list(alternatives.map { object([("required", strings($0))]) })),
            ("additionalProperties", .boolean(false)),
        ])
        return document.text(indent: 0) + "\n"
    }

    private static func value(of table: SchemaTable) -> JSONValue {
        let one = value(of: table.properties)
        let whole = table.isList ? [("type", .string("array")), ("items", .object(one))] : one
        return .object([("description", .string(table.text))] + whole)
    }

    private static func value(of properties: [SchemaProperty]) -> [(String, JSONValue)] {
        // bytes may stand for a name that is no text
        let hasBytes = properties.contains { $0.key == "name-bytes" }
        let required = properties.filter { $0.isRequired && !(hasBytes && $0.key == "name") }.map(\.key)
        return [
            ("type", .string("object")),
            (
                "properties",
                object(
                    properties.map {
                        (
                            $0.key,
                            object(($0.text.isEmpty ? [] : [("description", .string($0.text))]) + value(of: $0.type))
                        )
                    })
            ),
        ] + (required.isEmpty ? [] : [("required", strings(required))]) + [("additionalProperties", .boolean(false))]
    }

    private static func value(of type: SchemaType) -> [(String, JSONValue)] {
        switch type {
        case .number(let range): number(range)
        case .size(let most): anyOf(number(0...most), pattern("^[0-9]+ *(B|KiB|MiB|GiB|TiB)$"))
        case .string: [("type", .string("string"))]
        case .duration: pattern("^[0-9]+ *(us|µs|ms|s|min|h)$")
        case .bytes: pattern("^([0-9a-fA-F]{2} *)*$")
        case .boolean: [("type", .string("boolean"))]
        case .word(let words): [("enum", strings(words))]
        case .wordOrNumber(let words, let most): anyOf([("enum", strings(words))], number(0...most))
        case .words(let words): anyOf([("enum", strings(words))], list(of: [("enum", strings(words))]))
        case .numberSet(let most):
            anyOf(list(of: number(0...most)), pattern("^ *([0-9]+( *- *[0-9]+)?( *, *[0-9]+( *- *[0-9]+)?)*)? *$"))
        case .nameList: list(of: [("type", .string("string"))])
        case .numberList(let most, let count):
            list(of: number(0...most))
                + (count.map { [("minItems", .number(UInt64($0))), ("maxItems", .number(UInt64($0)))] } ?? [])
        case .pciAddress: pattern("^[0-9a-fA-F]{1,2}:[01]?[0-9a-fA-F]\\.[0-7]$")
        case .table(let properties): value(of: properties)
        }
    }

    /// A whole number; TOML has none from 2^63.
    private static func number(_ range: ClosedRange<UInt64>) -> [(String, JSONValue)] {
        let largest = UInt64(Int64.max)
        let integer: [(String, JSONValue)] = [
            ("type", .string("integer")), ("minimum", .number(range.lowerBound)),
            ("maximum", .number(min(range.upperBound, largest))),
        ]
        return range.upperBound > largest ? anyOf(integer, pattern("^0x[0-9a-fA-F]{1,16}$")) : integer
    }

    private static func pattern(_ pattern: String) -> [(String, JSONValue)] {
        [("type", .string("string")), ("pattern", .string(pattern))]
    }

    private static func list(of element: [(String, JSONValue)]) -> [(String, JSONValue)] {
        [("type", .string("array")), ("items", .object(element))]
    }

    private static func anyOf(_ kinds: [(String, JSONValue)]...) -> [(String, JSONValue)] {
        [("anyOf", .list(kinds.map { .object($0) }))]
    }

    private static func strings(_ texts: [String]) -> JSONValue { .list(texts.map { .string($0) }) }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(members) }
}

/// As much of JSON as a schema needs; members stay in their order.
private indirect enum JSONValue {
    case object([(String, JSONValue)])
    case list([JSONValue])
    case string(String)
    case number(UInt64)
    case boolean(Bool)

    func text(indent: Int) -> String {
        let short = self.short
        if short.count + indent <= 100 { return short }
        let inner = indent + 2
        let (open, parts, close) =
            switch self {
            case .object(let members): ("{", members.map { "\(quoted($0.0)): \($0.1.text(indent: inner))" }, "}")
            case .list(let elements): ("[", elements.map { $0.text(indent: inner) }, "]")
            case .string, .number, .boolean: ("", [short], "")
            }
        guard !open.isEmpty else { return short }
        let margin = String(repeating: " ", count: inner)
        return "\(open)\n" + parts.map { margin + $0 }.joined(separator: ",\n") + "\n" + margin.dropLast(2) + close
    }

    private var short: String {
        switch self {
        case .object(let members):
            "{" + members.map { "\(quoted($0.0)): \($0.1.short)" }.joined(separator: ", ") + "}"
        case .list(let elements): "[" + elements.map(\.short).joined(separator: ", ") + "]"
        case .string(let text): quoted(text)
        case .number(let number): "\(number)"
        case .boolean(let value): "\(value)"
        }
    }

    /// Our own texts have no control characters.
    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
