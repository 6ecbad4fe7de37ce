// SPDX-License-Identifier: Apache-2.0

/// Unpacks what gzip packed: the format of RFC 1952 around the compressed data of RFC 1951.
///
/// It is our own, since it reads kernels in the daemon, which has no library for it.
package enum Gzip {
    package enum Failure: String, Error, Hashable, Sendable {
        case truncated = "it ends too early"
        case damaged = "it is damaged"
        case tooLarge = "it is too large"
        case wrongSum = "its checksum is wrong"
    }

    package static func isGzip(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.starts(with: [0x1f, 0x8b, 8]) }

    /// - Parameters:
    ///   - bytes: may have anything behind the compressed data.
    ///   - limit: the most bytes that come out.
    package static func unpack(_ bytes: ArraySlice<UInt8>, limit: Int) throws(Failure) -> [UInt8] {
        let input = Array(bytes)
        guard isGzip(input[...]) else { throw .damaged }
        // its last four bytes should be the size, if nothing is behind it
        let expected = input.count >= 4 ? Int(input.number(at: input.count - 4, 4)) : 0
        var inflater = Inflater(
            input, from: try dataStart(input), limit: limit, expected: expected <= limit ? expected : 0)
        try inflater.run()
        let end = inflater.position
        guard end + 8 <= input.count else { throw .truncated }
        guard input.number(at: end, 4) == UInt64(checksum(inflater.output)),
            input.number(at: end + 4, 4) == UInt64(inflater.output.count) & 0xffff_ffff
        else { throw .wrongSum }
        return inflater.output
    }

    /// Behind the header, which may have further data, the file's name, a comment and a checksum.
    private static func dataStart(_ input: [UInt8]) throws(Failure) -> Int {
        guard input.count >= 10 else { throw .truncated }
        let flags = input[3]
        var start = 10
        if flags & 4 != 0 {
            guard input.count >= start + 2 else { throw .truncated }
            start += 2 + Int(input.number(at: start, 2))
        }
        for flag: UInt8 in [8, 16] where flags & flag != 0 {
            guard start < input.count, let end = input[start...].firstIndex(of: 0) else { throw .truncated }
            start = end + 1
        }
        return flags & 2 == 0 ? start : start + 2
    }

    private static let checksumTable: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xedb8_8320 }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let table = checksumTable
        var sum: UInt32 = .max
        for byte in bytes { sum = table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
        return ~sum
    }
}

/// The codes of one alphabet, by the bits that come next.
private struct CodeTable {
    /// The symbol, shifted by 4, and how many bits its code has; 0: there is no such code.
    private(set) var entries: [UInt16]
    private(set) var width: Int

    static let longest = 15

    /// - Parameter lengths: of each symbol's code, 0 for none.
    /// - Returns: nil when more codes are asked for than there are.
    init?(_ lengths: ArraySlice<UInt8>) {
        var counts = [Int](repeating: 0, count: Self.longest + 1)
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        width = max(counts.lastIndex { $0 > 0 } ?? 0, 1)
        entries = [UInt16](repeating: 0, count: 1 << width)
        var next = [Int](repeating: 0, count: Self.longest + 2)
        for length in 1...Self.longest {
            next[length + 1] = (next[length] + counts[length]) << 1
            guard next[length] + counts[length] <= 1 << length else { return nil }
        }
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let code = next[Int(length)]
            next[Int(length)] += 1
            // a code's first bit comes first, and of a byte the lowest bit
            var index = (0..<Int(length)).reduce(0) { $0 << 1 | code >> $1 & 1 }
            while index < entries.count {
                entries[index] = UInt16(symbol) << 4 | UInt16(length)
                index += 1 << Int(length)
            }
        }
    }
}

private struct Inflater {
    private let input: [UInt8]
    private let limit: Int
    private(set) var output: [UInt8] = []
    /// Of the next byte that is not in ``bits`` yet.
    private var next: Int
    private var bits: UInt64 = 0
    private var bitCount = 0

    init(_ input: [UInt8], from start: Int, limit: Int, expected: Int) {
        self.input = input
        output.reserveCapacity(expected)
        next = start
        self.limit = limit
    }

    /// Behind the last byte that was used.
    var position: Int { next - bitCount / 8 }

