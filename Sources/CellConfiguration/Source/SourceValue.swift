// SPDX-License-Identifier: Apache-2.0

import TOML

/// A value in a TOML text, with the place that its errors name.
package struct SourceValue {
    struct Place {
        var path: String
        var keyPath: String
        var offset: Int
        var lines: LineTable

        func member(_ key: String, at offset: Int) -> Place {
            Place(path: path, keyPath: keyPath.isEmpty ? key : keyPath + "." + key, offset: offset, lines: lines)
        }

        func element(_ index: Int, at offset: Int) -> Place {
            Place(path: path, keyPath: keyPath + "[\(index)]", offset: offset, lines: lines)
        }

        var line: Int { lines.position(of: offset).line }

        func error(_ code: ConfigurationError.Code, _ message: String) -> ConfigurationError {
            let position = lines.position(of: offset)
            return ConfigurationError(
                code, message, path: path, line: position.line, column: position.column,
                keyPath: keyPath.isEmpty ? nil : keyPath
            )
        }
    }

    let content: TOMLNode.Content
    let place: Place

    /// Such as `memory[1].size`.
    package var keyPath: String { place.keyPath }

    /// From 1.
    package var line: Int { place.line }

    /// An error at this place.
    package func error(_ code: ConfigurationError.Code, _ message: String) -> ConfigurationError {
        place.error(code, message)
    }

    package func string() throws(ConfigurationError) -> String {
        guard case .string(let text) = content else { throw wrongType("a string") }
        return text
    }

    package func boolean() throws(ConfigurationError) -> Bool {
        guard case .boolean(let value) = content else { throw wrongType("true or false") }
        return value
    }

    /// An integer that `Number` can hold. What TOML cannot write as one, from 2^63, may be written as `"0x…"`.
    package func number<Number: FixedWidthInteger>(
        in range: ClosedRange<Number> = Number.min...Number.max
    ) throws(ConfigurationError) -> Number {
        switch content {
        case .integer(let integer):
            guard let number = Number(exactly: integer), range.contains(number) else {
                throw error(.outOfRange, "\(integer) is not from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        case .string(let text):
            guard text.hasPrefix("0x"), let number = Number(text.dropFirst(2), radix: 16), range.contains(number),
                !text.hasPrefix("0x-"), !text.hasPrefix("0x+")
            else { throw wrongType("a number") }
            return number
        default: throw wrongType("a number")
        }
    }

    /// Bytes: an integer, or a text like `"8 MiB"`.
    package func size() throws(ConfigurationError) -> UInt64 {
        guard case .string(let text) = content, !text.hasPrefix("0x") else { return try number() }
        guard let size = Quantity.size(text) else {
            throw error(.invalidValue, "\"\(text)\" is no size; write it like \"8 MiB\", in B, KiB, MiB or GiB")
        }
        return size
    }

    /// A text like `"100 ms"`.
    package func duration() throws(ConfigurationError) -> Duration {
        guard case .string(let text) = content else { throw wrongType("a time such as \"100 ms\"") }
        guard let duration = Quantity.duration(text) else {
            throw error(.invalidValue, "\"\(text)\" is no time; write it like \"100 ms\", in us, ms, s, min or h")
        }
        return duration
    }

    /// One of the words that are possible here.
    package func word(of words: [String]) throws(ConfigurationError) -> String {
        let text = try string()
        guard words.contains(text) else { throw unknownWord(text, among: words) }
        return text
    }

    package func list() throws(ConfigurationError) -> [SourceValue] {
        guard case .list(let elements) = content else { throw wrongType("a list") }
        return elements.enumerated().map { index, element in
            SourceValue(content: element.content, place: place.element(index, at: element.offset))
        }
    }

    func table() throws(ConfigurationError) -> SourceTable {
        guard case .table(let table) = content else { throw wrongType("a table") }
        return SourceTable(table, place)
    }

    func tables() throws(ConfigurationError) -> [SourceTable] {
        switch content {
        case .tables(let tables):
            return tables.enumerated().map { SourceTable($0.element, place.element($0.offset, at: $0.element.offset)) }
        case .table:
            throw error(.wrongType, "there can be several of these: write [[\(keyPath)]]")
        default:
            var tables: [SourceTable] = []
            for element in try list() { tables.append(try element.table()) }
            return tables
        }
    }

    func unknownWord(_ word: String, among words: [String]) -> ConfigurationError {
        if let nearest = nearestWord(to: word, among: words) {
            return error(.invalidValue, "\"\(word)\" is not known here; did you mean \"\(nearest)\"?")
        }
        return error(.invalidValue, "\"\(word)\" is not known here; it can be \(words.joined(separator: ", "))")
    }

    private func wrongType(_ expected: String) -> ConfigurationError {
        let found =
            switch content {
            case .table: "a table"
            case .list, .tables: "a list"
            case .string(let text): "the text \"\(text)\""
            case .integer(let integer): "the number \(integer)"
            case .boolean(let value): "\(value)"
            case .other(let kind): kind
            }
        return error(.wrongType, "this must be \(expected), not \(found)")
    }
}
