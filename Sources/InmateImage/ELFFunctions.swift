// SPDX-License-Identifier: Apache-2.0

/// The functions of an ELF executable by address, and by what it is known to be the same program.
///
/// As with ``ELFSymbols``, what is damaged is taken as not there.
package struct ELFFunctions: Hashable, Sendable {
    package struct Place: Hashable, Sendable {
        package var function: String
        /// In bytes from the function's beginning.
        package var offset: UInt64
    }

    private struct Function: Hashable {
        var start: UInt64
        /// 0: up to the next function, as labels in assembly are.
        var size: UInt64
        var name: String
    }

    private static let nameLimit = 512

    /// Of its note `.note.gnu.build-id`; nil when the linker wrote none.
    package private(set) var buildID: [UInt8]?
    /// Whether it has the lines of its sources (DWARF).
    package private(set) var hasLines = false
    package let machine: ELFFile.Machine
    /// In ascending order.
    private var functions: [Function] = []
    private var code: [Range<UInt64>] = []

    /// Nil for a file that is no ELF executable.
    package init?(_ image: [UInt8]) {
        guard ELFFile.isELF(image), let file = try? ELFFile(image) else { return nil }
        machine = file.machine
        let layout = ELFLayout(file.format)
        let headers = SectionHeader.all(in: image, layout)
        guard let names = headers.names else { return }
        for section in headers.sections {
            let name = image.text(at: section.name, in: names, limit: 64)
            if name == ".debug_line" { hasLines = true }
            if section.type == 7, name == ".note.gnu.build-id" { buildID = Self.buildID(in: image, section.contents) }
            let (end, overflow) = section.address.addingReportingOverflow(section.size)
            if section.flags & 4 != 0, !overflow { code.append(section.address..<end) }
        }
        // a file may have symbols without sections that say what is code
        if code.isEmpty {
            code = file.segments.filter { $0.flags & 1 != 0 }.map { $0.address..<$0.address + ($0.memorySize - 1) }
        }
        guard let table = headers.sections.first(where: { $0.type == 2 }),
            headers.sections.indices.contains(table.link)
        else { return }
        let strings = headers.sections[table.link].contents
        for index in 0..<min(table.contents.count / layout.symbolSize, ELFSymbols.symbolLimit) {
            read(image, at: table.contents.lowerBound + index * layout.symbolSize, strings, layout)
        }
        // of two names of one place, the one with a size
        functions.sort { ($0.start, $1.size) < ($1.start, $0.size) }
    }

    private mutating func read(_ image: [UInt8], at entry: Int, _ names: Range<Int>, _ layout: ELFLayout) {
        let type = image[entry + layout.symbolInfo] & 0xf
        // functions, and labels in assembly
        guard type == 2 || type == 0, image.number(at: entry + layout.symbolInfo + 2, 2) != 0 else { return }
        var value = image.number(at: entry + layout.symbolValue, layout.addressSize)
        // of a Thumb function
        if machine == .arm, type == 2 { value &= ~1 }
        guard code.contains(where: { $0.contains(value) }),
            let name = image.text(at: image.number(at: entry, 4), in: names, limit: Self.nameLimit),
            !Self.isMark(name)
        else { return }
        // st_size is behind st_value in 32-bit files as in 64-bit ones
        let size = image.number(at: entry + layout.symbolValue + layout.addressSize, layout.addressSize)
        functions.append(Function(start: value, size: type == 2 ? size : 0, name: name))
    }

    /// The function that contains the address, as the program's own code has it.
    package func place(of address: UInt64) -> Place? {
        guard let section = code.first(where: { $0.contains(address) }) else { return nil }
        // the first that begins behind the address
        var (low, high) = (0, functions.count)
        while low < high {
            let middle = (low + high) / 2
            if functions[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        while low > 0 {
            low -= 1
            let function = functions[low]
            guard section.contains(function.start) else { return nil }
            // of several names of one place, the first
            if low > 0, functions[low - 1].start == function.start { continue }
            let offset = address - function.start
            guard function.size == 0 || offset < function.size else { return nil }
            return Place(function: function.name, offset: offset)
        }
        return nil
    }

    /// `$x`, `$d.3`: what Arm's assemblers mark code and data with; `.L4`: labels within a function.
    private static func isMark(_ name: String) -> Bool {
        name.hasPrefix(".L") || name.hasPrefix("$") && (name.utf8.count == 2 || name.dropFirst(2).first == ".")
    }

    /// A note: the lengths of its name and its contents, its type (3), the name `GNU`, the contents.
    private static func buildID(in image: [UInt8], _ note: Range<Int>) -> [UInt8]? {
        guard note.count >= 16, image.number(at: note.lowerBound, 4) == 4,
            image.number(at: note.lowerBound + 8, 4) == 3
        else { return nil }
        let length = image.number(at: note.lowerBound + 4, 4)
        guard length > 0, length <= UInt64(note.count - 16) else { return nil }
        let start = note.lowerBound + 16
        return Array(image[start..<start + Int(length)])
    }
}
