// SPDX-License-Identifier: Apache-2.0

/// Dates and times as RFC 3339 and TOML write them: `1979-05-27`, `07:32:00.5`, `1979-05-27T07:32:00+01:00`.
enum TOMLDateTime {
    static func isValid(_ word: String) -> Bool {
        let text = Array(word.utf8)
        guard text.count > 2, text[2] != UInt8(ascii: ":") else { return isTime(text[...]) }
        guard let date = fields(text.prefix(10), "dddd-dd-dd"), isDate(date) else { return false }
        guard text.count > 10 else { return true }
        guard text[10] == UInt8(ascii: " ") || text[10] | 0x20 == UInt8(ascii: "t") else { return false }
        let time = text[11...]
        guard let offset = time.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "z") || "+-".utf8.contains($0) })
        else { return isTime(time) }
        return isTime(time[..<offset]) && isOffset(time[offset...])
    }

    private static func isDate(_ fields: [Int]) -> Bool {
        let isLeapYear = fields[0] % 4 == 0 && (fields[0] % 100 != 0 || fields[0] % 400 == 0)
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(fields[1]) && (1...days[fields[1] - 1]).contains(fields[2])
    }

    /// 60 is a leap second.
    private static func isTime(_ text: ArraySlice<UInt8>) -> Bool {
        guard let fields = fields(text.prefix(8), "dd:dd:dd"), fields[0] < 24, fields[1] < 60, fields[2] <= 60 else {
            return false
        }
        let fraction = text.dropFirst(8)
        return fraction.isEmpty
            || fraction.first == UInt8(ascii: ".") && fraction.count > 1 && fraction.dropFirst().allSatisfy(\.isDigit)
    }

    private static func isOffset(_ text: ArraySlice<UInt8>) -> Bool {
        if text.count == 1, let letter = text.first { return letter | 0x20 == UInt8(ascii: "z") }
        return fields(text.dropFirst(), "dd:dd").map { $0[0] < 24 && $0[1] < 60 } ?? false
    }

    /// The numbers in a text of this form; nil when it has another one. `d` is a digit.
    private static func fields(_ text: ArraySlice<UInt8>, _ form: String) -> [Int]? {
        guard text.count == form.utf8.count else { return nil }
        var fields = [0]
        for (byte, expected) in zip(text, form.utf8) {
            if expected == UInt8(ascii: "d") {
                guard byte.isDigit else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return nil }
                fields.append(0)
            }
        }
        return fields
    }
}
