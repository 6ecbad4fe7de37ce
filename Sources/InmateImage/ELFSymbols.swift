// SPDX-License-Identifier: Apache-2.0

/// The names in an ELF executable: its sections, and those of its symbols that were asked for.
///
/// Loading needs neither, and a stripped executable has none. So whatever is damaged here is taken as not there,
/// and the work is bounded by the size of the file and by the limits below.
struct ELFSymbols: Hashable, Sendable {
    /// What a symbol represents.
    struct Symbol: Hashable, Sendable {
        var value: UInt64
        /// A number rather than a place in the program.
        var isAbsolute: Bool
    }

    /// More sections and symbols than these are not looked at.
    static let sectionLimit = 1 << 12
    static let symbolLimit = 1 << 20

    private(set) var sections: Set<String> = []
    private(set) var symbols: [String: Symbol] = [:]
    /// Whether there is a table of symbols at all.
    private(set) var hasTable = false

    /// - Parameter wanted: the symbols to look for.
    init(_ image: [UInt8], _ format: ELFFile.Class, wanted: Set<String>) {
        let layout = ELFLayout(format)
        let headers = SectionHeader.all(in: image, layout)
        guard let names = headers.names else { return }
        for section in headers.sections {
            if let name = image.text(at: section.name, in: names, limit: 64) { sections.insert(name) }
        }
        // there is one table of symbols at most
        guard let table = headers.sections.first(where: { $0.type == 2 }),
            headers.sections.indices.contains(table.link)
        else { return }
        hasTable = true
        read(table.contents, names: headers.sections[table.link].contents, image, layout, wanted)
    }

    private mutating func read(
        _ table: Range<Int>, names: Range<Int>, _ image: [UInt8], _ layout: ELFLayout, _ wanted: Set<String>
    ) {
        let longest = wanted.reduce(0) { max($0, $1.utf8.count) }
        for index in 0..<min(table.count / layout.symbolSize, ELFSymbols.symbolLimit) {
            let entry = table.lowerBound + index * layout.symbolSize
            let section = image.number(at: entry + layout.symbolInfo + 2, 2)
            // undefined ones, and the names of source files
            guard section != 0, image[entry + layout.symbolInfo] & 0xf != 4,
                let name = image.text(at: image.number(at: entry, 4), in: names, limit: longest), wanted.contains(name)
            else { continue }
            symbols[name] = Symbol(
                value: image.number(at: entry + layout.symbolValue, layout.addressSize), isAbsolute: section == 0xfff1
            )
        }
    }
}

/// A section, as far as names need it.
struct SectionHeader {
    var name: UInt64
    /// `sh_type`: 2 is a table of symbols, 7 are notes.
    var type: UInt64
    /// `sh_flags`: 4 is executable.
    var flags: UInt64
    /// Where it is in memory, and how large it is there.
    var address: UInt64
    var size: UInt64
    /// Where it is in the file; empty when it is not wholly there.
    var contents: Range<Int>
    /// Of a table of symbols: the section with their names.
    var link: Int

    static func all(
        in image: [UInt8], _ layout: ELFLayout
    ) -> (sections: [SectionHeader], names: Range<Int>?) {
        let offset = image.number(at: layout.sectionHeadersOffset, layout.addressSize)
        let size = Int(image.number(at: layout.sectionHeaderSizeOffset, 2))
        let count = min(Int(image.number(at: layout.sectionHeaderSizeOffset + 2, 2)), ELFSymbols.sectionLimit)
        let index = Int(image.number(at: layout.sectionHeaderSizeOffset + 4, 2))
        guard size >= layout.sectionHeaderSize, offset > 0, offset <= UInt64(image.count),
            count * size <= image.count - Int(offset), (0..<count).contains(index)
        else { return ([], nil) }
        let sections = (0..<count).map { SectionHeader(image, at: Int(offset) + $0 * size, layout) }
        return (sections, sections[index].contents)
    }

    private init(_ image: [UInt8], at header: Int, _ layout: ELFLayout) {
        // sh_name and sh_type, then sh_flags, sh_addr, sh_offset and sh_size, then sh_link
        func field(_ number: Int) -> UInt64 {
            image.number(at: header + 8 + number * layout.addressSize, layout.addressSize)
        }
        name = image.number(at: header, 4)
        type = image.number(at: header + 4, 4)
        link = Int(image.number(at: header + 8 + 4 * layout.addressSize, 4))
        (flags, address) = (field(0), field(1))
        let offset = field(2)
        size = field(3)
        let isWhole = offset <= UInt64(image.count) && size <= UInt64(image.count) - offset
        contents = isWhole ? Int(offset)..<Int(offset + size) : 0..<0
    }
}

extension [UInt8] {
    /// The text at this place of a table of names; nil when it is empty, does not end or is longer than `limit`.
    func text(at offset: UInt64, in table: Range<Int>, limit: Int) -> String? {
        guard offset < UInt64(table.count) else { return nil }
        let start = table.lowerBound + Int(offset)
        let window = self[start..<Swift.min(table.upperBound, start + limit + 1)]
        guard let end = window.firstIndex(of: 0), end > start else { return nil }
        return String(validating: window[start..<end], as: UTF8.self)
    }
}
