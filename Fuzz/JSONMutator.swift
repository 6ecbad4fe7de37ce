// SPDX-License-Identifier: Apache-2.0

// Changes that leave JSON what it is: the decoder is not ours, so that coverage does not lead through it, and changes
// of single bytes seldom get past it.

@_silgen_name("LLVMFuzzerMutate")
private func mutateBytes(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int) -> Int

/// Called by libFuzzer for each input to be made from another one.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateJSON(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int, _ seed: UInt32) -> Int {
    var mutation = JSONMutation(text: Array(UnsafeBufferPointer(start: data, count: size)), state: UInt64(seed))
    // damaged texts are inputs as well, and grow the corpus by what is in the code's comparisons
    guard mutation.below(4) > 0 else { return mutateBytes(data, size, limit) }
    for _ in 0...mutation.below(3) { mutation.change() }
    guard !mutation.text.isEmpty, mutation.text.count <= limit else { return mutateBytes(data, size, limit) }
    data.update(from: mutation.text, count: mutation.text.count)
    return mutation.text.count
}

private struct JSONMutation {
    var text: [UInt8]
    var state: UInt64

    private static let numbers = [
        "0", "-1", "1", "62", "1099511627776", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "1e3",
        "0.5", "1e400", "2147483648", "null",
    ].map { Array($0.utf8) }

    private static let values = [
        "null", "true", "false", "{}", "[]", "\"\"", "0", "[{}]", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "[[[[]]]]",
    ].map { Array($0.utf8) }

    mutating func change() {
        let values = parts()
        guard !values.isEmpty else { return }
        let part = values[below(values.count)]
        let other = values[below(values.count)]
        switch below(6) {
        case 0: text.replaceSubrange(part, with: Self.values[below(Self.values.count)])
        case 1: text.replaceSubrange(part, with: text[other])
        case 2:
            let piece = [UInt8(ascii: ",")] + text[part]
            text.insert(contentsOf: piece, at: part.upperBound)
        case 3:
            // with the comma before it, and the key if it has one
            var first = part.lowerBound
            while first > 1, ![UInt8(ascii: ","), UInt8(ascii: "{"), UInt8(ascii: "[")].contains(text[first]) {
                first -= 1
            }
            if text[first] == UInt8(ascii: ",") { text.removeSubrange(first..<part.upperBound) }
        default:
            let numbers = values.filter { isNumber(text[$0.lowerBound]) }
            guard !numbers.isEmpty else { return }
            text.replaceSubrange(numbers[below(numbers.count)], with: Self.numbers[below(Self.numbers.count)])
        }
    }

    /// Where there are values (and keys): scalars, and what stands in brackets.
    private func parts() -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var open: [Int] = []
        var index = 0
        while index < text.count {
            let start = index
            switch text[index] {
            case UInt8(ascii: "\""):
                index += 1
                while index < text.count, text[index] != UInt8(ascii: "\"") {
                    index += text[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                index = min(index + 1, text.count)
                parts.append(start..<index)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(index)
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                index += 1
                if let first = open.popLast() { parts.append(first..<index) }
            case let byte where isWord(byte):
                while index < text.count, isWord(text[index]) { index += 1 }
                // the letter that an input may begin with is none of the JSON
                if start > 0 { parts.append(start..<index) }
            default: index += 1
            }
        }
        return parts
    }

    private func isWord(_ byte: UInt8) -> Bool {
        isNumber(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private func isNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed ^= mixed >> 27
        return Int(mixed >> 33) % limit
    }
}
