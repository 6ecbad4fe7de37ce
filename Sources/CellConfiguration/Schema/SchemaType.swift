// SPDX-License-Identifier: Apache-2.0

/// What a key of the TOML source can be, for ``ConfigurationSchema``.
package indirect enum SchemaType: Hashable, Sendable {
    /// An integer; what TOML cannot write as one is written as `"0x…"`.
    case number(ClosedRange<UInt64>)
    /// Bytes: an integer up to `most`, or a text such as `"8 MiB"`.
    case size(most: UInt64)
    case string
    /// A text such as `"100 ms"`.
    case duration
    /// A text such as `"01 a0"`.
    case bytes
    case boolean
    /// One of these.
    case word([String])
    /// One of these, or a number for what has no word.
    case wordOrNumber([String], most: UInt64)
    /// A list of these words; with `bare`, one may be written without a list.
    case words([String])
    /// A list of numbers, or a text like `"3-5,8"`.
    case numberSet(most: UInt64)
    /// A list of strings.
    case nameList
    /// A list of numbers up to `most`, just `count` of them if that is not nil.
    case numberList(most: UInt64, count: Int?)
    /// A text like `"00:1f.2"`.
    case pciAddress
    case table([SchemaProperty])

    /// Numbers that another shape of the table allows for the same key.
    mutating func widen(by other: SchemaType) {
        if case .number(let range) = self, case .number(let further) = other {
            self = .number(
                min(range.lowerBound, further.lowerBound)...max(range.upperBound, further.upperBound))
        }
    }
}

/// A key of a table.
package struct SchemaProperty: Hashable, Sendable {
    package var key: String
    package var type: SchemaType
    package var isRequired: Bool
    /// For people.
    package var text: String

    package init(_ key: String, _ type: SchemaType, isRequired: Bool = false, text: String = "") {
        self.key = key
        self.type = type
        self.isRequired = isRequired
        self.text = text
    }
}

/// A table of a source file.
package struct SchemaTable: Hashable, Sendable {
    package var key: String
    /// `[[key]]`.
    package var isList: Bool
    package var isRequired: Bool
    package var properties: [SchemaProperty]
    /// For people.
    package var text: String

    package init(
        _ key: String, isList: Bool = false, isRequired: Bool = false, text: String = "", _ properties: [SchemaProperty]
    ) {
        self.key = key
        self.isList = isList
        self.isRequired = isRequired
        self.text = text
        self.properties = properties
    }
}
