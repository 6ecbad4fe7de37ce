// SPDX-License-Identifier: Apache-2.0

/// Text of which not every byte need be UTF-8, as the names of cells are, in a `String`: the bytes of such a text that
/// are not ASCII become scalars of a private plane, and become bytes again where the text goes out.
enum RawText {
    /// The scalar that represents byte 0.
    private static let plane: UInt32 = 0x10_0000

    /// - Parameter bytes: up to the first NUL.
    static func string(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes.prefix { $0 != 0 })
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = String.UnicodeScalarView()
        for byte in bytes {
            if let scalar = Unicode.Scalar(byte < 0x80 ? UInt32(byte) : plane + UInt32(byte)) { text.append(scalar) }
        }
        return String(text)
    }

    static func bytes(_ text: String) -> [UInt8] {
        // nearly all is as it is
        guard text.unicodeScalars.contains(where: { $0.value >= plane }) else { return Array(text.utf8) }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let byte = byte(scalar) { bytes.append(byte) } else { bytes += Array(String(scalar).utf8) }
        }
        return bytes
    }

    /// For people and in JSON: `a\\xff`.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            if let byte = byte(scalar) {
                escaped += "\\x" + String(byte, radix: 16)
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// From the words of a command line: `\\xff` is a byte.
    static func unescaped(_ words: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(words.utf8)[...]
        while let first = rest.popFirst() {
            if first == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count >= 3,
                let byte = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return string(bytes)
    }

    private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        scalar.value >= plane + 0x80 && scalar.value < plane + 0x100 ? UInt8(scalar.value - plane) : nil
    }
}
