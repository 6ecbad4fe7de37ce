// SPDX-License-Identifier: Apache-2.0

// How wide text is on a terminal, which counts columns.

extension Text {
    /// The columns that a terminal needs for text without control characters.
    static func columns(of text: some StringProtocol) -> Int {
        var count = 0
        for byte in text.utf8 {
            guard byte < 0x80 else { return text.reduce(0) { $0 + columns(of: $1) } }
            count += 1
        }
        return count
    }

    /// 0 for what is drawn over what is before it or not at all, 2 for what is as wide as it is high, such as Chinese.
    static func columns(of character: Character) -> Int {
        if character.isASCII { return 1 }
        let scalars = character.unicodeScalars
        // a flag is two letters
        let letters = scalars.filter { (0x1f1e6...0x1f1ff).contains($0.value) }.count
        return max(letters, scalars.map(columns).max() ?? 0)
    }

    /// As much of the beginning as has room in so many columns.
    static func prefix(_ text: String, columns room: Int) -> String {
        var rest = room
        return String(
            text.prefix { character in
                rest -= columns(of: character)
                return rest >= 0
            })
    }

    private static func columns(of scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        // a soft hyphen is shown
        case .format: return scalar.value == 0xad ? 1 : 0
        default: break
        }
        var (low, high) = (0, wide.count)
        while low < high {
            let middle = (low + high) / 2
            if wide[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
        }
        return low < wide.count && wide[low].contains(scalar.value) ? 2 : 1
    }

    /// The ranges W and F of Unicode's EastAsianWidth.txt (version 14.0.0), with what is not assigned between them.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x231a...0x231b, 0x2329...0x232a, 0x23e9...0x23ec, 0x23f0...0x23f0, 0x23f3...0x23f3,
        0x25fd...0x25fe, 0x2614...0x2615, 0x2648...0x2653, 0x267f...0x267f, 0x2693...0x2693, 0x26a1...0x26a1,
        0x26aa...0x26ab, 0x26bd...0x26be, 0x26c4...0x26c5, 0x26ce...0x26ce, 0x26d4...0x26d4, 0x26ea...0x26ea,
        0x26f2...0x26f3, 0x26f5...0x26f5, 0x26fa...0x26fa, 0x26fd...0x26fd, 0x2705...0x2705, 0x270a...0x270b,
        0x2728...0x2728, 0x274c...0x274c, 0x274e...0x274e, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
        0x27b0...0x27b0, 0x27bf...0x27bf, 0x2b1b...0x2b1c, 0x2b50...0x2b50, 0x2b55...0x2b55, 0x2e80...0x303e,
        0x3041...0x3247, 0x3250...0x4dbf, 0x4e00...0xa4c6, 0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfad9,
        0xfe10...0xfe19, 0xfe30...0xfe6b, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x1b2fb, 0x1f004...0x1f004,
        0x1f0cf...0x1f0cf, 0x1f18e...0x1f18e, 0x1f191...0x1f19a, 0x1f200...0x1f320, 0x1f32d...0x1f335,
        0x1f337...0x1f37c, 0x1f37e...0x1f393, 0x1f3a0...0x1f3ca, 0x1f3cf...0x1f3d3, 0x1f3e0...0x1f3f0,
        0x1f3f4...0x1f3f4, 0x1f3f8...0x1f43e, 0x1f440...0x1f440, 0x1f442...0x1f4fc, 0x1f4ff...0x1f53d,
        0x1f54b...0x1f54e, 0x1f550...0x1f567, 0x1f57a...0x1f57a, 0x1f595...0x1f596, 0x1f5a4...0x1f5a4,
        0x1f5fb...0x1f64f, 0x1f680...0x1f6c5, 0x1f6cc...0x1f6cc, 0x1f6d0...0x1f6d2, 0x1f6d5...0x1f6df,
        0x1f6eb...0x1f6ec, 0x1f6f4...0x1f6fc, 0x1f7e0...0x1f7f0, 0x1f90c...0x1f93a, 0x1f93c...0x1f945,
        0x1f947...0x1f9ff, 0x1fa70...0x1faf6, 0x20000...0x3fffd,
    ]
}
