// SPDX-License-Identifier: Apache-2.0

import TOML

// Keys with several values.

extension SourceCoder {
    /// Several bits of a set, as a list of words; one alone may be written without a list.
    mutating func words<Bits: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ bits: inout Bits, _ words: [(word: String, bit: Bits)], bare: Bool = false
    ) throws(ConfigurationError) {
        let named = words.reduce(0) { $0 | $1.bit }
        var set = bits & named
        try value(
            key, .words(words.map(\.word)), &set, default: 0,
            read: { found throws(ConfigurationError) in
                var set: Bits = 0
                for element in try SourceCoder.elements(of: found) {
                    let text = try element.string()
                    guard let bit = words.first(where: { $0.word == text })?.bit else {
                        throw element.unknownWord(text, among: words.map(\.word))
                    }
                    set |= bit
                }
                return set
            },
            write: { set in
                let texts = words.filter { set & $0.bit != 0 }.map { SourceText.string($0.word) }
                return bare && texts.count == 1 ? texts[0] : SourceText.list(texts)
            }
        )
        bits = bits & ~named | set
    }

    /// A list of numbers, or a text like `"3-5,8"`.
    mutating func numbers(
        _ key: String, _ members: inout [Int], in range: ClosedRange<Int>, default standard: [Int]? = []
    ) throws(ConfigurationError) {
        try value(
            key, .numberSet(most: UInt64(range.upperBound)), &members, default: standard,
            read: { found throws(ConfigurationError) in try SourceCoder.numbers(found, range) },
            write: SourceText.numbers
        )
    }

    /// Raw numbers, one after the other.
    mutating func list<Number: FixedWidthInteger & UnsignedInteger>(
        _ key: String, _ numbers: inout [Number], default standard: [Number] = [], count: Int? = nil
    ) throws(ConfigurationError) {
        try value(
            key, .numberList(most: UInt64(Number.max), count: count), &numbers, default: standard,
            read: { found throws(ConfigurationError) in
                var numbers: [Number] = []
                for element in try found.list() { numbers.append(try element.number()) }
                if let count, numbers.count != count {
                    throw found.error(.invalidValue, "there must be \(count) of them, not \(numbers.count)")
                }
                return numbers
            },
            write: { SourceText.list($0.map { SourceText.hexadecimal($0) }) }
        )
    }

    private static func elements(of found: SourceValue) throws(ConfigurationError) -> [SourceValue] {
        if case .string = found.content { return [found] }
        return try found.list()
    }

    private static func numbers(
        _ found: SourceValue, _ range: ClosedRange<Int>
    ) throws(ConfigurationError) -> [Int] {
        var members: [Int] = []
        if case .string(let text) = found.content {
            do throws(ConfigurationError) {
                members = try NumberList.members(of: text, upTo: range.upperBound)
            } catch {
                throw found.error(error.code, error.message)
            }
            if let low = members.first(where: { $0 < range.lowerBound }) {
                throw found.error(.outOfRange, "\(low) is not from \(range.lowerBound) to \(range.upperBound)")
            }
        } else {
            for element in try found.list() { members.append(try element.number(in: range)) }
        }
        return Set(members).sorted()
    }
}
