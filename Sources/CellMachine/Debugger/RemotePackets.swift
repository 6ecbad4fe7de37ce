// SPDX-License-Identifier: Apache-2.0

/// Cuts packets of gdb's remote protocol (gdb's manual, appendix E) out of a stream of bytes. The stream is reliable, so
/// acknowledgements mean nothing.
struct RemotePackets {
    enum Item: Hashable {
        case packet([UInt8])
        /// Ctrl-C.
        case interrupt
    }

    /// What is longer is no packet: QEMU's and gdb's have a few thousand bytes.
    static let limit = 0x2_0000

    private var bytes: [UInt8] = []

    mutating func append(_ more: [UInt8]) { bytes += more }

    /// The next item; nil when more must come first. What is none is left out, damaged packets too.
    mutating func next() -> Item? {
        while let first = bytes.first {
            switch first {
            case UInt8(ascii: "$"):
                guard let end = bytes.firstIndex(of: UInt8(ascii: "#")) else {
                    if bytes.count > RemotePackets.limit { bytes = [] }
                    return nil
                }
                guard bytes.count >= end + 3 else { return nil }
                let body = Array(bytes[1..<end])
                let sum = UInt8(String(decoding: bytes[end + 1...end + 2], as: UTF8.self), radix: 16)
                bytes.removeFirst(end + 3)
                if sum == RemotePackets.sum(of: body) { return .packet(body) }
            case 3:
                bytes.removeFirst()
                return .interrupt
            default: bytes.removeFirst()
            }
        }
        return nil
    }

    /// A packet as it is sent.
    static func framed(_ body: [UInt8]) -> [UInt8] {
        [UInt8(ascii: "$")] + body + [UInt8(ascii: "#")] + hexadecimal([sum(of: body)])
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xf)]] }
    }

    /// Nil when these are no pairs of hexadecimal digits.
    static func bytes(fromHexadecimal text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes
    }

    private static func sum(of body: [UInt8]) -> UInt8 { body.reduce(0, &+) }
}
