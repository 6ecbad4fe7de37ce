// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The JSON that commands print: keys in alphabetical order.
enum JSON {
    static func text(_ value: some Encodable, oneLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(value))
        if oneLine { return String(decoding: bytes, as: UTF8.self) }
        var layout = Layout(bytes)
        return layout.text()
    }

    /// A value that is null, not left out, when there is none: a script finds every key every time.
    @propertyWrapper
    struct OrNull<Value: Encodable>: Encodable {
        var wrappedValue: Value?

        init(wrappedValue: Value?) {
            self.wrappedValue = wrappedValue
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let wrappedValue {
                try container.encode(wrappedValue)
            } else {
                try container.encodeNil()
            }
        }
    }
}

extension JSON {
    /// Lays JSON out for people: a key a line, but a short list such as `[1, 2]` on one line. Foundation's own
    /// layout takes three lines for an empty list.
    struct Layout {
        /// The longest list that stays on one line.
        private static let width = 72

        private let bytes: [UInt8]
        private var position = 0
        private var result: [UInt8] = []

        /// - Parameter bytes: valid JSON without white space.
        init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func text() -> String {
            value(indentation: 0)
            return String(decoding: result, as: UTF8.self)
        }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func copy() {
            if let current { result.append(current) }
            position += 1
        }

        private mutating func value(indentation: Int) {
            switch current {
            case UInt8(ascii: "{"): members(until: UInt8(ascii: "}"), on: .many, indentation)
            case UInt8(ascii: "["): members(until: UInt8(ascii: "]"), on: isShortList ? .one : .many, indentation)
            case UInt8(ascii: "\""): string()
            default: while let current, !Self.ends.contains(current) { copy() }
            }
        }

        private enum Lines { case one, many }

        private static let ends = Array(",]}".utf8)

        private mutating func members(until end: UInt8, on lines: Lines, _ indentation: Int) {
            copy()
            if current == end { return copy() }
            while current != nil {
                if lines == .many { newLine(indentation + 2) }
                value(indentation: indentation + 2)
                if current == UInt8(ascii: ":") {
                    copy()
                    result.append(UInt8(ascii: " "))
                    value(indentation: indentation + 2)
                }
                if current != UInt8(ascii: ",") { break }
                copy()
                if lines == .one { result.append(UInt8(ascii: " ")) }
            }
            if lines == .many { newLine(indentation) }
            copy()
        }

        private mutating func string() {
            copy()
            while let current, current != UInt8(ascii: "\"") {
                if current == UInt8(ascii: "\\") { copy() }
                copy()
            }
            copy()
        }

        private mutating func newLine(_ indentation: Int) {
            result.append(UInt8(ascii: "\n"))
            result += repeatElement(UInt8(ascii: " "), count: indentation)
        }

        /// Whether the list that begins here is short and has no objects or lists in it.
        private var isShortList: Bool {
            var scout = self
            scout.position += 1
            while let current = scout.current, scout.position - position < Self.width {
                switch current {
                case UInt8(ascii: "]"): return true
                case UInt8(ascii: "["), UInt8(ascii: "{"): return false
                case UInt8(ascii: "\""): scout.string()
                default: scout.position += 1
                }
            }
            return false
        }
    }
}