    mutating func run() throws(Gzip.Failure) {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try copyStored()
            case 1:
                guard let literals = Self.fixedLiterals, let distances = Self.fixedDistances else { throw .damaged }
                try unpack(literals, distances)
            case 2:
                let (literals, distances) = try readTables()
                try unpack(literals, distances)
            default: throw .damaged
            }
        }
    }

    // MARK: - Bits

    private mutating func fill(_ count: Int) {
        while bitCount < count, next < input.count {
            bits |= UInt64(input[next]) << UInt64(bitCount)
            bitCount += 8
            next += 1
        }
    }

    private mutating func take(_ count: Int) throws(Gzip.Failure) -> Int {
        if bitCount < count {
            fill(count)
            guard bitCount >= count else { throw .truncated }
        }
        let value = Int(bits & (1 << UInt64(count) - 1))
        bits >>= UInt64(count)
        bitCount -= count
        return value
    }

    private mutating func symbol(_ table: CodeTable) throws(Gzip.Failure) -> Int {
        if bitCount < table.width { fill(table.width) }
        let entry = table.entries[Int(bits & UInt64(table.entries.count - 1))]
        let length = Int(entry & 15)
        guard length > 0 else { throw bitCount < table.width ? .truncated : .damaged }
        guard length <= bitCount else { throw .truncated }
        bits >>= UInt64(length)
        bitCount -= length
        return Int(entry >> 4)
    }

    // MARK: - Blocks

    private mutating func copyStored() throws(Gzip.Failure) {
        next = position
        (bits, bitCount) = (0, 0)
        guard next + 4 <= input.count else { throw .truncated }
        let count = Int(input.number(at: next, 2))
        guard count == Int(~input.number(at: next + 2, 2) & 0xffff) else { throw .damaged }
        next += 4
        guard next + count <= input.count else { throw .truncated }
        guard output.count + count <= limit else { throw .tooLarge }
        output += input[next..<next + count]
        next += count
    }

    private mutating func unpack(_ literals: CodeTable, _ distances: CodeTable) throws(Gzip.Failure) {
        while true {
            let symbol = try symbol(literals)
            if symbol < 256 {
                guard output.count < limit else { throw .tooLarge }
                output.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol - 257 < Self.lengths.count else { throw .damaged }
            let length = Self.lengths[symbol - 257] + (try take(Self.lengthBits[symbol - 257]))
            let code = try self.symbol(distances)
            guard code < Self.distances.count else { throw .damaged }
            let distance = Self.distances[code] + (try take(Self.distanceBits[code]))
            guard distance <= output.count else { throw .damaged }
            guard output.count + length <= limit else { throw .tooLarge }
            // what is copied may reach into what is being written
            let start = output.count - distance
            for offset in 0..<length { output.append(output[start + offset]) }
        }
    }

    private mutating func readTables() throws(Gzip.Failure) -> (CodeTable, CodeTable) {
        let literalCount = try take(5) + 257
        let distanceCount = try take(5) + 1
        let codeCount = try take(4) + 4
        var codeLengths = [UInt8](repeating: 0, count: 19)
        for index in 0..<codeCount { codeLengths[Self.codeOrder[index]] = UInt8(try take(3)) }
        guard let codes = CodeTable(codeLengths[...]) else { throw .damaged }
        var lengths: [UInt8] = []
        let count = literalCount + distanceCount
        while lengths.count < count {
            let symbol = try symbol(codes)
            switch symbol {
            case 16:
                guard let last = lengths.last else { throw .damaged }
                lengths += [UInt8](repeating: last, count: 3 + (try take(2)))
            case 17: lengths += [UInt8](repeating: 0, count: 3 + (try take(3)))
            case 18: lengths += [UInt8](repeating: 0, count: 11 + (try take(7)))
            default: lengths.append(UInt8(symbol))
            }
        }
        guard lengths.count == count, lengths[256] > 0, let literals = CodeTable(lengths[..<literalCount]),
            let distances = CodeTable(lengths[literalCount...])
        else { throw .damaged }
        return (literals, distances)
    }

    // MARK: - Tables of RFC 1951

    private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let lengths =
        Array(
            lengthBits.dropLast().reduce(into: (values: [Int](), next: 3)) {
                $0 = ($0.values + [$0.next], $0.next + 1 << $1)
            }
            .values) + [258]
    private static let distanceBits = (0..<30).map { max(0, $0 / 2 - 1) }
    private static let distances =
        distanceBits.reduce(into: (values: [Int](), next: 1)) { $0 = ($0.values + [$0.next], $0.next + 1 << $1) }.values

    private static let fixedLiterals = CodeTable(
        ((0..<288).map { (symbol: Int) -> UInt8 in symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8 })[...])
    private static let fixedDistances = CodeTable([UInt8](repeating: 5, count: 30)[...])
}
