// SPDX-License-Identifier: Apache-2.0

/// Makes small ELF files, sound and unsound ones.
package struct ELFBuilder {
    package struct Segment {
        package var type: UInt32 = 1
        package var address: UInt64 = 0
        package var contents: [UInt8] = []
        package var memorySize: UInt64?
        /// Where the bytes are said to be, when it is not where they are.
        package var offset: UInt64?
        package var fileSize: UInt64?

        package init(
            type: UInt32 = 1, address: UInt64 = 0, contents: [UInt8] = [], memorySize: UInt64? = nil,
            offset: UInt64? = nil, fileSize: UInt64? = nil
        ) {
            self.type = type
            self.address = address
            self.contents = contents
            self.memorySize = memorySize
            self.offset = offset
            self.fileSize = fileSize
        }
    }

    package struct Symbol {
        package var name: String
        package var value: UInt64 = 0
        /// `st_shndx`: 0 undefined, 0xfff1 absolute.
        package var section: UInt64 = 1
        /// `st_info`: 2 a function, 4 a source file.
        package var info: UInt64 = 2

        package init(name: String, value: UInt64 = 0, section: UInt64 = 1, info: UInt64 = 2) {
            self.name = name
            self.value = value
            self.section = section
            self.info = info
        }
    }

    package var is64 = false
    package var machine: UInt16 = 3
    package var type: UInt16 = 2
    package var entry: UInt64 = 0x10000c
    package var segments: [Segment] = []
    /// Nil: stripped.
    package var symbols: [Symbol]?
    /// Names of sections beyond those for the symbols.
    package var sections: [String] = []

    package init(
        is64: Bool = false, machine: UInt16 = 3, type: UInt16 = 2, entry: UInt64 = 0x10000c, segments: [Segment] = [],
        symbols: [Symbol]? = nil, sections: [String] = []
    ) {
        self.is64 = is64
        self.machine = machine
        self.type = type
        self.entry = entry
        self.segments = segments
        self.symbols = symbols
        self.sections = sections
    }

    package var bytes: [UInt8] {
        let headerSize = is64 ? 64 : 52
        let programHeaderSize = is64 ? 56 : 32
        var data: [UInt8] = []
        var headers: [UInt8] = []
        for segment in segments {
            let offset = segment.offset ?? UInt64(headerSize + programHeaderSize * segments.count + data.count)
            let fileSize = segment.fileSize ?? UInt64(segment.contents.count)
            headers += little(UInt64(segment.type), 4)
            if is64 { headers += little(7, 4) }
            for field in [
                offset, segment.address &+ 0xc000_0000, segment.address, fileSize, segment.memorySize ?? fileSize,
            ] {
                headers += address(field)
            }
            if !is64 { headers += little(7, 4) }
            headers += address(4)
            data += segment.contents
        }
        let tables = sectionTables(at: headerSize + headers.count + data.count)
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1] + Array(repeating: 0, count: 9)
        header += little(UInt64(type), 2) + little(UInt64(machine), 2) + little(1, 4)
        header += address(entry) + address(UInt64(headerSize)) + address(tables.offset) + little(0, 4)
        header += little(UInt64(headerSize), 2) + little(UInt64(programHeaderSize), 2)
        header += little(UInt64(segments.count), 2) + little(is64 ? 64 : 40, 2) + little(tables.count, 2)
        header += little(tables.count == 0 ? 0 : 1, 2)
        return header + headers + data + tables.bytes
    }

    /// Names, symbols, then the section headers: null, names of sections, symbols, their names, others.
    private func sectionTables(at start: Int) -> (bytes: [UInt8], offset: UInt64, count: UInt64) {
        guard symbols != nil || !sections.isEmpty else { return ([], 0, 0) }
        var names: [UInt8] = [0]
        func name(_ text: String) -> UInt64 {
            names += Array(text.utf8) + [0]
            return UInt64(names.count - text.utf8.count - 1)
        }
        var table = [UInt8](repeating: 0, count: is64 ? 24 : 16)
        for symbol in symbols ?? [] {
            let (value, info, section) = (address(symbol.value), little(symbol.info, 2), little(symbol.section, 2))
            table += little(name(symbol.name), 4)
            table += is64 ? info + section + value + address(0) : value + little(0, 4) + info + section
        }
        let tableName = name(".symtab")
        let others = sections.map { name($0) }
        let (namesAt, tableAt) = (UInt64(start), UInt64(start + names.count))
        func header(_ name: UInt64, _ type: UInt64, _ offset: UInt64, _ size: Int, link: UInt64 = 0) -> [UInt8] {
            little(name, 4) + little(type, 4) + address(0) + address(0) + address(offset) + address(UInt64(size))
                + little(link, 4) + little(0, 4) + address(0) + address(0)
        }
        var headers = header(0, 0, 0, 0) + header(0, 3, namesAt, names.count)
        var count: UInt64 = 2
        if symbols != nil {
            headers += header(tableName, 2, tableAt, table.count, link: 1)
            count += 1
        }
        for other in others { headers += header(other, 1, 0, 0) }
        return (names + table + headers, tableAt + UInt64(table.count), count + UInt64(others.count))
    }

    private func address(_ number: UInt64) -> [UInt8] { little(number, is64 ? 8 : 4) }

    private func little(_ number: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
