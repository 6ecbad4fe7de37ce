// SPDX-License-Identifier: Apache-2.0

/// A line of the hypervisor's console with places for what varies.
///
/// `{x}` is a hexadecimal number (with or without `0x`), `{d}` a decimal one, `{rw}` the word read or write, `{dev}` a PCI
/// address such as `00:1f.1`, `{q}` the text up to the next `"`, `{*}` the rest of the line.
struct LinePattern: Sendable {
    enum Value: Hashable, Sendable {
        case number(UInt64), access(Access), text(String)
    }

    private enum Part: Sendable {
        case literal([UInt8])
        case hexadecimal, decimal, access, device, quoted, rest
    }

    private let parts: [Part]

    init(_ template: String) {
        var parts: [Part] = []
        var rest = Array(template.utf8)[...]
        while !rest.isEmpty {
            if rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
                switch String(decoding: rest[rest.index(after: rest.startIndex)..<end], as: UTF8.self) {
                case "x": parts.append(.hexadecimal)
                case "d": parts.append(.decimal)
                case "rw": parts.append(.access)
                case "dev": parts.append(.device)
                case "q": parts.append(.quoted)
                default: parts.append(.rest)
                }
                rest = rest[rest.index(after: end)...]
            } else {
                let literal = rest.prefix { $0 != UInt8(ascii: "{") }
                parts.append(.literal(Array(literal)))
                rest = rest.dropFirst(literal.count)
            }
        }
        self.parts = parts
    }

    /// What stands at the places; nil if the line does not contain the pattern. It may begin in the middle of the line: an
    /// inmate's own output shares the console.
    func match(_ line: [UInt8]) -> [Value]? { find(in: line)?.values }

    /// The same, and where the pattern begins.
    func find(in line: [UInt8]) -> (start: Int, values: [Value])? {
        guard case .literal(let first) = parts.first else { return match(line[...], from: 0).map { (0, $0) } }
        var start = 0
        while start + first.count <= line.count {
            if line[start] == first[0], line[start...].starts(with: first), let values = match(line[start...], from: 0)
            {
                return (start, values)
            }
            start += 1
        }
        return nil
    }

    private func match(_ line: ArraySlice<UInt8>, from index: Int) -> [Value]? {
        var line = line
        var values: [Value] = []
        for part in parts[index...] {
            switch part {
            case .literal(let bytes):
                guard line.starts(with: bytes) else { return nil }
                line = line.dropFirst(bytes.count)
            case .hexadecimal:
                if line.starts(with: Array("0x".utf8)) { line = line.dropFirst(2) }
                guard let number = Self.number(&line, radix: 16) else { return nil }
                values.append(.number(number))
            case .decimal:
                guard let number = Self.number(&line, radix: 10) else { return nil }
                values.append(.number(number))
            case .access:
                if line.starts(with: Array("read".utf8)) {
                    values.append(.access(.read))
                    line = line.dropFirst(4)
                } else if line.starts(with: Array("write".utf8)) {
                    values.append(.access(.write))
                    line = line.dropFirst(5)
                } else {
                    return nil
                }
            case .device:
                let text = line.prefix { Self.isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
                guard text.count >= 7, text.contains(UInt8(ascii: ":")) else { return nil }
                values.append(.text(String(decoding: text, as: UTF8.self)))
                line = line.dropFirst(text.count)
            case .quoted:
                let text = line.prefix { $0 != UInt8(ascii: "\"") }
                values.append(.text(String(decoding: text, as: UTF8.self)))
                line = line.dropFirst(text.count)
            case .rest:
                values.append(.text(String(decoding: line, as: UTF8.self)))
                line = line.suffix(0)
            }
        }
        return values
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func number(_ line: inout ArraySlice<UInt8>, radix: Int) -> UInt64? {
        let digits = line.prefix {
            radix == 16 ? isHexadecimal($0) : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard let number = UInt64(String(decoding: digits, as: UTF8.self), radix: radix) else { return nil }
        line = line.dropFirst(digits.count)
        return number
    }
}
