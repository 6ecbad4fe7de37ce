// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration

/// Files of forks, laid out by their headers, are refused by the fork's name.
@Suite struct ForeignFormatTests {
    /// - Parameters:
    ///   - counts: by their offset in the cell's descriptor: how many, and how long each is.
    private static func file(
        _ signature: String, _ revision: UInt64, root: Int? = nil, cell size: Int, counts: [Int: (UInt64, Int)]
    ) -> [UInt8] {
        let offset = root ?? 0
        var file = WrittenFile(size: offset + size)
        file.put(0, signature)
        file.put(6, 2, revision)
        file.put(offset + 8, "fork")
        var lists = 0
        for (place, count) in counts {
            file.put(offset + place, 4, count.0)
            lists += Int(count.0) * count.1
        }
        file.append([UInt8](repeating: 0, count: lists))
        return file.bytes
    }

    private static let usual: [Int: (UInt64, Int)] = [48: (8, 1), 52: (3, 32), 60: (1, 32), 68: (2, 56)]

    private static let files: [(name: String, bytes: [UInt8])] = [
        (
            "NXP's Jailhouse for i.MX8 (4.14)",
            file("JHCELL", 9, cell: 100, counts: [48: (8, 1), 52: (4, 32), 80: (2, 8)])
        ),
        (
            "NXP's Jailhouse for i.MX8 (4.14.98 to 5.4.3)",
            file("JHCELL", 10, cell: 152, counts: usual.merging([116: (2, 8)]) { $1 })
        ),
        (
            "NXP's Jailhouse for i.MX8 (4.14.98 to 5.4.3)",
            file("JHSYST", 10, root: 386, cell: 152, counts: usual.merging([116: (2, 8)]) { $1 })
        ),
        ("NXP's Jailhouse for i.MX8 (5.4.24 to 5.10)", file("JHSYST", 12, root: 450, cell: 132, counts: usual)),
        (
            "TI's Jailhouse 0.10",
            file("JHCELL", 12, cell: 136, counts: usual.merging([76: (3, 4), 80: (2, 49)]) { $1 })
        ),
        ("TI's Jailhouse 0.10", file("JHSYST", 12, root: 418, cell: 136, counts: usual.merging([80: (2, 49)]) { $1 })),
        ("the cache-coloring branch", file("JHSYST", 13, root: 360, cell: 132, counts: usual)),
        ("Mancuso's jailhouse-rt", file("JHCELL", 13, cell: 136, counts: usual.merging([92: (2, 40)]) { $1 })),
        (
            "the Omnivisor",
            file(
                "JHCLL\u{2}", 14, cell: 152,
                counts: [48: (8, 1), 52: (4, 1), 56: (4, 1), 60: (4, 40), 68: (1, 32), 92: (1, 66), 96: (1, 109)])
        ),
        (
            "the Omnivisor",
            file(
                "JHSYS\u{2}", 14, root: 493, cell: 152,
                counts: [48: (8, 1), 60: (4, 40), 68: (1, 32), 88: (2, 20)])
        ),
        ("the RISC-V branch", file("JHCLL", 15, cell: 132, counts: [48: (2, 16), 52: (4, 32)])),
        ("MediaTek's Jailhouse", file("JHCLL\u{2}", 15, cell: 136, counts: usual.merging([80: (3, 4)]) { $1 })),
        ("Jailhouse before release v0.6 (2015 and 2016)", Array("JAILCELLrtems".utf8)),
        ("RVM1.5", file("RCMCL", 14, cell: 132, counts: usual)),
    ]

