// SPDX-License-Identifier: Apache-2.0

/// Numbers as TOML writes them: `3`, `1_000`, `0x3f8`, `1.5e3`.
enum TOMLNumber {
    /// Nil for what is no number.
    static func content(of word: String) -> TOMLNode.Content? {
        integer(word).map { .integer($0) } ?? (isFraction(word) ? .other("a fraction") : nil)
    }

    /// Nil also for what 64 bits cannot hold.
    private static func integer(_ word: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.hasPrefix(prefix) {
            return digits(word.dropFirst(2), radix).flatMap { Int64($0, radix: radix) }
        }
        let unsigned = word.first == "+" || word.first == "-" ? word.dropFirst() : word[...]
        guard let plain = decimal(unsigned) else { return nil }
        return Int64(word.first == "-" ? "-" + plain : plain)
    }

    private static func isFraction(_ word: String) -> Bool {
        let unsigned = word.first == "+" || word.first == "-" ? word.dropFirst() : word[...]
        if unsigned == "inf" || unsigned == "nan" { return true }
        let parts = unsigned.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        if parts.count == 2 {
            let exponent = parts[1].first == "+" || parts[1].first == "-" ? parts[1].dropFirst() : parts[1]
            guard digits(exponent, 10) != nil else { return false }
        }
        let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard decimal(mantissa[0]) != nil else { return false }
        guard mantissa.count == 2 else { return parts.count == 2 }
        return digits(mantissa[1], 10) != nil
    }

    /// Without zeros in front.
    private static func decimal(_ text: Substring) -> String? {
        guard let plain = digits(text, 10), plain.count == 1 || plain.first != "0" else { return nil }
        return plain
    }

    /// Digits without the `_` that may separate them.
    private static func digits(_ text: Substring, _ radix: Int) -> String? {
        let groups = text.split(separator: "_", omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.allSatisfy { isDigit($0, radix) } }) else { return nil }
        return groups.joined()
    }

    private static func isDigit(_ character: Character, _ radix: Int) -> Bool {
        guard character.isASCII, let value = character.hexDigitValue else { return false }
        return value < radix
    }
}
