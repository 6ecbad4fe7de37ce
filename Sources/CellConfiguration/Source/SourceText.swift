// SPDX-License-Identifier: Apache-2.0

/// How values are written in TOML.
enum SourceText {
    /// Hexadecimal; beyond what a TOML integer can be, as a string.
    static func hexadecimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = "0x" + String(number, radix: 16)
        return number > UInt64(Int64.max) ? "\"\(digits)\"" : digits
    }

    static func decimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
        number > UInt64(Int64.max) ? hexadecimal(number) : "\(number)"
    }

    static func size(_ size: UInt64) -> String {
        Quantity.sizeText(size).map { "\"\($0)\"" } ?? hexadecimal(size)
    }

    static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.properties.generalCategory == .control || scalar.properties.isNoncharacterCodePoint:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Comments are aligned where the lines are short enough.
    static func line(_ text: String, comment: String) -> String {
        guard !comment.isEmpty else { return text + "\n" }
        return text + String(repeating: " ", count: max(4, 32 - text.count)) + "# \(comment)\n"
    }

    static func list(_ elements: [String]) -> String {
        "[\(elements.joined(separator: ", "))]"
    }

    /// Numbers one by one while they are few, else `"3-5,8"`.
    static func numbers(_ members: [Int]) -> String {
        let text = NumberList.text(of: members)
        let isShort = members.count <= 4 && !(members.count > 2 && text.contains("-"))
        return isShort ? list(members.map(String.init)) : "\"\(text)\""
    }

    /// Bytes as pairs of digits.
    static func bytes(_ bytes: [UInt8]) -> String {
        let pairs = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "\"\(pairs.joined(separator: " "))\""
    }

    static func parse(bytes text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for pair in text.split(separator: " ") {
            guard pair.count == 2, pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