    @Test(arguments: files.indices) func itIsRefusedByItsName(index: Int) {
        let (name, bytes) = Self.files[index]
        #expect(ConfigurationFile.isBinary(bytes))
        let error = #expect(throws: ConfigurationError.self, "\(name)") { try ConfigurationFile(binary: bytes) }
        #expect(error?.code == .foreign, "\(error?.message ?? "")")
        #expect(
            error?.message.hasPrefix("this is a configuration in the format of \(name)") == true,
            "\(error?.message ?? "")")
    }

    /// A fork that nobody has listed: more fields before or in the cell's descriptor, or before one of its lists.
    @Test(arguments: FormatVariant.allCases) func unknownLayoutsAreNotMisread(format: FormatVariant) throws {
        let isOld = [.r10, .r11a, .r11b, .r11c].contains(format)
        let cell = WrittenFile.cell(format)
        let system = WrittenFile.system(format)
        let root = format.rootOffset
        let lists = isOld ? 128 : 132
        for (bytes, place, count) in [
            (cell, lists, 8), (cell, lists + 8, 8), (cell, lists + 72, 8), (system, root, 64), (system, 88, 64),
            (system, root + lists, 8),
        ] {
            for filler in [UInt8(0), 0xff] {
                let longer = bytes[..<place] + [UInt8](repeating: filler, count: count) + bytes[place...]
                let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(binary: Array(longer)) }
                #expect(error?.code == .foreign || error?.code == .length, "\(error?.message ?? "")")
                guard error?.code == .foreign else { continue }
                let message = try #require(error?.message)
                #expect(message.hasPrefix("its layout is not known: the file says revision "), "\(message)")
                #expect(message.contains(" and has \(longer.count) bytes, but "))
            }
        }
    }

    /// Bytes put in anywhere: the file is refused, or said to be longer than its counts. Only systems of revisions 11 and 12
    /// have layouts that differ by nothing but room for zeros.
    @Test(arguments: FormatVariant.allCases, [8, 24, 56, 64]) func putInBytesAreNotSilent(
        format: FormatVariant, count: Int
    ) {
        let systems = [WrittenFile.system(format), WrittenFile.system(format, arm: true)]
        let isWithoutRivals = ![.revision11, .revision12].contains(format.revision)
        for bytes in [WrittenFile.cell(format)] + (isWithoutRivals ? systems : []) {
            // the middle of the bitmap of revision 10 is like any other
            for place in stride(from: 8, through: min(bytes.count, 800), by: 4) {
                for filler in [UInt8(0), 0xff] {
                    let longer = bytes[..<place] + [UInt8](repeating: filler, count: count) + bytes[place...]
                    guard let file = try? ConfigurationFile(binary: Array(longer)) else { continue }
                    let surplus =
                        switch file {
                        case .cell(let cell): cell.surplus
                        case .system(let system): system.rootCell.surplus
                        }
                    #expect(!surplus.isEmpty, "\(count) times \(filler) at \(place)")
                }
            }
        }
    }

    /// What stands before the root cell is looked at, too.
    @Test(arguments: [FormatVariant.r10, .r13a, .r13b, .r14], [false, true]) func machinesAreNotMisread(
        format: FormatVariant, arm: Bool
    ) {
        let bytes = WrittenFile.system(format, arm: arm) + [UInt8](repeating: 0, count: 12)
        #expect((try? SystemDescriptor(binary: bytes))?.rootCell.surplus.count == 12)
        for place in [12, 28, 76] {
            var odd = bytes
            odd[place] = 1
            let error = #expect(throws: ConfigurationError.self, "\(place)") { try SystemDescriptor(binary: odd) }
            #expect(error?.code == .foreign, "\(error?.message ?? "")")
        }
    }

    @Test func anUnknownLayoutIsNamedWithItsLengths() throws {
        let bytes = WrittenFile.cell(.r14)
        let longer = Array(bytes[..<132] + [UInt8](repeating: 0, count: 8) + bytes[132...])
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: longer) }
        #expect(
            error?.message.hasPrefix(
                "its layout is not known: the file says revision 14 (after release v0.12, from 2023) and has "
                    + "\(bytes.count + 8) bytes, but by its counts upstream's layout has \(bytes.count)") == true,
            "\(error?.message ?? "")")
    }

    /// A board of upstream's whose surplus makes it as long as a fork's counts ask for is still upstream's.
    @Test func lengthsThatFitByChanceAreNotBelieved() throws {
        var bytes = WrittenFile.cell(.r10, oldLink: true)
        // 152 + 24 bytes more in the places of NXP's counts, and a console of type 0 with an address
        bytes += [UInt8](repeating: 0, count: 56)
        #expect(try CellDescriptor(binary: bytes).surplus.count == 56)
    }

    /// Cells of the branch with cache colors have upstream's layout, and one bit of their own.
    @Test(arguments: [FormatVariant.r13a, .r13b]) func coloredMemoryIsNotMisread(format: FormatVariant) throws {
        let region = MemoryRegion(physicalStart: 0x1000, size: 0x1000, flags: [.read, .write, .execute, .loadable])
        let cell = CellDescriptor(name: "colored", memoryRegions: [region])
        let system = SystemDescriptor(rootCell: CellDescriptor(name: "root", memoryRegions: [region]))
        let files = [try cell.binary(as: format), try system.binary(as: format)]
        for (plain, surplus) in files.flatMap({ [($0, 0), ($0, 12), ($0, 56)] }) {
            // the region is the last thing in the file, and its flags come last
            var bytes = plain
            #expect(bytes[bytes.count - 8] == 0x47)
            bytes[bytes.count - 7] = 0x02
            bytes += [UInt8](repeating: 0, count: surplus)
            let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(binary: bytes) }
            #expect(error?.code == .foreign, "\(error?.message ?? "")")
            #expect(
                error?.message
                    == "this is a configuration in the format of the cache-coloring branch, which says revision 13; only "
                    + "upstream's are understood")
        }
    }

    /// The lists are looked at once it is known that they are there: no count makes an array of its size.
    @Test(arguments: Array(stride(from: 48, through: 76, by: 4))) func countsBeyondTheFileAreRefused(place: Int) {
        for (root, signature) in [(0, "JHCELL"), (356, "JHSYST")] {
            var file = WrittenFile(size: root + 400)
            file.put(0, signature)
            file.put(6, 2, 13)
            file.put(root + 8, "x")
            file.put(root + place, 4, 0xffff_ffff)
            #expect(throws: ConfigurationError.self) { try ConfigurationFile(binary: file.bytes) }
        }
    }

    /// In files of forks with larger memory regions: three make a cell as long as one of NXP's; seven make it 56 bytes longer
    /// than one of upstream's.
    @Test(arguments: [
        (UInt64(10), UInt64(3), "the cache-coloring branch of 2019"), (10, 7, "the cache-coloring branch of 2019"),
        (13, 7, "Orcio's cache-coloring branch"),
    ]) func lengthsAreWeighedByWhatIsInThem(revision: UInt64, regions: UInt64, name: String) {
        let size = revision == 10 ? 128 : 132
        var file = WrittenFile(size: size + 8 + Int(regions) * 40)
        file.put(0, "JHCELL")
        file.put(6, 2, revision)
        file.put(8, "colored")
        file.put(48, 4, 8)
        file.put(52, 4, regions)
        file.put(size, 8, 0b1000)
        for index in 0..<Int(regions) {
            let start = size + 8 + index * 40
            file.put(start, 8, 0x4000_0000 + UInt64(index) << 20)
            file.put(start + 8, 8, 0x4000_0000 + UInt64(index) << 20)
            file.put(start + 16, 8, 0x10_0000)
            file.put(start + 24, 8, 0x247)
            file.put(start + 32, 8, 0xf0)
        }
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(binary: file.bytes) }
        #expect(
            error?.message.hasPrefix("this is a configuration in the format of \(name), which says") == true,
            "\(error?.message ?? "")")
    }

    @Test func otherRevisionsAreNamedWithTheirRelease() {
        let unknown = Self.file("JHCLL", 15, cell: 132, counts: [48: (2, 16)]) + [0]
        let branch = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: unknown) }
        #expect(branch?.code == .revision)
        #expect(branch?.message.contains("revision 15 (a branch of Jailhouse, not upstream)") == true)
        let bytes = Self.file("JHCELL", 8, cell: 128, counts: [:])
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes) }
        #expect(
            error?.message
                == "this is a configuration of revision 8 (before release v0.9); revisions 10 to 14 are understood")
    }
}
