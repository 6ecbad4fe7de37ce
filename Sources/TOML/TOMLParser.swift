// SPDX-License-Identifier: Apache-2.0

/// Reads TOML 1.0 into tables; each value has its position.
///
/// The parser is our own because every value needs its line and column for later errors, and because a typing error
/// must not abort the daemon: it throws for anything that is not TOML, whatever the bytes are.
package struct TOMLParser {
    /// Nesting depth of lists and inline tables, and the number of parts of a dotted key.
    private static let depthLimit = 32

    var scanner: TOMLScanner
    private let root = TOMLTable(.header, offset: 0)
    private var current: TOMLTable

    /// - Returns: the text's own table, and where its lines begin.
    package static func parse(_ text: String) throws(TOMLError) -> (TOMLTable, LineTable) {
        var parser = TOMLParser(TOMLScanner(Array(text.utf8)))
        try parser.parse()
        return (parser.root, parser.scanner.lines)
    }

    private init(_ scanner: TOMLScanner) {
        self.scanner = scanner
        current = root
    }

    private mutating func parse() throws(TOMLError) {
        try scanner.skipToStatement()
        while let next = scanner.peek {
            if next == UInt8(ascii: "[") {
                try parseHeader()
            } else {
                try parsePair(into: current, depth: 0)
            }
            try scanner.expectEndOfLine()
            try scanner.skipToStatement()
        }
    }

    // MARK: tables

    private mutating func parseHeader() throws(TOMLError) {
        let offset = scanner.offset
        _ = scanner.accept("[")
        let isList = scanner.accept("[")
        let keys = try parseKeys()
        guard scanner.accept("]"), !isList || scanner.accept("]") else {
            throw scanner.error("expected \(isList ? "]]" : "]") at the end of the table header")
        }
        var table = root
        for key in keys.dropLast() { table = try enter(key, in: table) }
        guard let last = keys.last else { return }
        let new = TOMLTable(.header, offset: offset)
        switch (table.members[last.text]?.content, isList) {
        case (nil, false):
            table.insert(.table(new), last.text, keyOffset: last.offset, valueOffset: offset)
            current = new
        case (nil, true):
            table.insert(.tables([new]), last.text, keyOffset: last.offset, valueOffset: offset)
            current = new
        case (.tables(let tables)?, true):
            table.members[last.text]?.content = .tables(tables + [new])
            current = new
        case (.table(let existing)?, false) where existing.origin == .implicit:
            existing.origin = .header
            current = existing
        default:
            throw duplicate(last, in: table)
        }
    }

    /// The table of a header's leading key, made when it is not there.
    private func enter(_ key: Key, in table: TOMLTable) throws(TOMLError) -> TOMLTable {
        switch table.members[key.text]?.content {
        case nil:
            let new = TOMLTable(.implicit, offset: key.offset)
            table.insert(.table(new), key.text, keyOffset: key.offset, valueOffset: key.offset)
            return new
        case .table(let existing)? where existing.origin != .inline: return existing
        case .tables(let tables)?:
            guard let last = tables.last else { throw duplicate(key, in: table) }
            return last
        default: throw duplicate(key, in: table)
        }
    }

    private mutating func parsePair(into table: TOMLTable, depth: Int) throws(TOMLError) {
        let keys = try parseKeys()
        guard let last = keys.last else { return }
        guard scanner.accept("=") else {
            throw scanner.error("expected = and a value after the key \"\(last.text)\"")
        }
        var table = table
        for key in keys.dropLast() {
            switch table.members[key.text]?.content {
            case nil:
                let new = TOMLTable(.dotted, offset: key.offset)
                table.insert(.table(new), key.text, keyOffset: key.offset, valueOffset: key.offset)
                table = new
            case .table(let existing)? where existing.origin == .dotted: table = existing
            default: throw duplicate(key, in: table)
            }
        }
        guard table.members[last.text] == nil else { throw duplicate(last, in: table) }
        scanner.skipBlanks()
        let value = try parseValue(depth: depth)
        table.insert(value.content, last.text, keyOffset: last.offset, valueOffset: value.offset)
    }

    private func duplicate(_ key: Key, in table: TOMLTable) -> TOMLError {
        let first = table.keyOffsets[key.text].map { " (first defined in line \(scanner.lines.position(of: $0).line))" }
        return scanner.error("duplicate key \"\(key.text)\"\(first ?? "")", at: key.offset)
    }

    // MARK: keys

    private struct Key {
        var text: String
        var offset: Int
    }

    /// A key with its dots; blanks around the parts and after it are passed.
    private mutating func parseKeys() throws(TOMLError) -> [Key] {
        var keys: [Key] = []
        repeat {
            scanner.skipBlanks()
            try checkDepth(keys.count + 1)
            let offset = scanner.offset
            switch scanner.peek {
            case UInt8(ascii: "\""): keys.append(Key(text: try scanner.basicString(), offset: offset))
            case UInt8(ascii: "'"): keys.append(Key(text: try scanner.literalString(), offset: offset))
            default:
                let text = scanner.take { $0.isBareKey }
                guard !text.isEmpty else {
                    throw scanner.error("expected a key (letters, digits, - and _, or a string in quotation marks)")
                }
                keys.append(Key(text: text, offset: offset))
            }
            scanner.skipBlanks()
        } while scanner.accept(".")
        return keys
    }

    // MARK: values

    private mutating func parseValue(depth: Int) throws(TOMLError) -> TOMLNode {
        let offset = scanner.offset
        let content: TOMLNode.Content
        switch scanner.peek {
        case UInt8(ascii: "\""):
            content = .string(try scanner.isAt("\"\"\"") ? scanner.longBasicString() : scanner.basicString())
        case UInt8(ascii: "'"):
            content = .string(try scanner.isAt("'''") ? scanner.longLiteralString() : scanner.literalString())
        case UInt8(ascii: "["): content = .list(try parseList(depth: depth + 1))
        case UInt8(ascii: "{"): content = .table(try parseInlineTable(depth: depth + 1))
        default: content = try scanner.scalar()
        }
        return TOMLNode(content: content, offset: offset)
    }

    private mutating func parseList(depth: Int) throws(TOMLError) -> [TOMLNode] {
        try checkDepth(depth)
        _ = scanner.accept("[")
        var elements: [TOMLNode] = []
        while true {
            try scanner.skipToStatement()
            if scanner.accept("]") { return elements }
            elements.append(try parseValue(depth: depth))
            try scanner.skipToStatement()
            if scanner.accept(",") { continue }
            guard scanner.accept("]") else { throw scanner.error("expected , or ] in the list") }
            return elements
        }
    }

    private mutating func parseInlineTable(depth: Int) throws(TOMLError) -> TOMLTable {
        try checkDepth(depth)
        let table = TOMLTable(.dotted, offset: scanner.offset)
        _ = scanner.accept("{")
        scanner.skipBlanks()
        if !scanner.accept("}") {
            repeat {
                try parsePair(into: table, depth: depth)
                scanner.skipBlanks()
            } while scanner.accept(",")
            guard scanner.accept("}") else {
                throw scanner.error("expected , or } on the same line, in the inline table")
            }
        }
        close(table)
        return table
    }

    /// Nothing may be added to an inline table, nor to those that dotted keys made within it.
    private func close(_ table: TOMLTable) {
        table.origin = .inline
        for member in table.members.values {
            if case .table(let inner) = member.content, inner.origin == .dotted { close(inner) }
        }
    }

    private func checkDepth(_ depth: Int) throws(TOMLError) {
        guard depth <= TOMLParser.depthLimit else {
            throw scanner.error("values are nested too deeply (at most \(TOMLParser.depthLimit) levels)")
        }
    }
}
