// SPDX-License-Identifier: Apache-2.0

import TOML

/// Goes through a record's keys and fills them from a TOML table, writes them as text, or tells what they can be.
///
/// As with ``RecordCoder``, one list of keys serves all. What has its default value is not written;
/// what is not there is read as its default value.
struct SourceCoder {
    private enum Mode {
        case reading(SourceTable)
        case writing
        case describing
    }

    private let mode: Mode
    /// The keys written so far.
    private(set) var entries: [(key: String, text: String, comment: String)] = []
    /// The keys described so far.
    private(set) var properties: [SchemaProperty] = []

    init(reading table: SourceTable) {
        mode = .reading(table)
    }

    init() {
        mode = .writing
    }

    /// The keys of a record, those of all its variants.
    static func properties(of record: some SourceRecord) throws(ConfigurationError) -> [SchemaProperty] {
        var properties: [SchemaProperty] = []
        for var variant in record.variants {
            var coder = SourceCoder(mode: .describing)
            try variant.code(&coder)
            for property in coder.properties {
                guard let index = properties.firstIndex(where: { $0.key == property.key }) else {
                    properties.append(property)
                    continue
                }
                properties[index].type.widen(by: property.type)
            }
        }
        return properties
    }

    private init(mode: Mode) {
        self.mode = mode
    }

    var isReading: Bool {
        if case .reading = mode { return true }
        return false
    }

    var isWriting: Bool {
        if case .writing = mode { return true }
        return false
    }

    /// - Parameter standard: what an absent key means; nil: the key must be there.
    mutating func value<Value: Equatable>(
        _ key: String, _ type: @autoclosure () -> SchemaType, _ value: inout Value, default standard: Value?,
        read: (SourceValue) throws(ConfigurationError) -> Value, write: (Value) -> String
    ) throws(ConfigurationError) {
        switch mode {
        case .reading(let table):
            if let standard {
                value = if let found = table.value(key) { try read(found) } else { standard }
            } else {
                value = try read(try table.required(key))
            }
        case .writing:
            if value != standard { entries.append((key, write(value), "")) }
        case .describing:
            properties.append(SchemaProperty(key, type(), isRequired: standard == nil))
        }
    }

