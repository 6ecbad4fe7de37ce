// SPDX-License-Identifier: Apache-2.0

/// Keys of a terminal's input, whose escape sequences may come in pieces.
struct KeyReader {
    private var rest: [UInt8] = []

    /// The keys that are complete.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [TopModel.Key] {
        rest += bytes
        var keys: [TopModel.Key] = []
        while let byte = rest.first {
            guard byte == 0x1b else {
                rest.removeFirst()
                if byte >= 0x20 && byte < 0x7f { keys.append(.character(Character(Unicode.Scalar(byte)))) }
                continue
            }
            guard rest.count > 1 else { break }
            guard rest[1] == UInt8(ascii: "[") || rest[1] == UInt8(ascii: "O") else {
                rest.removeFirst()
                keys.append(.escape)
                continue
            }
            // parameters, then a letter or ~
            guard let end = rest.dropFirst(2).firstIndex(where: { $0 >= 0x40 && $0 <= 0x7e }) else {
                if rest.count > 16 { rest = [] }
                break
            }
            if let key = Self.key(String(decoding: rest[2...end], as: UTF8.self)) { keys.append(key) }
            rest.removeFirst(end + 1)
        }
        return keys
    }

    /// Nothing followed: a lone escape was the key.
    mutating func timeOut() -> [TopModel.Key] {
        guard rest == [0x1b] else { return [] }
        rest = []
        return [.escape]
    }

    private static func key(_ sequence: String) -> TopModel.Key? {
        switch sequence {
        case "A": .up
        case "B": .down
        case "H", "1~", "7~": .first
        case "F", "4~", "8~": .last
        case "5~": .pageUp
        case "6~": .pageDown
        default: nil
        }
    }
}
