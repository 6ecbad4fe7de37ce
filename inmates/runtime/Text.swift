// SPDX-License-Identifier: Apache-2.0

/// A line to print, put together without a heap: `"timer: \(ticks) ticks, \(hex: address)"`. What is too long is cut.
struct Text: ExpressibleByStringInterpolation {
    static let capacity = 160
    private(set) var bytes = InlineArray<160, UInt8>(repeating: 0)
    private(set) var count = 0

    init() {}

    init(stringLiteral value: StaticString) { append(value) }

    init(stringInterpolation: StringInterpolation) { self = stringInterpolation.text }

    mutating func append(_ byte: UInt8) {
        guard count < Self.capacity else { return }
        bytes[count] = byte
        count += 1
    }

    mutating func append(_ text: StaticString) { text.withUTF8Buffer { for byte in $0 { append(byte) } } }

    mutating func append(decimal number: UInt) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    mutating func append(hexadecimal number: UInt, digits: UInt) {
        if digits > 1 || number >= 16 { append(hexadecimal: number >> 4, digits: digits > 1 ? digits - 1 : 1) }
        let digit = UInt8(number & 15)
        append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = Text()

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: StaticString) { text.append(literal) }

        mutating func appendInterpolation(_ number: some UnsignedInteger) {
            text.append(decimal: UInt(truncatingIfNeeded: number))
        }

        mutating func appendInterpolation(_ number: some SignedInteger) {
            if number < 0 { text.append(UInt8(ascii: "-")) }
            text.append(decimal: UInt(truncatingIfNeeded: number.magnitude))
        }

        mutating func appendInterpolation(hex number: some UnsignedInteger, digits: UInt = 1) {
            text.append(hexadecimal: UInt(truncatingIfNeeded: number), digits: digits)
        }

        mutating func appendInterpolation(_ words: StaticString) { text.append(words) }

        mutating func appendInterpolation(_ other: Text) {
            for index in 0..<other.count { text.append(other.bytes[index]) }
        }
    }
}

/// Prints a line on the cell's console: the 8250 that the communication region names, and the hypervisor's console
/// where that is active, or permitted and wished for (`console=virtual`).
func print(_ line: Text) {
    let console = Console()
    while SharedWord.printLock.exchange(1) != 0 { pause() }
    for index in 0..<line.count { console.write(line.bytes[index]) }
    console.write(UInt8(ascii: "\n"))
    SharedWord.printLock.store(0)
}