    /// Written in hexadecimal.
    mutating func hexadecimal<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ number: inout Number, default standard: Number? = 0
    ) throws(ConfigurationError) {
        try value(
            key, .number(0...UInt64(Number.max)), &number, default: standard,
            read: { found throws(ConfigurationError) in try found.number() }, write: { SourceText.hexadecimal($0) }
        )
    }

    /// Written in decimal.
    mutating func decimal<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ number: inout Number, default standard: Number? = 0, upTo most: Number = .max
    ) throws(ConfigurationError) {
        try value(
            key, .number(0...UInt64(most)), &number, default: standard,
            read: { found throws(ConfigurationError) in try found.number(in: 0...most) },
            write: { SourceText.decimal($0) }
        )
    }

    /// `"8 MiB"` or an integer.
    mutating func size<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ size: inout Number, default standard: Number? = 0
    ) throws(ConfigurationError) {
        try value(
            key, .size(most: UInt64(Number.max)), &size, default: standard,
            read: { found throws(ConfigurationError) in
                let bytes = try found.size()
                guard let size = Number(exactly: bytes) else {
                    throw found.error(.outOfRange, "\(bytes) bytes are too many: at most \(Number.max) are possible")
                }
                return size
            },
            write: { SourceText.size(UInt64($0)) }
        )
    }

    mutating func string(
        _ key: String, _ text: inout String, default standard: String? = ""
    ) throws(ConfigurationError) {
        try value(
            key, .string, &text, default: standard,
            read: { found throws(ConfigurationError) in try found.string() }, write: SourceText.string
        )
    }

    /// Bytes that have no better way to be said.
    ///
    /// - Parameter keepsZeros: false for a field of fixed width, whose last zeros are not written down.
    mutating func bytes(
        _ key: String, _ bytes: inout [UInt8], limit: Int, keepsZeros: Bool = false
    ) throws(ConfigurationError) {
        try value(
            key, .bytes, &bytes, default: [],
            read: { found throws(ConfigurationError) in
                guard let bytes = SourceText.parse(bytes: try found.string()), bytes.count <= limit else {
                    throw found.error(.invalidValue, "this must be at most \(limit) bytes, such as \"01 a0\"")
                }
                return keepsZeros ? bytes : Array(bytes.reversed().drop { $0 == 0 }.reversed())
            },
            write: SourceText.bytes
        )
    }

    /// One bit of a set, as true or false.
    mutating func flag<Flags: OptionSet>(
        _ key: String, _ flags: inout Flags, _ flag: Flags.Element
    ) throws(ConfigurationError) where Flags.Element == Flags {
        var isSet = flags.contains(flag)
        try value(
            key, .boolean, &isSet, default: false,
            read: { found throws(ConfigurationError) in try found.boolean() }, write: { $0 ? "true" : "false" }
        )
        if isSet { flags.insert(flag) } else { flags.remove(flag) }
    }

    /// One bit of a set that chooses between two words; the bit is set for the second.
    mutating func choice<Flags: OptionSet>(
        _ key: String, _ flags: inout Flags, _ flag: Flags.Element, _ words: (clear: String, set: String)
    ) throws(ConfigurationError) where Flags.Element == Flags {
        var isSet = flags.contains(flag)
        try value(
            key, .word([words.clear, words.set]), &isSet, default: false,
            read: { found throws(ConfigurationError) in try found.word(of: [words.clear, words.set]) == words.set },
            write: { SourceText.string($0 ? words.set : words.clear) }
        )
        if isSet { flags.insert(flag) } else { flags.remove(flag) }
    }

    /// The bits that have no words, as a number.
    mutating func otherBits<Bits: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ bits: inout Bits, named: Bits
    ) throws(ConfigurationError) {
        var others = bits & ~named
        try hexadecimal(key, &others)
        bits = bits & named | others
    }

    /// A word or, for what has none, its number.
    mutating func word<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ number: inout Number, _ words: [(word: String, number: Number)], default standard: Number?
    ) throws(ConfigurationError) {
        try value(
            key, .wordOrNumber(words.map(\.word), most: UInt64(Number.max)), &number, default: standard,
            read: { found throws(ConfigurationError) in
                guard case .string(let text) = found.content else { return try found.number() }
                guard let number = words.first(where: { $0.word == text })?.number else {
                    throw found.unknownWord(text, among: words.map(\.word))
                }
                return number
            },
            write: { number in
                words.first { $0.number == number }.map { SourceText.string($0.word) }
                    ?? (number > 0xff ? SourceText.hexadecimal(number) : "\(number)")
            }
        )
    }

    /// A table within this one, on the same line; absent when all of it is at its defaults.
    mutating func inline<Record: SourceRecord>(_ key: String, _ record: inout Record) throws(ConfigurationError) {
        switch mode {
        case .reading(let table):
            guard let inner = try table.table(key) else { return }
            var coder = SourceCoder(reading: inner)
            try record.code(&coder)
        case .writing:
            var coder = SourceCoder()
            try record.code(&coder)
            guard !coder.entries.isEmpty else { return }
            entries.append(
                (key, "{ " + coder.entries.map { "\($0.key) = \($0.text)" }.joined(separator: ", ") + " }", ""))
        case .describing:
            properties.append(SchemaProperty(key, .table(try SourceCoder.properties(of: record))))
        }
    }

    /// Says something of a key to whom reads the text, if the key has been written.
    mutating func comment(on key: String, _ comment: String) {
        guard let index = entries.lastIndex(where: { $0.key == key }) else { return }
        entries[index].comment = comment
    }

    /// A number that may be absent.
    ///
    /// - Parameter usual: another value that is not written, either; what is read is nil then.
    mutating func optionalNumber<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ number: inout Number?, unless usual: Number? = nil
    ) throws(ConfigurationError) {
        if isWriting && number == usual { return }
        try value(
            key, .number(0...UInt64(Number.max)), &number, default: .some(nil),
            read: { found throws(ConfigurationError) in
                let number: Number = try found.number()
                return number
            },
            write: { $0.map { "\($0)" } ?? "" }
        )
    }

    /// The table that is read, for errors found later; nil when writing.
    var table: SourceTable? {
        guard case .reading(let table) = mode else { return nil }
        return table
    }

    /// The key as it is in the text, for errors that concern two keys; nil when writing.
    func found(_ key: String) -> SourceValue? {
        guard case .reading(let table) = mode else { return nil }
        return table.value(key)
    }

}

/// A record that has a table in the TOML source.
protocol SourceRecord {
    /// Hands each key to the coder, in the order in which they are written.
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError)
    /// One of each shape that the table can have, when some keys depend on others.
    var variants: [Self] { get }
}

extension SourceRecord {
    var variants: [Self] { [self] }
}
