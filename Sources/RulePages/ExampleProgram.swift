// SPDX-License-Identifier: Apache-2.0

/// A program in the examples of the rules' pages: an ELF executable for the PC, as small as can be.
struct ExampleProgram {
    struct Symbol {
        var name: String
        var value: UInt32 = 0
        /// A number rather than a place.
        var isAbsolute = false
    }

    var machine: UInt8 = 3
    /// 1 an object file, 2 a program.
    var type: UInt8 = 2
    var is64 = false
    var address: UInt32 = 0x10_0000
    /// A multiboot header, and an instruction at the entry.
    var contents: [UInt8] = [0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4, 0xf4, 0, 0, 0]
    var memorySize: UInt32 = 0x3_0000
    /// From ``address``.
    var entry: UInt32 = 12
    /// Empty: stripped.
    var symbols: [Symbol] = []

    /// Headers, contents, then the names, the symbols and the headers of both.
    var bytes: [UInt8] {
        let (headerSize, programSize, sectionSize, symbolSize) = is64 ? (64, 56, 64, 24) : (52, 32, 40, 16)
        let names: [UInt8] = [0] + symbols.flatMap { symbol -> [UInt8] in Array(symbol.name.utf8) + [0] }
        let namesAt = headerSize + programSize + contents.count
        let tableSize = (symbols.count + 1) * symbolSize
        let sections = namesAt + names.count + tableSize

        var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1] + zeros(9)
        file += [type, 0, machine, 0, 1, 0, 0, 0] + word(address + entry) + word(headerSize)
        file += word(symbols.isEmpty ? 0 : sections) + zeros(4)
        for number in [headerSize, programSize, 1, sectionSize, symbols.isEmpty ? 0 : 3, symbols.isEmpty ? 0 : 1] {
            file += [UInt8(number), 0]
        }
        file += [1, 0, 0, 0] + (is64 ? [7, 0, 0, 0] : [])
        for number in [headerSize + programSize, Int(address), Int(address), contents.count, Int(memorySize)] {
            file += word(number)
        }
        file += (is64 ? [] : [7, 0, 0, 0]) + word(1) + contents
        guard !symbols.isEmpty else { return file }

        file += names + zeros(symbolSize)
        var name = 1
        for symbol in symbols {
            let kind: [UInt8] = [2, 0] + (symbol.isAbsolute ? [0xf1, 0xff] : [1, 0])
            let value = word(symbol.value)
            file += number(name, 4) + (is64 ? kind + value + zeros(8) : value + zeros(4) + kind)
            name += symbol.name.utf8.count + 1
        }
        func section(_ type: Int, _ offset: Int, _ size: Int, link: Int) -> [UInt8] {
            zeros(4) + number(type, 4) + word(0) + word(0) + word(offset) + word(size) + number(link, 4) + zeros(4)
                + word(0) + word(0)
        }
        return file + section(0, 0, 0, link: 0) + section(3, namesAt, names.count, link: 0)
            + section(2, namesAt + names.count, tableSize, link: 1)
    }

    /// As wide as an address.
    private func word(_ value: some BinaryInteger) -> [UInt8] { number(value, is64 ? 8 : 4) }

    private func number(_ value: some BinaryInteger, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }
}
